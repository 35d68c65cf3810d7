/** `filigree client ask|deal|deals|balance`: storage deals of a running node's user. */
import { type Command, Option } from "commander";
import { describeError } from "../../base/errors.ts";
import { sleepFor } from "../../base/sleep.ts";
import { filText } from "../../types/amount.ts";
import { type DealView, dealDetails, dealLines } from "../deal-output.ts";
import { EXIT } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { nextCommand, parseAmount, parsePositive, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { type Link, linkOf } from "../remote-call.ts";
import { plainText } from "../terminal.ts";

type Ask = Record<"Price" | "VerifiedPrice", string> &
  Record<"MinPieceSize" | "MaxPieceSize" | "Timestamp" | "Expiry" | "SeqNo", number>;

const MAX_EPOCH = 1_000_000_000;
const DEFAULT_DURATION = 518_400;
const LOOK_MS = 1000;
const AGAIN = ["--again", "though such a deal is open already: another one, which is paid for, too"] as const;
/** What a node says where such a deal is open. */
const SECOND = /the same deal is open already \([^)]*\): (\w+)/;
/** What a node says of a price that was not allowed. */
const TOO_DEAR = /the provider asks (.+?) an epoch, .* may be spent/;

export function registerClientDeals(client: Command): void {
  withRemote(
    client
      .command("ask")
      .description("what a provider asks for its space")
      .argument("[miner]", "its address", "miner")
      .option("--peer <multiaddr>", "where it is (default: in this node, or where the chain says)"),
  ).action(ask);
  withRemote(
    client
      .command("deal")
      .description("have a provider store a DAG that was imported; prints the proposal, which names the deal")
      .argument("<root>", "CID of the DAG")
      .argument("[miner]", "address of the provider", "miner")
      .option("--from <address>", "who pays; the node has its key", "default")
      .option("--duration <epochs>", "from its start on", wholeNumber(1, MAX_EPOCH), DEFAULT_DURATION)
      .option("--start-epoch <n>", "by when it must be stored (default: in 2,880 epochs)", wholeNumber(1, MAX_EPOCH))
      .option("--price <FIL>", "an epoch (default: what the provider asks, up to --max-price)", parseAmount)
      .option("--max-price <FIL>", "an epoch, where --price does not say it", parseAmount)
      .option("--verified", "use the payer's data cap")
      .option("--no-unsealed", "the provider need not keep a copy that is quick to read")
      .option("--peer <multiaddr>", "where the provider is (default: in this node, or where the chain says)")
      .option("--url <url>", "where the provider gets the CAR file (default: from this node)")
      .option("--offline", "the provider gets the CAR file by hand")
      .option("--raw", "the piece is the file's own bytes, not its CAR file: it can be had as a piece, at /piece/<CID>")
      .addOption(
        new Option("--transfer <way>", "how a provider elsewhere gets it from this node (default: by HTTP)").choices([
          ...["libp2p", "graphsync"],
        ]),
      )
      .option(...AGAIN)
      .option("--wait", "until the deal is active or has failed"),
  ).action(deal);
  withRemote(
    client
      .command("renew")
      .description("the same deal once more, from its end on; prints the new proposal")
      .argument("<proposal>", "as deal prints it")
      .option("--duration <epochs>", "from its start on (default: as it was)", wholeNumber(1, MAX_EPOCH))
      .option("--start-epoch <n>", "default: the end of the earlier one, or in 2,880 epochs", wholeNumber(1, MAX_EPOCH))
      .option("--max-price <FIL>", "an epoch (default: what it was); the provider's ask of today counts", parseAmount)
      .option(...AGAIN)
      .option("--wait", "until the deal is active or has failed"),
  ).action(renew);
  withRemote(
    client
      .command("verify")
      .description("have the provider show that an active deal's piece is in its sector, as the chain knows it")
      .argument("<proposal>", "as deal prints it"),
  ).action(verify);
  withRemote(
    client
      .command("deals")
      .description("deals of the node's user; with a proposal, all that happened to one")
      .argument("[proposal]", "as deal prints it"),
  ).action(deals);
  withRemote(
    client
      .command("balance")
      .description("funds in the storage market, where the price of deals is locked")
      .argument("[address]", 'whose: an address, or "default" for the wallet\'s own', "default")
      .option("--add <FIL>", "put funds in first, from the address", parsePositive)
      .option("--withdraw <FIL>", "take funds out first", parsePositive),
  ).action(balance);
}

