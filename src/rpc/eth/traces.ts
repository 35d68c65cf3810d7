/**
 * What the transactions of a block did, call by call, as OpenEthereum told it: calls, creations, delegated calls.
 *
 * Every call is first a native one, whose input and output are wrapped as calls of native methods are; calls of a contract's method
 * InvokeEVM show their bytes. Calls of the address manager and of the init actor that run a constructor are creations, whose code is
 * 0xfe: it cannot be known. What the EVM does by private methods (1 to 1023) is left out, but for delegated calls. What never reached
 * its receiver is left out, too. Source: lotus at b835fab702eb node/impl/eth/trace.go, utils.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { equal } from "../../base/bytes.ts";
import { blockHash, messageHash } from "../../chain/eth-index.ts";
import { ethereumOf, hex } from "../../chain/eth-logs.ts";
import { type FvmCall, isCall, type TraceCall, type TracedActor } from "../../exec/trace.ts";
import { readManifest } from "../../state/manifest.ts";
import { Address } from "../../types/address.ts";
import type { Tipset } from "../../types/block-header.ts";
import { METHOD_CREATE_EXTERNAL, METHOD_INVOKE_EVM } from "../../types/eth-transaction.ts";
import { EAM, INIT } from "../../types/singletons.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import { type EthJson, nativeCall, nativeReturn, quantityText } from "./executed.ts";

type FvmTrace = TraceCall & { readonly fvm: FvmCall };

export type EthTrace = EthJson & {
  readonly type: "call" | "create";
  readonly action: EthJson & { readonly from: string; readonly to?: string };
  subtraces: number;
  readonly result: EthJson;
};

/** Exit codes by which calls are left out, and those that have words of their own. */
const EXIT = { insufficientFunds: 6, outOfGas: 7, fatal: 10, firstActor: 16, reverted: 33 } as const;
const EVM_ERRORS: Readonly<Record<number, string>> = {
  33: "Reverted",
  34: "invalid instruction",
  35: "undefined instruction",
  36: "stack underflow",
  37: "stack overflow",
  38: "illegal memory access",
  39: "invalid jump destination",
  40: "self destruct failed",
};
const METHOD = {
  constructor: 1n,
  exec: 2n,
  exec4: 3n,
  create: 2n,
  create2: 3n,
  bytecode: 3n,
  delegate: 6n,
  resurrect: 2n,
};
const LAST_PRIVATE = 1023n;
/** Of what cannot be known: the code that no contract may begin with. */
const NO_CODE = "0xfe";
const CBOR = [0x51, 0x71];
const EMPTY = new Uint8Array(0);
/** Characters of inputs and outputs that an answer may have: calls may hand on a megabyte a thousand times. */
const MAX_CHARACTERS = 64 << 20;

/** What is left of an answer's characters. */
export class TraceRoom {
  private left: number;

  constructor(characters = MAX_CHARACTERS) {
    this.left = characters;
  }

  /** Takes what a trace has. Throws where that is too much. */
  take({ action, result }: Pick<EthTrace, "action" | "result">): void {
    for (const text of [action["input"], action["init"], result["output"], result["code"]])
      this.left -= typeof text === "string" ? text.length : 0;
    if (this.left < 0)
      throw new RpcError(
        RPC_CODE.limit,
        "the calls have more input and output than an answer may; ask for fewer of them",
      );
  }
}

/** Around a call: who calls, what was found of its callee so far. */
type Around = { readonly caller: string; readonly isEvm: boolean; count: number; lastCode: string | null };

export class Tracer {
  readonly traces: EthTrace[] = [];
  private readonly evm: Uint8Array;
  private readonly room: TraceRoom;

  constructor(evm: Uint8Array, room: TraceRoom) {
    this.evm = evm;
    this.room = room;
  }

  /** Tells of a call and of those inside of it. */
  tell(around: Around, path: readonly number[], call: FvmTrace): void {
    const found = this.one(around, path, call);
    if (found === null) return;
    this.room.take(found.trace);
    this.traces.push(found.trace);
    around.count++;
    const { inside } = found;
    const { receiver } = inside.fvm;
    if (receiver === null) return;
    const own: Around = {
      ...{ caller: addressOf(receiver), isEvm: equal(receiver.code, this.evm), count: 0, lastCode: null },
    };
    for (const step of subcalls(inside)) this.tell(own, [...path, own.count], step);
    found.trace.subtraces = own.count;
  }

