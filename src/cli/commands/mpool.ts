/** `filigree mpool`: messages that wait in a node's pool. */
import type { Command } from "commander";
import { methodText } from "../../state/words.ts";
import { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { UsageError } from "../errors.ts";
import { wholeNumber } from "../options.ts";
import { nextCommand, parseAmount, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import type { Link } from "../remote-call.ts";
import { table } from "../table.ts";
import { countText } from "../terminal.ts";

type Message = {
  readonly From: string;
  readonly To: string;
  readonly Nonce: number;
  readonly Value: string;
  readonly Method: number;
  readonly GasLimit: number;
  readonly GasFeeCap: string;
  readonly GasPremium: string;
};
type Signed = { readonly Message: Message; readonly CID: Link };
type Config = { readonly ReplaceByFeeRatio: number } & Readonly<Record<string, unknown>>;

/** Ratios are counted in thousandths, without rounding of large numbers. */
const THOUSANDTHS = 1000n;

export function registerMpool(program: Command): void {
  const mpool = program.command("mpool").description("messages that wait in a node's pool");
  withRemote(
    mpool
      .command("pending")
      .description("the messages that wait")
      .option("--local", "only those whose sender's key the node has")
      .option("--from <address>", "only those of a sender: address (0x, too) or name")
      .option("--to <address>", "only those to a receiver: address (0x, too) or name")
      .option("--cids", "only their CIDs"),
  ).action(pending);
  withRemote(
    mpool
      .command("replace")
      .description("send a waiting message again with another fee; the node has the sender's key")
      .argument("<cid|from>", "the message, or its sender")
      .argument("[nonce]", "its nonce, where a sender is named", wholeNumber(0, Number.MAX_SAFE_INTEGER))
      .option("--auto", "fees that the node estimates, at least as much above the old ones as a replacement must be")
      .option("--fee-limit <FIL>", "most that it may cost, with --auto", parseAmount)
      .option("--gas-premium <FIL>", "for the miner, for each unit of gas", parseAmount)
      .option("--gas-feecap <FIL>", "most for each unit of gas", parseAmount)
      .option("--gas-limit <n>", "units of gas", wholeNumber(1, 10_000_000_000)),
  ).action(replace);
  withRemote(
    mpool
      .command("clear")
      .description("drop the messages that wait; what others have of them comes back by gossip")
      .option("--local", "those of this node, too")
      .option("--really-do-it", "must be given: nothing can bring local messages back"),
  ).action(clear);
  withRemote(
    mpool
      .command("config")
      .description("the pool's settings, or new ones")
      .argument("[json]", "settings that change, in the network's spelling"),
  ).action(config);
}

type PendingOptions = RemoteOptions & {
  readonly local?: true;
  readonly from?: string;
  readonly to?: string;
  readonly cids?: true;
};

async function pending(options: PendingOptions): Promise<void> {
  const remote = await Remote.open(options);
  const from = options.from === undefined ? null : await spellings(remote, options.from);
  const to = options.to === undefined ? null : await spellings(remote, options.to);
  const own = options.local === true ? new Set(await remote.call<string[]>("WalletList")) : null;
  const found = (await remote.call<Signed[]>("MpoolPending", null)).filter(
    ({ Message: one }) =>
      (from === null || from.has(one.From)) && (to === null || to.has(one.To)) && (own === null || own.has(one.From)),
  );
  const named = options.json === true || options.cids === true ? null : await methodNames(remote, found);
  const rows = found.map(({ CID, Message: one }) => [
    CID["/"],
    one.From,
    `${one.Nonce}`,
    one.To,
    filText(one.Value),
    named?.(one) ?? `${one.Method}`,
    one.GasFeeCap,
    one.GasPremium,
  ]);
  const lines =
    options.cids === true
      ? found.map(({ CID }) => CID["/"])
      : rows.length === 0
        ? ["nothing waits"]
        : table(["message", "from", "nonce", "to", "value", "method", "fee cap", "premium"], rows);
  say(options.json, { messages: found }, lines);
}

/** Receivers whose kind is asked for, to name their methods; of the others exported methods alone have names. */
const MOST_RECEIVERS = 50;

async function methodNames(
  remote: Remote,
  found: readonly Signed[],
): Promise<(message: Pick<Signed["Message"], "To" | "Method">) => string> {
  const called = found.flatMap(({ Message: one }) => (one.Method === 0 ? [] : [one.To]));
  const codes = new Map<string, CID | null>();
  for (const to of [...new Set(called)].slice(0, MOST_RECEIVERS)) {
    const actor = await remote.ask<{ readonly Code: Link }>("StateGetActor", to, null);
    codes.set(to, actor === null ? null : parseCid(actor.Code["/"]));
  }
  return ({ To: to, Method: method }) => methodText(codes.get(to) ?? null, BigInt(method));
}

/** All that a message may call who is meant: the address with the network's letter, its key's, and its actor's. */
async function spellings(remote: Remote, name: string): Promise<ReadonlySet<string>> {
  const address = Address.parse(await remote.address(name)).toString(await remote.prefix());
  const others = ["StateAccountKey", "StateLookupID"].map((method) => remote.ask<string>(method, address, null));
  return new Set([address, ...(await Promise.all(others)).filter((one) => one !== null)]);
}

type ReplaceOptions = RemoteOptions & {
  readonly auto?: true;
  readonly feeLimit?: bigint;
  readonly gasPremium?: bigint;
  readonly gasFeecap?: bigint;
  readonly gasLimit?: number;
};

async function replace(what: string, nonce: number | undefined, options: ReplaceOptions): Promise<void> {
  const { auto, feeLimit, gasPremium, gasFeecap, gasLimit } = options;
  if (
    auto === true
      ? gasPremium !== undefined || gasFeecap !== undefined
      : gasPremium === undefined || gasFeecap === undefined
  )
    throw new UsageError("give --auto, or both --gas-premium and --gas-feecap");
  if (auto !== true && feeLimit !== undefined) throw new UsageError("--fee-limit goes with --auto");
  const remote = await Remote.open(options);
  const { Message: old, CID: replaced } = await waitingMessage(remote, what, nonce, options);
  const fees =
    auto === true
      ? await autoFees(remote, old, feeLimit)
      : {
          GasPremium: `${gasPremium}`,
          GasFeeCap: `${gasFeecap}`,
          ...(gasLimit === undefined ? {} : { GasLimit: gasLimit }),
        };
  const signed = await remote.call<Signed>("WalletSignMessage", old.From, { ...old, ...fees });
  const cid = (await remote.call<Link>("MpoolPush", signed))["/"];
  const { GasFeeCap, GasPremium, GasLimit } = signed.Message;
  say(options.json, { cid, replaced, GasFeeCap, GasPremium, GasLimit }, [
    `message ${cid} in place of ${replaced["/"]}`,
    `fee cap ${GasFeeCap}, premium ${GasPremium} attoFIL for each of ${GasLimit} units of gas`,
  ]);
}

/** The waiting message of a CID, or of a sender and nonce. */
async function waitingMessage(
  remote: Remote,
  what: string,
  nonce: number | undefined,
  options: RemoteOptions,
): Promise<Signed> {
  const all = await remote.call<Signed[]>("MpoolPending", null);
  const from = nonce === undefined ? null : await spellings(remote, what);
  const found = all.find(({ CID, Message: one }) =>
    from === null ? CID["/"] === what : from.has(one.From) && one.Nonce === nonce,
  );
  if (found !== undefined) return found;
  const list = nextCommand("filigree mpool pending --cids", options);
  throw new Error(
    from === null
      ? `no message ${what} waits; those that do: ${list}`
      : `no message of ${what} with nonce ${nonce} waits; those that do: ${list}`,
  );
}

/** Estimated fees, no lower than what a replacement must offer. Source: lotus cli/mpool.go (MpoolReplaceCmd) at b835fab702eb. */
async function autoFees(remote: Remote, old: Message, limit: bigint | undefined) {
  const { ReplaceByFeeRatio: ratio } = await remote.call<Config>("MpoolGetConfig");
  const least = (BigInt(old.GasPremium) * BigInt(Math.ceil(ratio * 1000))) / THOUSANDTHS + 1n;
  const spec = limit === undefined ? null : { MaxFee: `${limit}` };
  const unpriced = { ...old, GasFeeCap: "0", GasPremium: "0" };
  const estimated = await remote.call<Message>("GasEstimateMessageGas", unpriced, spec, null);
  const premium = max(BigInt(estimated.GasPremium), least);
  const feeCap = max(BigInt(estimated.GasFeeCap), premium);
  if (limit !== undefined && feeCap * BigInt(old.GasLimit) > limit)
    throw new Error(`a replacement costs up to ${filText(feeCap * BigInt(old.GasLimit))}, above --fee-limit`);
  return { GasPremium: `${premium}`, GasFeeCap: `${feeCap}` };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

async function clear(options: RemoteOptions & { readonly local?: true; readonly reallyDoIt?: true }): Promise<void> {
  if (options.reallyDoIt !== true) throw new UsageError("--really-do-it must be given: what is dropped is gone");
  const remote = await Remote.open(options);
  const before = (await remote.call<unknown[]>("MpoolPending", null)).length;
  await remote.call("MpoolClear", options.local === true);
  const left = (await remote.call<unknown[]>("MpoolPending", null)).length;
  const dropped = before - left;
  const own =
    options.local === true || left === 0
      ? []
      : [`${countText(left, "message")} of this node left: --local drops them, too`];
  say(options.json, { ok: true, dropped, left }, [`${countText(dropped, "message")} dropped`, ...own]);
}

async function config(given: string | undefined, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const before = await remote.call<Config>("MpoolGetConfig");
  if (given === undefined) {
    say(options.json, { config: before }, [JSON.stringify(before, null, 2)]);
    return;
  }
  let wanted: unknown;
  try {
    wanted = JSON.parse(given);
  } catch {
    throw new UsageError("the settings are not JSON");
  }
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted))
    throw new UsageError(`the settings are an object, such as '{"ReplaceByFeeRatio":1.5}'`);
  for (const name of Object.keys(wanted))
    if (!(name in before)) throw new UsageError(`${name} is no setting; there are ${Object.keys(before).join(", ")}`);
  await remote.call("MpoolSetConfig", { ...before, ...wanted });
  const after = await remote.call<Config>("MpoolGetConfig");
  say(options.json, { config: after }, [JSON.stringify(after, null, 2)]);
}
