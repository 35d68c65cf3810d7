/** `filigree send`, `wait`, `balance` and `call`: everyday work with a running node. */
import type { Command } from "commander";
import { fromBase64, toBase64, toHex } from "../../base/bytes.ts";
import { decodeMethodData, describeCode, encodeMethodParams } from "../../state/state-view.ts";
import { exitCodeText } from "../../state/words.ts";
import type { NetworkPrefix } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { METHOD_INVOKE_EVM } from "../../types/eth-transaction.ts";
import type { Json } from "../../types/schema-codec.ts";
import { EXIT, UsageError } from "../errors.ts";
import { type Found, inclusionEpoch, inclusionText } from "../inclusion.ts";
import { interruptible } from "../interrupt.ts";
import { wholeNumber } from "../options.ts";
import { NodeRefusal, nextCommand, parseAmount, Remote, type RemoteOptions, say, withRemote } from "../remote.ts";
import { type Link, linkOf } from "../remote-call.ts";

type Receipt = { readonly ExitCode: number; readonly Return: string | null; readonly GasUsed: number };
type Lookup = {
  readonly Message: Link;
  readonly Receipt: Receipt;
  readonly ReturnDec: unknown;
} & Found;
type Signed = {
  readonly CID: Link;
  readonly Message: { readonly Nonce: number; readonly From: string; readonly To: string };
};

/** Seconds that are waited for a message unless another number is given. */
const WAIT_SECONDS = 600;

export function registerSend(program: Command): void {
  withRemote(
    program
      .command("balance")
      .description("FIL of addresses, by default the wallet's own")
      .argument("[address...]", 'addresses (0x, too) or names, such as "alice"'),
  ).action(balance);
  withRemote(
    program
      .command("send")
      .description("send FIL, or call a method of an actor, and wait for the receipt")
      .argument("<to>", 'address (0x, too) or name, such as "bob" or "burn"')
      .argument("<amount>", '"1.5 FIL", ".5", "20 nanoFIL", "1 attoFIL"', parseAmount)
      .option("--from <address>", "sender: address (0x, too) or name; the node has its key (default: the wallet's own)")
      .option("--method <name|number>", "method of the receiver (default: a plain send)")
      .option("--params <json|hex>", "its parameters: JSON in the network's spelling, or 0x and their CBOR")
      .option("--max-fee <FIL>", "most that the message may cost", parseAmount)
      .option("--fee-cap <FIL>", "most for each unit of gas", parseAmount)
      .option("--premium <FIL>", "for the miner, for each unit of gas", parseAmount)
      .option("--gas-limit <n>", "units of gas", wholeNumber(1, 10_000_000_000))
      .option("--confidence <epochs>", "epochs on top of the message to wait for", wholeNumber(0, 900), 1)
      .option("--timeout <seconds>", "how long to wait", wholeNumber(1, 1_000_000), WAIT_SECONDS)
      .option("--no-wait", "only put the message into the pool"),
  ).action(send);
  withRemote(
    program
      .command("wait")
      .description("wait for a message and tell what became of it")
      .argument("<cid|hash>", "CID of the message, or the 0x hash of its transaction")
      .option("--confidence <epochs>", "epochs on top of the message to wait for", wholeNumber(0, 900), 1)
      .option("--timeout <seconds>", "how long to wait", wholeNumber(1, 1_000_000), WAIT_SECONDS),
  ).action(wait);
  withRemote(
    program
      .command("call")
      .description("what a method of an actor would answer now; nothing is sent")
      .argument("<to>", 'address (0x, too) or name, such as "bob" or "burn"')
      .argument("<method>", "name or number of the method")
      .argument("[params]", "JSON in the network's spelling, or 0x and their CBOR")
      .option("--from <address>", "caller: address (0x, too) or name", "system")
      .option("--value <FIL>", "FIL sent along", parseAmount),
  ).action(call);
}

async function balance(names: readonly string[], options: RemoteOptions): Promise<void> {
  const remote = await Remote.open(options);
  const found: { name: string; address: string; attoFIL: string }[] = [];
  for (const name of names.length === 0 ? ["default"] : names) {
    const address = await remote.address(name);
    found.push({ name, address, attoFIL: await remote.call<string>("WalletBalance", address) });
  }
  const lines = found.map(({ name, attoFIL }) =>
    names.length > 1 ? `${name}  ${filText(attoFIL)}` : filText(attoFIL),
  );
  say(options.json, names.length > 1 ? { balances: found } : found[0], lines);
}