  private one(around: Around, path: readonly number[], call: FvmTrace): { trace: EthTrace; inside: FvmTrace } | null {
    const { exitCode, method, fvm } = call;
    if (path.length > 0 && (exitCode === EXIT.insufficientFunds || exitCode === EXIT.fatal)) return null;
    if (fvm.receiver === null) return null;
    if (method === METHOD_INVOKE_EVM) return this.contractCall(around, path, call, fvm.receiver);
    if (equal(call.to, INIT.bytes) && (method === METHOD.exec || method === METHOD.exec4))
      return this.creation(around, path, call, subcalls(call).find(isConstructor), null);
    const isCreation = method === METHOD.create || method === METHOD.create2 || method === METHOD_CREATE_EXTERNAL;
    if (equal(call.to, EAM.bytes) && isCreation)
      return this.creation(around, path, call, constructorOf(call), initCode(call));
    if (around.isEvm && method > 0n && method <= LAST_PRIVATE)
      return this.privateCall(around, path, call, fvm.receiver);
    return { trace: this.call(around, path, call, nativeCallOf(call), nativeReturnOf(call)), inside: call };
  }

  private contractCall(around: Around, path: readonly number[], call: FvmTrace, receiver: TracedActor) {
    const input = payload(call.params, call.fvm.paramsCodec);
    const output = payload(call.return, call.fvm.returnCodec);
    const isReadable = input !== null && output !== null;
    const [given, got] = isReadable ? [hex(input), hex(output)] : [nativeCallOf(call), nativeReturnOf(call)];
    return { trace: this.call(around, path, call, given, got, addressOf(receiver)), inside: call };
  }

  private privateCall(around: Around, path: readonly number[], call: FvmTrace, receiver: TracedActor) {
    if (call.method === METHOD.bytecode) {
      around.lastCode = call.exitCode === 0 ? addressOf(receiver) : null;
      return null;
    }
    if (call.method !== METHOD.delegate || around.lastCode === null) return null;
    // [code, input, caller, value]
    const input = firstBytes(call.params);
    const output = payload(call.return, call.fvm.returnCodec) ?? EMPTY;
    const trace = this.call(around, path, call, hex(input), hex(output), around.lastCode, "delegatecall");
    return { trace, inside: call };
  }

  private call(
    { caller }: Around,
    path: readonly number[],
    call: FvmTrace,
    input: string,
    output: string,
    to = addressOf(call.fvm.receiver as TracedActor),
    callType = call.fvm.readOnly ? "staticcall" : "call",
  ): EthTrace {
    const action = {
      callType,
      from: caller,
      to,
      gas: quantityText(call.fvm.gasLimit),
      value: quantityText(call.value),
    };
    const result = { gasUsed: gasOf(call), output };
    return { ...this.frame(path, call), type: "call", action: { ...action, input }, result };
  }

  /** Null where no constructor ran, or nothing may be made. */
  private creation(
    { caller }: Around,
    path: readonly number[],
    call: FvmTrace,
    inside: FvmTrace | undefined,
    init: Uint8Array | null,
  ): { trace: EthTrace; inside: FvmTrace } | null {
    if (call.fvm.readOnly || inside === undefined) return null;
    const isGood = call.exitCode === 0;
    const reverted = call.exitCode === EXIT.reverted ? payload(inside.return, inside.fvm.returnCodec) : null;
    const code = isGood ? NO_CODE : hex(reverted ?? EMPTY);
    const address = isGood ? createdAddress(call) : null;
    const action = { from: caller, gas: quantityText(call.fvm.gasLimit), value: quantityText(call.value) };
    const trace: EthTrace = {
      ...{
        ...this.frame(path, call),
        type: "create",
        action: { ...action, init: init === null ? NO_CODE : hex(init) },
      },
      result: { gasUsed: gasOf(call), ...(address === null ? {} : { address }), code },
    };
    return { trace, inside };
  }

  private frame(path: readonly number[], call: FvmTrace) {
    const error = this.errorOf(call);
    return { ...(error === "" ? {} : { error }), subtraces: 0, traceAddress: [...path] };
  }

  private errorOf({ exitCode, fvm }: FvmTrace): string {
    if (exitCode === 0) return "";
    if (exitCode === EXIT.outOfGas) return "out of gas";
    if (exitCode < EXIT.firstActor) return `vm error: exit code ${exitCode}`;
    const own = fvm.receiver === null ? undefined : EVM_ERRORS[exitCode];
    return own ?? `actor error: exit code ${exitCode}`;
  }
}

const subcalls = (call: TraceCall): FvmTrace[] => call.steps.filter(isCall) as FvmTrace[];
const isConstructor = ({ method }: TraceCall): boolean => method === METHOD.constructor;
const gasOf = ({ gasUsed, fvm }: FvmTrace): string => quantityText(Math.max(0, gasUsed - fvm.gasBefore));

