/**
 * The protobuf that network protocols speak, field by field: varints and length-delimited fields are given, fixed-size
 * fields are passed over, groups are refused.
 */
import { concat } from "./bytes.ts";
import { FilError } from "./errors.ts";
import { encodeVarint } from "./varint.ts";

export type ProtobufErrorData = { readonly code: "BAD_PROTOBUF" };
export class ProtobufError extends FilError<ProtobufErrorData> {}

export type ProtobufField = {
  readonly number: number;
  /** value of a varint, else 0 */
  readonly value: bigint;
  /** bytes of a length-delimited field, a view, else null */
  readonly bytes: Uint8Array | null;
};

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
/** Groups of seven bits of a 64-bit number. */
const MAX_VARINT = 10;

function bad(why: string): never {
  throw new ProtobufError({ code: "BAD_PROTOBUF" }, why);
}

/** The fields of a message in their order, at most `max`; throws `ProtobufError`. */
export function* readFields(bytes: Uint8Array, max: number): Generator<ProtobufField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT; i++) {
      const byte = bytes[at++];
      if (byte === undefined) return bad("a protobuf message that ends early");
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return value < 1n << 64n ? value : bad("a protobuf varint above 64 bits");
    }
    return bad("a protobuf varint of more than ten bytes");
  };
  const take = (length: bigint): Uint8Array => {
    if (length > BigInt(bytes.length - at)) return bad("a protobuf field longer than its message");
    at += Number(length);
    return bytes.subarray(at - Number(length), at);
  };
  for (let count = 0; at < bytes.length; count++) {
    if (count === max) bad(`a protobuf message of more than ${max} fields`);
    const tag = varint();
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (wire === WIRE.varint) yield { number, value: varint(), bytes: null };
    else if (wire === WIRE.bytes) yield { number, value: 0n, bytes: take(varint()) };
    else if (wire === WIRE.fixed64) take(8n);
    else if (wire === WIRE.fixed32) take(4n);
    else bad(`protobuf wire type ${wire}`);
  }
}

/** A field: a varint of a number (negative ones in 64 bits) or a truth value, or bytes. Defaults are written too. */
export function protobufField(number: number, value: bigint | number | boolean | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array)
    return concat(encodeVarint((number << 3) | WIRE.bytes), encodeVarint(value.length), value);
  return concat(encodeVarint((number << 3) | WIRE.varint), encodeVarint(BigInt.asUintN(64, BigInt(value))));
}

/** A signed 32-bit number of its varint, as protobuf's `int32`. */
export function int32Of(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