type SendOptions = RemoteOptions & {
  readonly from?: string;
  readonly method?: string;
  readonly params?: string;
  readonly maxFee?: bigint;
  readonly feeCap?: bigint;
  readonly premium?: bigint;
  readonly gasLimit?: number;
  readonly wait: boolean;
} & WaitOptions;
type WaitOptions = RemoteOptions & { readonly confidence: number; readonly timeout: number };

async function send(to: string, amount: bigint, options: SendOptions): Promise<void> {
  const remote = await Remote.open(options);
  const named = await remote.address(to);
  const from = await remote.address(options.from ?? "default", "--from");
  const isEthereum = await isEthereumAccount(remote, from);
  const receiver = isEthereum ? await receiverOfTransaction(remote, named, to) : named;
  const { number, params } = await methodOf(remote, receiver, options.method ?? "0", options.params);
  const message = {
    To: receiver,
    From: from,
    Value: amount.toString(),
    // A plain send of an Ethereum account is a transaction without input.
    Method: Number(isEthereum && number === 0n ? METHOD_INVOKE_EVM : number),
    Params: toBase64(params),
    GasLimit: options.gasLimit ?? 0,
    GasFeeCap: (options.feeCap ?? 0n).toString(),
    GasPremium: (options.premium ?? 0n).toString(),
  };
  const spec = options.maxFee === undefined ? null : { MaxFee: options.maxFee.toString() };
  const signed = await remote.call<Signed>("MpoolPushMessage", message, spec).catch((error: unknown) => {
    if (!(error instanceof NodeRefusal) || !/no key for .* in this wallet/.test(error.message)) throw error;
    const name = options.from === undefined || options.from === message.From ? "" : ` (${options.from})`;
    const bring = nextCommand("filigree wallet import <file>", options);
    throw new NodeRefusal(
      `${error.message}${name}: \`filigree wallet export ${message.From} --out <file>\` at the node that has it, then \`${bring}\``,
    );
  });
  const cid = signed.CID["/"];
  if (options.json !== true) say(false, null, [`message ${cid}, nonce ${signed.Message.Nonce}`]);
  if (options.wait) await waitFor(remote, cid, options);
  else if (options.json === true) say(true, { cid, nonce: signed.Message.Nonce }, []);
}

async function isEthereumAccount(remote: Remote, from: string): Promise<boolean> {
  const key = /^[ft]0/.test(from) ? await remote.ask<string>("StateAccountKey", from, null) : from;
  return /^[ft]4/.test(key ?? from);
}

/** Transactions go to 0x addresses: those of their own, and those that stand for an actor's id. */
async function receiverOfTransaction(remote: Remote, receiver: string, name: string): Promise<string> {
  if (/^[ft][04]/.test(receiver)) return receiver;
  const id = await remote.ask<string>("StateLookupID", receiver, null);
  if (id !== null) return id;
  const named = name === receiver ? receiver : `${name} (${receiver})`;
  throw new Error(
    `${named} is not on the chain yet, and an Ethereum account sends to 0x addresses and to what is on the chain alone: send to it from another account first`,
  );
}

async function wait(name: string, options: WaitOptions): Promise<void> {
  if (!/^0x/i.test(name)) {
    linkOf(name);
    return waitFor(await Remote.open(options), name, options);
  }
  if (!/^0x[0-9a-f]{64}$/i.test(name))
    throw new UsageError(`${name} is no transaction's hash: 0x and 64 hexadecimal digits expected`);
  const remote = await Remote.open(options);
  const found = await remote.call<Link | null>("EthGetMessageCidByTransactionHash", name.toLowerCase());
  if (found === null) throw new Error(`no transaction ${name} is in a block or waits at ${remote.url}`);
  return waitFor(remote, found["/"], options);
}