async function ask(miner: string, options: RemoteOptions & { readonly peer?: string }): Promise<void> {
  const remote = await Remote.open(options);
  const address = await remote.address(miner);
  const found = await remote.call<Ask>("ClientQueryAsk", options.peer ?? "", address);
  say(options.json, { miner: address, ...found }, [
    `price           ${filText(found.Price)} for a GiB and an epoch`,
    `verified deals  ${filText(found.VerifiedPrice)}`,
    `piece sizes     ${found.MinPieceSize} to ${found.MaxPieceSize} bytes`,
    `until epoch     ${found.Expiry}`,
  ]);
}

type DealOptions = RemoteOptions & {
  readonly from: string;
  readonly duration: number;
  readonly startEpoch?: number;
  readonly price?: bigint;
  readonly maxPrice?: bigint;
  readonly verified?: true;
  readonly unsealed: boolean;
  readonly peer?: string;
  readonly url?: string;
  readonly offline?: true;
  readonly raw?: true;
  readonly transfer?: string;
  readonly again?: true;
  readonly wait?: true;
};

async function deal(root: string, miner: string, options: DealOptions): Promise<void> {
  const remote = await Remote.open(options);
  const wanted = {
    Root: linkOf(root),
    Wallet: await remote.address(options.from, "--from"),
    Miner: await remote.address(miner),
    Duration: options.duration,
    Price: options.price?.toString() ?? null,
    // Nobody pays what was not said.
    MaxPrice: (options.maxPrice ?? 0n).toString(),
    StartEpoch: options.startEpoch ?? null,
    Collateral: null,
    Verified: options.verified === true,
    KeepUnsealed: options.unsealed,
    Peer: options.peer ?? "",
    Offline: options.offline === true,
    Raw: options.raw === true,
    Transfer: options.transfer ?? "",
    Url: options.url ?? "",
    Headers: {},
    // Whoever was interrupted gives the same command once more, and would pay twice.
    Again: options.again === true,
  };
  await made(remote, "Filigree.ClientDeal", [wanted], options);
}

async function verify(proposal: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  type Shown = { readonly Sector: number; readonly Offset: number; readonly SectorBytes: number; readonly CommD: Link };
  const shown = await interruptible((signal) =>
    remote.wait<Shown>("Filigree.ClientVerifyDeal", [linkOf(proposal)], signal),
  );
  say(options.json, { proposal, ...shown }, [
    `the piece lies in sector ${shown.Sector} at byte ${shown.Offset} of ${shown.SectorBytes}, under CommD ${shown.CommD["/"]}`,
  ]);
}

type RenewOptions = RemoteOptions & {
  readonly duration?: number;
  readonly startEpoch?: number;
  readonly maxPrice?: bigint;
  readonly again?: true;
  readonly wait?: true;
};

async function renew(proposal: string, options: RenewOptions): Promise<void> {
  const remote = await Remote.open(options);
  const change = {
    Duration: options.duration ?? null,
    StartEpoch: options.startEpoch ?? null,
    MaxPrice: options.maxPrice?.toString() ?? null,
    Again: options.again === true,
  };
  await made(remote, "Filigree.ClientRenewDeal", [linkOf(proposal), change], options);
}

