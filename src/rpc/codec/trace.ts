/** What a message did inside of the machine: calls within calls, and what each charged for. */
import { toBase64 } from "../../base/bytes.ts";
import type { TraceCall, TraceCharge } from "../../exec/trace.ts";
import { Address, type NetworkPrefix } from "../../types/address.ts";
import type { Message, MessageReceipt } from "../../types/message.ts";
import { integerToJson, type Json } from "../../types/schema-codec.ts";
import { address, amount, maybeBytes, shape } from "./chain-types.ts";
import { type Codec, expected, type JsonSchema } from "./codec.ts";

/** The calls of one message. Without any, the message ended before it was sent on. */
export type Trace = {
  readonly calls: readonly TraceCall[];
  readonly message: Message;
  readonly receipt: MessageReceipt;
};

const integer: JsonSchema = { type: "integer" };
const schema: JsonSchema = shape("ExecutionTrace", {
  Msg: shape("MessageTrace", {
    From: address.schema,
    To: address.schema,
    Value: amount.schema,
    Method: { type: ["integer", "string"] },
    Params: maybeBytes,
    ParamsCodec: integer,
    GasLimit: { type: ["integer", "string"] },
    ReadOnly: { type: "boolean" },
  }),
  MsgRct: shape("ReturnTrace", { ExitCode: integer, Return: maybeBytes, ReturnCodec: integer }),
  InvokedActor: { type: ["object", "null"] },
  GasCharges: {
    type: "array",
    items: shape("GasTrace", { Name: { type: "string" }, tg: integer, cg: integer, sg: integer, tt: integer }),
  },
  Subcalls: { type: "array", items: { title: "ExecutionTrace", type: "object" } },
  Logs: { type: ["array", "null"] },
  IpldOps: { type: ["array", "null"] },
});

/** Codec of CBOR data, and of none. */
const CBOR = 0x51;
const codecOf = (bytes: Uint8Array): number => (bytes.length === 0 ? 0 : CBOR);
const dataOf = (bytes: Uint8Array): string | null => (bytes.length === 0 ? null : toBase64(bytes));

function isCall(step: TraceCall | TraceCharge): step is TraceCall {
  return "steps" in step;
}

function callToJson(call: TraceCall, gasLimit: bigint, prefix: NetworkPrefix): Json {
  const addressOf = (bytes: Uint8Array): string => Address.fromBytes(bytes).toString(prefix);
  const charges = call.steps.filter((step) => !isCall(step)) as readonly TraceCharge[];
  return {
    Msg: {
      From: addressOf(call.from),
      To: addressOf(call.to),
      Value: call.value.toString(),
      Method: integerToJson(call.method),
      Params: dataOf(call.params),
      ParamsCodec: codecOf(call.params),
      // Calls of the native actors share the gas of their message.
      GasLimit: integerToJson(gasLimit),
      ReadOnly: false,
    },
    MsgRct: { ExitCode: call.exitCode, Return: dataOf(call.return), ReturnCodec: codecOf(call.return) },
    InvokedActor: null,
    GasCharges: charges.map(({ name, gas, compute, storage }) => ({
      ...{ Name: name, tg: gas, cg: compute, sg: storage },
      // Time is not taken charge by charge.
      tt: 0,
    })),
    Subcalls: call.steps.filter(isCall).map((inner) => callToJson(inner, gasLimit, prefix)),
    Logs: null,
    IpldOps: null,
  };
}

export const trace: Codec<Trace, Json> = {
  schema,
  decode: (json, path) => expected(path, "nothing of this kind", json),
  encode({ calls, message, receipt }, prefix) {
    const { from, to, value, method, params, gasLimit } = message;
    const unsent: TraceCall = {
      ...{ from: from.bytes, to: to.bytes, value, method, params, steps: [] },
      ...{ exitCode: receipt.exitCode, return: receipt.return, gasUsed: Number(receipt.gasUsed), why: "" },
    };
    return callToJson(calls[0] ?? unsent, gasLimit, prefix);
  },
};