/** Waits, tells the outcome, and ends with 1 if the message failed. */
async function waitFor(remote: Remote, cid: string, options: WaitOptions): Promise<void> {
  const { confidence, timeout, json } = options;
  const goOn = nextCommand(`filigree wait ${cid}`, options);
  const limit = AbortSignal.timeout(timeout * 1000);
  const found = await interruptible(
    (signal) =>
      remote.wait<Lookup>("StateWaitMsg", [{ "/": cid }, confidence, -1, true], AbortSignal.any([signal, limit])),
    goOn,
  ).catch((error: unknown) => {
    if (limit.aborted) throw new Error(`not there after ${timeout} s; to go on: ${goOn}`);
    throw error;
  });
  const { ExitCode: exitCode, GasUsed: gasUsed, Return: returned } = found.Receipt;
  const carried = found.Message["/"];
  const outcome = exitCodeText(exitCode);
  const included = await inclusionEpoch(remote, found);
  say(
    json,
    {
      ...{ cid, message: carried, includedEpoch: included, epoch: found.Height },
      ...{ exitCode, outcome, gasUsed, return: found.ReturnDec ?? returned },
    },
    [
      ...(carried === cid ? [] : [`replaced by ${carried}`]),
      `${exitCode === 0 ? "done" : "failed"}: ${outcome}, gas ${gasUsed}; ${inclusionText(included, found)}`,
      ...(found.ReturnDec == null ? [] : [`returned ${JSON.stringify(found.ReturnDec)}`]),
    ],
  );
  if (exitCode !== 0) process.exitCode = EXIT.failure;
}

type Invocation = { readonly MsgRct: Receipt; readonly Error: string };

async function call(
  to: string,
  method: string,
  given: string | undefined,
  options: RemoteOptions & { readonly from: string; readonly value?: bigint },
): Promise<void> {
  const remote = await Remote.open(options);
  const receiver = await remote.address(to);
  const { number, params, code } = await methodOf(remote, receiver, method, given);
  const message = {
    To: receiver,
    From: await remote.address(options.from, "--from"),
    Value: (options.value ?? 0n).toString(),
    Method: Number(number),
    Params: toBase64(params),
  };
  const { MsgRct: receipt, Error: error } = await remote.call<Invocation>("StateCall", message, null);
  const bytes = fromBase64(receipt.Return ?? "");
  const answer = code === null ? null : readable(code, number, bytes, await remote.prefix());
  const outcome = exitCodeText(receipt.ExitCode);
  const text = bytes.length === 0 ? "nothing returned" : answer === null ? `0x${toHex(bytes)}` : JSON.stringify(answer);
  say(options.json, { exitCode: receipt.ExitCode, outcome, gasUsed: receipt.GasUsed, return: answer, error }, [
    receipt.ExitCode === 0 ? text : `failed: ${outcome}${error === "" ? "" : `: ${error}`}`,
  ]);
  if (receipt.ExitCode !== 0) process.exitCode = EXIT.failure;
}

function readable(code: CID, method: bigint, bytes: Uint8Array, prefix: NetworkPrefix): Json {
  try {
    return decodeMethodData(code, method, "returns", bytes, prefix);
  } catch {
    return null;
  }
}

type Method = { readonly number: bigint; readonly params: Uint8Array; readonly code: CID | null };

/** A method by its number or its name, and its parameters in CBOR. */
async function methodOf(remote: Remote, to: string, method: string, params: string | undefined): Promise<Method> {
  const hex = /^0x((?:[0-9a-f]{2})*)$/i.exec(params ?? "")?.[1];
  if (/^\d{1,19}$/.test(method) && (params === undefined || hex !== undefined) && method === "0")
    return { number: 0n, params: bytesOf(hex ?? ""), code: null };
  const actor = await remote.call<{ Code: Link }>("StateGetActor", to, null);
  const code = parseCid(actor.Code["/"]);
  const methods = describeCode(code)?.actor.methods ?? [];
  const described = methods.find(
    ({ name, number }) => name.toLowerCase() === method.toLowerCase() || `${number}` === method,
  );
  if (described === undefined && !/^\d{1,19}$/.test(method))
    throw new UsageError(
      `${to} has no method ${method}; it has ${methods.map(({ name }) => name).join(", ") || "none that is described"}`,
    );
  const number = BigInt(described?.number ?? method);
  if (params === undefined || hex !== undefined) return { number, params: bytesOf(hex ?? ""), code };
  return { number, params: encodeMethodParams(code, number, parseJson(params), await remote.prefix()), code };
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new UsageError("the parameters are neither JSON nor 0x and hexadecimal digits");
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