/** Makes a deal, and tells of it; with `--wait` until it is active or has failed. The deal goes on without this command. */
async function made(
  remote: Remote,
  method: string,
  params: readonly unknown[],
  options: RemoteOptions & { readonly wait?: true },
): Promise<void> {
  let known: string | null = null;
  const follow = (): string =>
    nextCommand(known === null ? "filigree client deals" : `filigree client deals ${known}`, options);
  const work = async (signal: AbortSignal): Promise<void> => {
    const proposal = (
      await remote.wait<Link>(method, params, signal).catch((error: unknown) => {
        const [, second] = SECOND.exec(describeError(error)) ?? [];
        if (second !== undefined)
          throw new Error(
            `${describeError(error)}; look at it with: ${nextCommand(`filigree client deals ${second}`, options)}; for another one: --again`,
          );
        const [, price] = TOO_DEAR.exec(describeError(error)) ?? [];
        if (price === undefined) throw error;
        throw new Error(`${describeError(error)}; to allow it: --max-price "${price}"`);
      })
    )["/"];
    known = proposal;
    say(options.json, { proposal }, [proposal]);
    if (options.wait !== true) return;
    const view = await ended(remote, proposal, options.json !== true, signal);
    say(options.json, { proposal, deal: view }, [
      `deal ${view.DealId ?? "none"}: ${view.State} ${view.Error}`.trimEnd(),
    ]);
    if (view.State === "Failed") process.exitCode = EXIT.failure;
  };
  const lead = (): string =>
    known === null
      ? "if the node has made the deal, it goes on with it; look with"
      : "the deal goes on without this command; look at it with";
  await interruptible(work, follow, lead);
}

/** The deal when it is active, or has come to nothing; tells of its states meanwhile. */
async function ended(remote: Remote, proposal: string, isTelling: boolean, signal: AbortSignal): Promise<DealView> {
  for (let told = ""; ; ) {
    const view = await remote.wait<DealView>("Filigree.ClientDealLog", [{ "/": proposal }], signal);
    const line = [view.State, view.SealingState, view.Error].filter((text) => text !== "").join("; ");
    if (isTelling && line !== told) process.stderr.write(`${plainText(line)}\n`);
    told = line;
    if (["Active", "Failed", "Expired", "Slashed"].includes(view.State)) return view;
    await sleepFor(LOOK_MS, signal);
  }
}

async function deals(proposal: string | undefined, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  if (proposal !== undefined) {
    const view = await remote.call<DealView>("Filigree.ClientDealLog", linkOf(proposal));
    say(options.json, view, dealDetails(view));
    return;
  }
  const views = await remote.call<readonly DealView[]>("Filigree.ClientDeals");
  say(options.json, { deals: views }, dealLines(views, "client"));
}

type BalanceOptions = RemoteOptions & { readonly add?: bigint; readonly withdraw?: bigint };

async function balance(name: string, options: BalanceOptions): Promise<void> {
  const remote = await Remote.open(options);
  const address = await remote.address(name);
  // What was sent is not sent again: the command itself would send another.
  let sent: string | null = null;
  const work = async (signal: AbortSignal): Promise<void> => {
    for (const [amount, method] of [
      [options.add, "MarketAddBalance"],
      [options.withdraw, "MarketWithdraw"],
    ] as const) {
      if (amount === undefined) continue;
      const message = await remote.wait<Link>(method, [address, address, amount.toString()], signal);
      sent = message["/"];
      await remote.wait("StateWaitMsg", [message, 0, -1, true], signal);
    }
  };
  const waits = (): string => nextCommand(sent === null ? "filigree mpool pending" : `filigree wait ${sent}`, options);
  await interruptible(work, waits, "what was sent stays; look at it with");
  const { Escrow, Locked } = await remote.call<{ Escrow: string; Locked: string }>("StateMarketBalance", address, null);
  const reserved = await remote.call<string>("MarketGetReserved", address);
  const free = BigInt(Escrow) - BigInt(Locked) - BigInt(reserved);
  say(options.json, { address, escrow: Escrow, locked: Locked, reserved, available: free.toString() }, [
    `escrow     ${filText(Escrow)}`,
    `locked     ${filText(Locked)}`,
    `reserved   ${filText(reserved)}`,
    `available  ${filText(free < 0n ? 0n : free)}`,
  ]);
}
