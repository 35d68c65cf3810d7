/** `filigree paych …`: payment channels of a running node. Amounts are given with their unit; FIL without one. */
import type { Command } from "commander";
import { toBase64 } from "../../base/bytes.ts";
import { describeError } from "../../base/errors.ts";
import { filText } from "../../types/amount.ts";
import {
  parseVoucherText,
  type SignedVoucher,
  voucherFromJson,
  voucherText,
  voucherToJson,
} from "../../types/voucher.ts";
import { UsageError } from "../errors.ts";
import { interruptible } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { nextCommand, parseAmount, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import type { Link } from "../remote-call.ts";
import { registerReconcile } from "./paych-reconcile.ts";

type Info = { readonly Channel: string; readonly WaitSentinel: Link | null };
type Funds = Record<
  | "From"
  | "To"
  | "ConfirmedAmt"
  | "PendingAmt"
  | "NonReservedAmt"
  | "PendingAvailableAmt"
  | "QueuedAmt"
  | "VoucherReedeemedAmt",
  string
> & { readonly Channel: string | null; readonly PendingWaitSentinel: Link | null };
type Made = { readonly Voucher: unknown; readonly Shortfall: string };

const MAX_EPOCH = 1_000_000_000;
/** Vouchers of one schedule. */
const MAX_COUNT = 1000;
const MAX_LANE = Number.MAX_SAFE_INTEGER;

export function registerPaych(program: Command): void {
  const paych = program.command("paych").description("payment channels: pay and be paid by vouchers, off the chain");
  withRemote(
    paych
      .command("add-funds")
      .description("put an amount into the channel of a pair, which is made as needed, and wait for it")
      .argument("<from>", "who pays; the node has its key")
      .argument("<to>", "who is paid")
      .argument("<amount>", '"1.5 FIL", "20 nanoFIL"', parseAmount)
      .option("--reserve", "set the amount aside, as for a payment")
      .option("--no-wait", "only send the message"),
  ).action(addFunds);
  withRemote(paych.command("status").description("funds of a channel").argument("<channel>", "its address")).action(
    status,
  );
  withRemote(
    paych
      .command("status-by-from-to")
      .description("funds of the channel that a pair uses")
      .argument("<from>", "who pays")
      .argument("<to>", "who is paid"),
  ).action(statusOf);
  withRemote(paych.command("list").description("channels that the node tracks")).action(list);
  for (const [name, method, description] of [
    ["settle", "PaychSettle", "begin to settle a channel: it can be collected twelve hours later"],
    ["collect", "PaychCollect", "pay out a settled channel"],
  ] as const)
    withRemote(paych.command(name).description(description).argument("<channel>", "its address")).action(
      (channel: string, options: RemoteOptions) => control(method, channel, options),
    );
  registerReconcile(paych);
  registerVoucher(paych.command("voucher").description("vouchers of a channel"));
}

function registerVoucher(voucher: Command): void {
  const channel = ["<channel>", "address of the channel"] as const;
  const text = ["<voucher>", "its text, as create prints it"] as const;
  const secret = ["--secret <hex>", "what opens the voucher's lock"] as const;
  withRemote(
    voucher
      .command("create")
      .description("make a voucher; it is kept by the node, and its text is what the payee needs")
      .argument(...channel)
      .argument("<amount>", "the lane's new total", parseAmount)
      .option("--lane <n>", "lane of the channel", wholeNumber(0, MAX_LANE), 0)
      .option("--from-epoch <n>", "first epoch in which it counts", wholeNumber(0, MAX_EPOCH), 0)
      .option("--until-epoch <n>", "last epoch in which it counts", wholeNumber(0, MAX_EPOCH), 0)
      .option("--secret-hash <hex>", "blake2b-256 of a secret that must be shown")
      .option("--min-settle <n>", "epoch before which the channel does not close", wholeNumber(0, MAX_EPOCH), 0)
      .option("--merge <lane...>", "lanes that it takes over"),
  ).action(create);
  withRemote(
    voucher
      .command("schedule")
      .description(
        "make the vouchers of a payment over time: each over what is due by its epoch, the last one over all",
      )
      .argument(...channel)
      .argument("<amount>", "in all", parseAmount)
      .requiredOption("--count <n>", "vouchers", wholeNumber(1, MAX_COUNT))
      .requiredOption("--end-epoch <n>", "from when on all of it is due", wholeNumber(0, MAX_EPOCH))
      .option("--start-epoch <n>", "from when on it becomes due (default: now)", wholeNumber(0, MAX_EPOCH))
      .option("--min-settle <n>", "epoch before which the channel does not close", wholeNumber(0, MAX_EPOCH), 0),
  ).action(schedule);
  withRemote(
    voucher
      .command("check")
      .description("what is wrong with a voucher")
      .argument(...channel)
      .argument(...text),
  ).action(check);
  withRemote(
    voucher
      .command("add")
      .description("keep a voucher that was received")
      .argument(...channel)
      .argument(...text)
      .option(...secret),
  ).action(add);
  withRemote(
    voucher
      .command("list")
      .description("vouchers of a channel")
      .argument(...channel)
      .option("--export", "with their texts"),
  ).action((address: string, options: ListOptions) => show("PaychVoucherList", address, options));
  withRemote(
    voucher
      .command("best-spendable")
      .description("the best voucher of each lane that could be submitted now")
      .argument(...channel)
      .option("--export", "with their texts"),
  ).action((address: string, options: ListOptions) => show("Filigree.PaychBestSpendable", address, options));
  withRemote(
    voucher
      .command("submit")
      .description("send a voucher to its channel")
      .argument(...channel)
      .argument(...text)
      .option(...secret),
  ).action(submit);
}

type FundOptions = RemoteOptions & { readonly reserve?: true; readonly wait: boolean };

async function addFunds(from: string, to: string, amount: bigint, options: FundOptions): Promise<void> {
  const remote = await Remote.open(options);
  const [payer, payee] = [await remote.address(from), await remote.address(to)];
  const pair = [payer, payee, amount.toString()] as const;
  // What was sent is not sent again: the command itself would put the amount in once more.
  let sent: string | null = null;
  const work = async (signal: AbortSignal): Promise<void> => {
    const info = await (options.reserve === true
      ? remote.wait<Info>("PaychGet", [...pair, { OffChain: false }], signal)
      : remote.wait<Info>("PaychFund", pair, signal));
    const message = info.WaitSentinel?.["/"] ?? null;
    sent = message;
    const isThere = message === null || !options.wait;
    const channel = isThere
      ? info.Channel
      : await remote.wait<string>("PaychGetWaitReady", [info.WaitSentinel], signal);
    say(options.json, { channel: isThere && channel === "<empty>" ? null : channel, message }, [
      channel === "<empty>" ? `the channel is being made by message ${message}` : channel,
    ]);
  };
  const waits = (): string =>
    nextCommand(
      sent === null ? `filigree paych status-by-from-to ${payer} ${payee}` : `filigree wait ${sent}`,
      options,
    );
  await interruptible(work, waits, "what was sent stays; look at it with").catch((error: unknown) =>
    withBalance(remote, payer, amount, error),
  );
}

/** Throws an error of somebody who has too little, with how much that is; any other as it is. */
async function withBalance(remote: Remote, payer: string, amount: bigint, error: unknown): Promise<never> {
  if (!/not enough funds/.test(describeError(error))) throw error;
  const there = await remote.ask<string>("WalletBalance", payer);
  if (there === null) throw error;
  throw new Error(
    `${describeError(error)}; ${payer} has ${filText(there)}, for the ${filText(amount)} and the message's fee`,
    { cause: error },
  );
}

/** What the chain says of a channel: attoFIL in it, and the epoch from which it can be collected, 0 while it is open. */
type OnChain = { readonly balance: string; readonly settlingAt: number };

/** Null for a channel that is not on chain: not yet, or not any more. */
async function onChain(remote: Remote, { Channel }: Funds): Promise<OnChain | null> {
  if (Channel === null) return null;
  type Read = { readonly Balance: string; readonly State: { readonly SettlingAt: number } };
  const found = await remote.ask<Read>("StateReadState", Channel, null);
  return found === null ? null : { balance: found.Balance, settlingAt: found.State.SettlingAt };
}

function stateText({ Channel, PendingWaitSentinel }: Funds, found: OnChain | null): string {
  if (Channel === null) return PendingWaitSentinel === null ? "none" : "being made";
  if (found === null) return "not on chain any more: it was collected";
  return found.settlingAt === 0 ? "open" : `settling: it can be collected from epoch ${found.settlingAt} on`;
}

async function sayFunds(remote: Remote, funds: Funds, asJson: boolean | undefined): Promise<void> {
  const found = await onChain(remote, funds);
  say(asJson, { ...funds, onChain: found }, fundsLines(funds, found));
}

function fundsLines(funds: Funds, found: OnChain | null): readonly string[] {
  const fil = (name: keyof Funds): string => filText(funds[name] as string);
  return [
    `channel       ${funds.Channel ?? "none"}`,
    `state         ${stateText(funds, found)}`,
    ...(funds.Channel === null ? [] : [`on chain      ${filText(found?.balance ?? "0")}`]),
    `from          ${funds.From}`,
    `to            ${funds.To}`,
    `confirmed     ${fil("ConfirmedAmt")}`,
    `not reserved  ${fil("NonReservedAmt")}`,
    `pending       ${fil("PendingAmt")}`,
    `queued        ${fil("QueuedAmt")}`,
    `in vouchers   ${fil("VoucherReedeemedAmt")}`,
    ...(funds.PendingWaitSentinel === null ? [] : [`waits for     ${funds.PendingWaitSentinel["/"]}`]),
  ];
}

async function status(channel: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const funds = await remote.call<Funds>("PaychAvailableFunds", await remote.address(channel));
  await sayFunds(remote, funds, options.json);
}

async function statusOf(from: string, to: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const pair = [await remote.address(from), await remote.address(to)];
  const funds = await remote.call<Funds>("PaychAvailableFundsByFromTo", ...pair);
  await sayFunds(remote, funds, options.json);
}

async function list(options: RemoteOptions): Promise<void> {
  const channels = await (await Remote.open(options)).call<readonly string[]>("PaychList");
  say(options.json, { channels }, channels);
}

async function control(method: string, channel: string, options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const message = (await remote.call<Link>(method, await remote.address(channel)))["/"];
  say(options.json, { message }, [
    `message ${message}; to see what becomes of it: ${nextCommand(`filigree wait ${message}`, options)}`,
  ]);
}

type CreateOptions = RemoteOptions & {
  readonly lane: number;
  readonly fromEpoch: number;
  readonly untilEpoch: number;
  readonly secretHash?: string;
  readonly minSettle: number;
  readonly merge?: readonly string[];
};

function hexOf(name: string, text: string | undefined): string {
  if (text === undefined) return "";
  const digits = /^(?:0x)?((?:[0-9a-f]{2})+)$/i.exec(text)?.[1];
  if (digits === undefined) throw new UsageError(`${name} ${text}: hexadecimal digits expected`);
  return toBase64(Uint8Array.from(digits.match(/../g) as string[], (pair) => Number.parseInt(pair, 16)));
}

async function create(channel: string, amount: bigint, options: CreateOptions): Promise<void> {
  const remote = await Remote.open(options);
  const merges = (options.merge ?? []).map((lane) => {
    if (!/^\d{1,19}$/.test(lane)) throw new UsageError(`--merge ${lane}: the number of a lane expected`);
    return BigInt(lane) > BigInt(MAX_LANE) ? lane : Number(lane);
  });
  const { Voucher, Shortfall } = await remote.call<Made>("Filigree.PaychVoucherCreate", await remote.address(channel), {
    Amount: amount.toString(),
    Lane: options.lane,
    TimeLockMin: options.fromEpoch,
    TimeLockMax: options.untilEpoch,
    SecretHash: hexOf("--secret-hash", options.secretHash),
    MinSettle: options.minSettle,
    Merges: merges,
  });
  if (Voucher === null) throw lacking(Shortfall, options);
  const made = voucherFromJson(Voucher);
  say(options.json, { voucher: voucherText(made), ...jsonOf(made) }, [voucherText(made)]);
}

function lacking(shortfall: string, options: RemoteOptions): Error {
  const add = nextCommand(`filigree paych add-funds <from> <to> "${filText(shortfall)}"`, options);
  return new Error(`the channel lacks ${filText(shortfall)}; add it: ${add}`);
}

type ScheduleOptions = RemoteOptions & {
  readonly count: number;
  readonly startEpoch?: number;
  readonly endEpoch: number;
  readonly minSettle: number;
};

async function schedule(channel: string, amount: bigint, options: ScheduleOptions): Promise<void> {
  const remote = await Remote.open(options);
  const start = options.startEpoch ?? (await remote.call<{ readonly Height: number }>("ChainHead")).Height;
  const { Vouchers, Shortfall } = await remote.call<{
    readonly Vouchers: readonly unknown[];
    readonly Shortfall: string;
  }>("Filigree.PaychVoucherSchedule", await remote.address(channel), {
    ...{ Amount: amount.toString(), Count: options.count, StartEpoch: start, EndEpoch: options.endEpoch },
    MinSettle: options.minSettle,
  });
  if (Vouchers.length === 0) throw lacking(Shortfall, options);
  const made = Vouchers.map(voucherFromJson);
  const rows = made.map((one) => ({
    ...{ voucher: voucherText(one), ...jsonOf(one), fromEpoch: one.timeLockMin.toString() },
  }));
  say(
    options.json,
    { vouchers: rows },
    made.map((one) => `from epoch ${one.timeLockMin}: ${filText(one.amount)}  ${voucherText(one)}`),
  );
}

const jsonOf = (voucher: SignedVoucher): Record<string, unknown> => ({
  lane: voucher.lane.toString(),
  nonce: voucher.nonce.toString(),
  amount: voucher.amount.toString(),
});

function parseVoucher(text: string): SignedVoucher {
  try {
    return parseVoucherText(text);
  } catch (cause) {
    throw new UsageError(`not a voucher: ${(cause as Error).message}`, { cause });
  }
}

async function given(channel: string, text: string, options: RemoteOptions) {
  const voucher = parseVoucher(text);
  const remote = await Remote.open(options);
  return { remote, address: await remote.address(channel), json: voucherToJson(voucher, await remote.prefix()) };
}

async function check(channel: string, text: string, options: RemoteOptions): Promise<void> {
  const { remote, address, json } = await given(channel, text, options);
  await remote.call("PaychVoucherCheckValid", address, json);
  say(options.json, { valid: true }, ["the voucher is valid"]);
}

async function add(
  channel: string,
  text: string,
  options: RemoteOptions & { readonly secret?: string },
): Promise<void> {
  const { remote, address, json } = await given(channel, text, options);
  const secret = hexOf("--secret", options.secret);
  const gained = await remote.call<string>("Filigree.PaychVoucherAdd", address, json, secret, "0");
  say(options.json, { gained }, [`kept; worth ${filText(gained)} more than those before it`]);
}

type ListOptions = RemoteOptions & { readonly export?: true };

async function show(method: string, channel: string, options: ListOptions): Promise<void> {
  const remote = await Remote.open(options);
  const found = await remote.call<readonly unknown[]>(method, await remote.address(channel));
  const vouchers = found.map(voucherFromJson);
  const lines = vouchers.map(
    (one) =>
      `lane ${one.lane}, nonce ${one.nonce}: ${filText(one.amount)}${options.export === true ? `  ${voucherText(one)}` : ""}`,
  );
  say(options.json, { vouchers: vouchers.map((one) => ({ ...jsonOf(one), voucher: voucherText(one) })) }, lines);
}

async function submit(
  channel: string,
  text: string,
  options: RemoteOptions & { readonly secret?: string },
): Promise<void> {
  const { remote, address, json } = await given(channel, text, options);
  const secret = hexOf("--secret", options.secret);
  const message = (await remote.call<Link>("PaychVoucherSubmit", address, json, secret, ""))["/"];
  say(options.json, { message }, [
    `message ${message}; to see what becomes of it: ${nextCommand(`filigree wait ${message}`, options)}`,
  ]);
}
