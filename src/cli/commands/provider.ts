/** `filigree provider …`: storage deals of a running node's own miners. Files are looked up by the node, on this machine. */
import path from "node:path";
import type { Command } from "commander";
import { filText } from "../../types/amount.ts";
import { type DealView, dealDetails, dealLines } from "../deal-output.ts";
import { UsageError } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { collect, wholeNumber } from "../options.ts";
import { parseAmount, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { type Link, linkOf } from "../remote-call.ts";
import { table } from "../table.ts";
import { registerRetrievalAsk } from "./retr.ts";

type Ask = {
  readonly Ask: Record<"Price" | "VerifiedPrice", string> &
    Record<"MinPieceSize" | "MaxPieceSize" | "Timestamp" | "Expiry" | "SeqNo", number>;
};
type Rules = Readonly<Record<string, unknown>>;

const MAX_BYTES = Number.MAX_SAFE_INTEGER;
const MAX_EPOCHS = 1_000_000_000;

export function registerProvider(program: Command): void {
  const provider = program.command("provider").description("storage deals that the node's own miners take");
  withRemote(
    provider
      .command("ask")
      .description("what a miner asks for its space; with options, asks for something else from now on")
      .option("--miner <address>", "which (default: the first)")
      .option("--price <FIL>", "for a GiB and an epoch", parseAmount)
      .option("--verified-price <FIL>", "the same for verified deals", parseAmount)
      .option("--min-piece <bytes>", "least piece, padded", wholeNumber(128, MAX_BYTES))
      .option("--max-piece <bytes>", "largest piece, padded", wholeNumber(128, MAX_BYTES))
      .option("--duration <epochs>", "how long it holds", wholeNumber(1, MAX_EPOCHS)),
  ).action(ask);
  withRemote(
    provider
      .command("deals")
      .description("deals that were taken; with a proposal, all that happened to one")
      .argument("[proposal]", "CID of its proposal"),
  ).action(deals);
  withRemote(
    provider
      .command("import-data")
      .description("give a deal the data that it waits for")
      .argument("<proposal>", "CID of its proposal")
      .argument("<file>", "CAR file"),
  ).action(importData);
  withRemote(
    provider
      .command("rules")
      .description("the rules by which deals are taken; with --set, changes some")
      .option("--set <rule=value>", 'such as minStartDelay=1000 or deniedClients=["t1…"]; repeatable', collect, []),
  ).action(rules);
  withRemote(
    provider
      .command("publish")
      .description("deals that wait to be published; with --now, publishes them")
      .option("--now", "without waiting for others"),
  ).action(publish);
  withRemote(
    provider
      .command("settle")
      .description("ask the market for what active deals have earned by now (from network version 22 on)")
      .argument("[proposals...]", "CIDs of their proposals (default: of all)"),
  ).action(settle);
  registerRetrievalAsk(provider, "retrieval-ask");
  withRemote(
    provider
      .command("index")
      .description("deals whose data is given by its blocks, and how many; with a CID, those whose data has that block")
      .argument("[cid]", "a block's CID"),
  ).action(index);
}

type AskOptions = RemoteOptions & {
  readonly miner?: string;
  readonly price?: bigint;
  readonly verifiedPrice?: bigint;
  readonly minPiece?: number;
  readonly maxPiece?: number;
  readonly duration?: number;
};

async function ask(options: AskOptions): Promise<void> {
  const remote = await Remote.open(options);
  const miner = options.miner === undefined ? null : await remote.address(options.miner, "--miner");
  const { Ask: before } = await remote.call<Ask>("MarketGetAsk", miner);
  const { price, verifiedPrice, minPiece, maxPiece, duration } = options;
  if ([price, verifiedPrice, minPiece, maxPiece, duration].some((one) => one !== undefined))
    await remote.call(
      "MarketSetAsk",
      price?.toString() ?? before.Price,
      verifiedPrice?.toString() ?? before.VerifiedPrice,
      duration ?? before.Expiry - before.Timestamp,
      minPiece ?? before.MinPieceSize,
      maxPiece ?? before.MaxPieceSize,
      miner,
    );
  const { Ask: found } = await remote.call<Ask>("MarketGetAsk", miner);
  say(options.json, found, [
    `price           ${filText(found.Price)} for a GiB and an epoch`,
    `verified deals  ${filText(found.VerifiedPrice)}`,
    `piece sizes     ${found.MinPieceSize} to ${found.MaxPieceSize} bytes`,
    `epochs          ${found.Timestamp} to ${found.Expiry}`,
  ]);
}

async function deals(proposal: string | undefined, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  if (proposal !== undefined) {
    const view = await remote.call<DealView>("Filigree.ProviderDealLog", linkOf(proposal));
    say(options.json, view, dealDetails(view));
    return;
  }
  const views = await remote.call<readonly DealView[]>("Filigree.ProviderDeals");
  say(options.json, { deals: views }, dealLines(views, "provider"));
}

async function importData(proposal: string, file: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const place = path.resolve(file);
  await interruptible((signal) => remote.wait("MarketImportDealData", [linkOf(proposal), place], signal));
  say(options.json, { proposal, file: place }, [`${place} is the data of ${proposal} if it is the deal's piece`]);
}

async function rules(options: RemoteOptions & { readonly set: readonly string[] }): Promise<void> {
  const remote = await Remote.open(options);
  const before = await remote.call<Rules>("Filigree.ProviderRules");
  if (options.set.length > 0) {
    const changed = Object.fromEntries(options.set.map((text) => ruleOf(text, before)));
    await remote.call("Filigree.ProviderSetRules", { ...before, ...changed });
  }
  const now = await remote.call<Rules>("Filigree.ProviderRules");
  const own = Object.entries(now).map(([name, value]) => [lowered(name), value] as const);
  say(
    options.json,
    Object.fromEntries(own),
    own.map(([name, value]) => `${name.padEnd(20)} ${JSON.stringify(value)}`),
  );
}

const lowered = (name: string): string => `${name[0]?.toLowerCase()}${name.slice(1)}`;

/** `minStartDelay=1000` as the interface has it. */
function ruleOf(text: string, known: Rules): readonly [string, unknown] {
  const [, given = "", value = ""] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  const name = Object.keys(known).find((one) => lowered(one) === given);
  if (name === undefined)
    throw new UsageError(
      `--set ${text}: <rule>=<value> expected, a rule of: ${Object.keys(known).map(lowered).join(", ")}`,
    );
  try {
    return [name, JSON.parse(value)];
  } catch {
    return [name, value];
  }
}

async function publish(options: RemoteOptions & { readonly now?: true }): Promise<void> {
  const remote = await Remote.open(options);
  type Pending = { readonly Deals: readonly unknown[]; readonly PublishPeriodStart: string };
  const { Deals } = await remote.call<Pending>("MarketPendingDeals");
  if (options.now === true) await remote.call("MarketPublishPendingDeals");
  say(options.json, { pending: Deals.length, publishing: options.now === true }, [
    `waiting to be published: ${counted(Deals)}${options.now === true && Deals.length > 0 ? ", sent now" : ""}`,
  ]);
}

async function settle(proposals: readonly string[], options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  type Settlement = { readonly Message: Link; readonly Deals: readonly Link[] };
  const wanted = proposals.length === 0 ? null : proposals.map(linkOf);
  const sent = await remote.call<readonly Settlement[]>("Filigree.ProviderSettle", wanted);
  const lines = sent.map(({ Message, Deals }) => `message ${Message["/"]} asks for the payments of ${counted(Deals)}`);
  say(options.json, { settlements: sent }, lines.length === 0 ? ["no active deal has begun"] : lines);
}

async function index(cid: string | undefined, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  type Indexed = { readonly Proposal: Link; readonly Blocks: number };
  const all = await remote.call<readonly Indexed[]>("Filigree.ProviderIndex", cid === undefined ? null : linkOf(cid));
  const deals = all.map(({ Proposal, Blocks }) => ({ proposal: Proposal["/"], blocks: Blocks }));
  const none = cid === undefined ? "no deal's data is given by its blocks" : `no deal's data has the block ${cid}`;
  const rows = deals.map(({ proposal, blocks }) => [proposal, `${blocks}`]);
  say(options.json, { deals }, rows.length === 0 ? [none] : table(["proposal", "blocks"], rows));
}

const counted = ({ length }: readonly unknown[]): string => (length === 1 ? "1 deal" : `${length} deals`);
