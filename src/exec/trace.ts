/** Execution traces, as the core writes them (`assembly/vm/trace.ts`): nested calls with each gas charge. */
import { CborItems } from "../core/cbor-items.ts";

export type TraceCharge = {
  readonly name: string;
  /** gas, all in all */
  readonly gas: number;
  /** compute part, gas */
  readonly compute: number;
  /** storage units, before the price list's multiplier */
  readonly storage: number;
};

export type TraceCall = {
  /** Binary addresses, as written in the message. */
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly value: bigint;
  readonly method: bigint;
  readonly params: Uint8Array;
  /** Charges and nested calls in the order of their happening. */
  readonly steps: readonly (TraceCharge | TraceCall)[];
  readonly exitCode: number;
  readonly return: Uint8Array;
  /** Counter of the message when the call ended. */
  readonly gasUsed: number;
  readonly why: string;
  /** Of the FVM alone. */
  readonly fvm?: FvmCall;
};

/** What the FVM tells of a call besides. */
export type FvmCall = {
  /** Codecs of the parameters and of what was returned; 0: there was nothing. */
  readonly paramsCodec: number;
  readonly returnCodec: number;
  /** Gas that it could use at the most. */
  readonly gasLimit: number;
  /** Gas of the message when it began. */
  readonly gasBefore: number;
  readonly readOnly: boolean;
  /** Its receiver as it found it; null if it was not found. */
  readonly receiver: TracedActor | null;
};

export type TracedActor = {
  readonly id: bigint;
  /** Binary CIDs. */
  readonly code: Uint8Array;
  readonly head: Uint8Array;
  readonly nonce: bigint;
  readonly balance: bigint;
  /** Binary. */
  readonly delegated: Uint8Array | null;
};

type OpenCall = Pick<TraceCall, "from" | "to" | "value" | "method" | "params"> & {
  steps: (TraceCharge | TraceCall)[];
  fvm?: { -readonly [Key in keyof FvmCall]: FvmCall[Key] };
};

export function isCall(step: TraceCharge | TraceCall): step is TraceCall {
  return "steps" in step;
}

/** What every call begins with. */
function callHead(items: CborItems) {
  return {
    from: items.bytes(),
    to: items.bytes(),
    value: items.big(),
    method: items.bigint(),
    params: items.bytes(),
  };
}

/**
 * Calls at the top of a trace, outermost first. A charge after the last call (that of the return value) is added to the
 * call before it. An aborted call ends the calls inside of it that never came to their end.
 */
export function decodeTrace(bytes: Uint8Array): TraceCall[] {
  const items = new CborItems(bytes);
  const open: OpenCall[] = [];
  const roots: TraceCall[] = [];
  while (!items.done) {
    items.array();
    const kind = items.int();
    if (kind === 0) {
      open.push({ ...callHead(items), steps: [] });
    } else if (kind === 1) {
      const charge = { name: items.text(), gas: items.int(), compute: items.int(), storage: items.int() };
      const steps = open.at(-1)?.steps ?? (roots.at(-1)?.steps as (TraceCharge | TraceCall)[] | undefined);
      steps?.push(charge);
    } else if (kind === 3) {
      open.push({
        ...callHead(items),
        steps: [],
        fvm: {
          ...{ paramsCodec: items.int(), returnCodec: 0, gasLimit: items.int() },
          ...{ readOnly: items.bool(), gasBefore: items.int(), receiver: null },
        },
      });
    } else if (kind === 5) {
      const { fvm } = open.at(-1) ?? {};
      const receiver = { id: items.bigint(), code: items.link(), head: items.link(), nonce: items.bigint() };
      const rest = { balance: items.big(), delegated: items.nil() ? null : items.bytes() };
      if (fvm !== undefined) fvm.receiver = { ...receiver, ...rest };
    } else {
      const end = { exitCode: items.int(), return: items.bytes(), gasUsed: items.int(), why: items.text() };
      const call = open.pop();
      if (call === undefined) throw new RangeError("a trace ends a call that did not begin");
      if (call.fvm !== undefined) call.fvm.returnCodec = items.int();
      const done: TraceCall = { ...call, ...end };
      (open.at(-1)?.steps ?? roots).push(done);
    }
  }
  return roots;
}

/** All charges, in order, nested calls included. */
export function chargesOf(calls: readonly TraceCall[]): TraceCharge[] {
  const out: TraceCharge[] = [];
  const visit = (call: TraceCall): void => {
    for (const step of call.steps)
      if (isCall(step)) visit(step);
      else out.push(step);
  };
  for (const call of calls) visit(call);
  return out;
}