/** The run of a new contract's code, or of one that lives again, below the address manager. */
function constructorOf(call: FvmTrace): FvmTrace | undefined {
  for (const step of subcalls(call)) {
    if (equal(step.to, INIT.bytes)) {
      const found = subcalls(step).find(isConstructor);
      if (found !== undefined) return found;
    } else if (step.method === METHOD.resurrect) return step;
  }
  return undefined;
}

function addressOf({ id, delegated }: TracedActor): string {
  const own = delegated === null ? null : Address.fromBytes(delegated).ethereum;
  return hex(own ?? (Address.id(id).ethereum as Uint8Array));
}

function decoded(bytes: Uint8Array): unknown {
  try {
    return dagCbor.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes of a contract's call: in a CBOR byte string, or none; null for what is neither. */
function payload(bytes: Uint8Array, codec: number): Uint8Array | null {
  if (codec === 0 || bytes.length === 0) return EMPTY;
  if (!CBOR.includes(codec)) return null;
  const value = decoded(bytes);
  return value instanceof Uint8Array ? value : null;
}

const nativeCallOf = ({ method, params, fvm }: FvmTrace): string =>
  hex(nativeCall(method, BigInt(fvm.paramsCodec), params));
const nativeReturnOf = (call: FvmTrace): string =>
  hex(nativeReturn(BigInt(call.exitCode), BigInt(call.fvm.returnCodec), call.return));

/** Of [nonce, code], [code, salt] or the code alone. */
function initCode({ method, params }: FvmTrace): Uint8Array | null {
  if (method !== METHOD_CREATE_EXTERNAL) return firstBytes(params);
  const value = decoded(params);
  return value instanceof Uint8Array ? value : EMPTY;
}

/** The first byte string of a tuple. */
function firstBytes(params: Uint8Array): Uint8Array {
  const value = decoded(params);
  const parts = Array.isArray(value) ? (value as unknown[]) : [];
  return (parts.find((part) => part instanceof Uint8Array) as Uint8Array | undefined) ?? EMPTY;
}

/** Of [id, robust address or null, 20 bytes] of the address manager, or [ID address, robust address] of the init actor. */
function createdAddress({ to, return: returned }: FvmTrace): string | null {
  const value = decoded(returned);
  if (!Array.isArray(value)) return null;
  const found: unknown = equal(to, EAM.bytes) ? value[2] : value[0];
  if (!(found instanceof Uint8Array)) return null;
  return equal(to, EAM.bytes) ? hex(found) : hex(Address.fromBytes(found).ethereum ?? EMPTY);
}

export type TransactionTraces = { readonly hash: string; readonly place: number; readonly traces: readonly EthTrace[] };

/** Executes a block again and tells what each of its transactions did. */
export async function tracesOf(node: NodeServices, tipset: Tipset, signal: AbortSignal): Promise<TransactionTraces[]> {
  if (tipset.height === 0) return [];
  const messages = await node.chain.tipsetMessages(tipset);
  if (messages.length === 0) return [];
  const { trace } = await node.states.compute(tipset, tipset.height, [], signal);
  const view = await node.states.stateAfter(tipset);
  const { codes } = await readManifest(node.chain.blocks, view);
  const evm = codes.get("evm")?.bytes ?? EMPTY;
  // Rewards and cron, which the system's actor sends, cost nothing and are nobody's transactions.
  const own = trace.filter(({ cost }) => cost !== null);
  if (own.length !== messages.length)
    throw new RpcError(RPC_CODE.untyped, "the block was not executed as its messages say");
  const room = new TraceRoom();
  return Promise.all(
    messages.map(async ({ cid, message, signed }, place) => {
      const tracer = new Tracer(evm, room);
      const around = { caller: hex(await ethereumOf(view, message.from)), isEvm: false, count: 0, lastCode: null };
      const [call] = own[place]?.trace ?? [];
      if (call?.fvm !== undefined) tracer.tell(around, [], call as FvmTrace);
      return { hash: hex(messageHash(cid, signed, node.network.chainId)), place, traces: tracer.traces };
    }),
  );
}

/** The same as rows of a block. Places count from 0, as those of receipts do. */
export async function blockTraces(node: NodeServices, tipset: Tipset, signal: AbortSignal): Promise<EthJson[]> {
  const place = { blockHash: hex(blockHash(tipset)), blockNumber: tipset.height };
  return (await tracesOf(node, tipset, signal)).flatMap(({ hash, place: at, traces }) =>
    traces.map((trace) => ({ ...trace, ...place, transactionHash: hash, transactionPosition: at })),
  );
}
