/**
 * Vouchers of payment channels: the tuple that is signed, its text form, and the JSON of the network's RPC.
 *
 * A voucher is the tuple [channel, first epoch, last epoch (0: none), digest of a secret (empty: none), extra call or null,
 * lane, nonce, amount, earliest settling, merges, signature or null]. What is signed is its CBOR with null for the
 * signature. People hand it on as base64url text of its CBOR without padding.
 * Source: go-state-types builtin/v8/paych; lotus chain/actors/builtin/paych at b835fab702eb.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { equal, fromBase64, fromBase64Url, toBase64, toBase64Url } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { Address, type NetworkPrefix } from "./address.ts";
import { bigToBytes, bytesToBig } from "./amount.ts";
import { decodeSignature, encodeSignature, type Signature, signatureFromJson } from "./message.ts";
import { integerOf, integerToJson, type Json } from "./schema-codec.ts";

export type VoucherErrorData = { readonly code: "BAD_VOUCHER"; readonly field: string };
export class VoucherError extends FilError<VoucherErrorData> {}

/** A call that must succeed for the voucher to count. */
export type ExtraCall = { readonly actor: Address; readonly method: bigint; readonly data: Uint8Array };
/** A lane that the voucher takes over, and the nonce below which its own vouchers are void from then on. */
export type Merge = { readonly lane: bigint; readonly nonce: bigint };

export type SignedVoucher = {
  readonly channel: Address;
  /** epoch */
  readonly timeLockMin: bigint;
  /** epoch; 0 for none */
  readonly timeLockMax: bigint;
  /** blake2b-256; empty for none */
  readonly secretHash: Uint8Array;
  readonly extra: ExtraCall | null;
  readonly lane: bigint;
  readonly nonce: bigint;
  /** attoFIL over the life of the lane */
  readonly amount: bigint;
  /** epoch */
  readonly minSettleHeight: bigint;
  readonly merges: readonly Merge[];
  readonly signature: Signature | null;
};

/** Merges of a voucher that is looked at. */
export const MAX_MERGES = 256;
/** Bytes of a voucher that is looked at. */
const MAX_VOUCHER = 64 * 1024;
/** Bytes of a digest that locks, and of an extra call's data. */
const MAX_HASH = 128;
const MAX_EXTRA = 32 * 1024;
/** Highest lane: the reach of an array's index. */
export const MAX_LANE = (1n << 63n) - 1n;

function bad(field: string, why: string): never {
  throw new VoucherError({ code: "BAD_VOUCHER", field }, `voucher field ${field}: ${why}`);
}

function tupleOf(voucher: SignedVoucher): unknown[] {
  const { extra, signature } = voucher;
  return [
    voucher.channel.bytes,
    voucher.timeLockMin,
    voucher.timeLockMax,
    voucher.secretHash,
    extra === null ? null : [extra.actor.bytes, extra.method, extra.data],
    voucher.lane,
    voucher.nonce,
    bigToBytes(voucher.amount),
    voucher.minSettleHeight,
    voucher.merges.map(({ lane, nonce }) => [lane, nonce]),
    signature === null ? null : encodeSignature(signature),
  ];
}

export function encodeVoucher(voucher: SignedVoucher): Uint8Array {
  return dagCbor.encode(tupleOf(voucher));
}

/** What its signature is made over. */
export function signingBytes(voucher: SignedVoucher): Uint8Array {
  return encodeVoucher({ ...voucher, signature: null });
}

/** Reads a voucher; throws `VoucherError` unless the bytes are exactly those that `encodeVoucher` gives. */
export function decodeVoucher(bytes: Uint8Array): SignedVoucher {
  if (bytes.length > MAX_VOUCHER) bad("", `${bytes.length} bytes, over ${MAX_VOUCHER}`);
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new VoucherError({ code: "BAD_VOUCHER", field: "" }, "a voucher is canonical DAG-CBOR", { cause });
  }
  const voucher = checkVoucherFields(fromTuple(value));
  return equal(encodeVoucher(voucher), bytes) ? voucher : bad("", "not in its canonical form");
}

function fromTuple(value: unknown): SignedVoucher {
  const tuple = arrayOf(value, "", 11);
  const integer = (at: unknown, field: string): bigint =>
    typeof at === "bigint" || Number.isSafeInteger(at) ? BigInt(at as number) : bad(field, "integer expected");
  const bytes = (at: unknown, field: string): Uint8Array =>
    at instanceof Uint8Array ? at : bad(field, "byte string expected");
  const merges = Array.isArray(tuple[9]) ? (tuple[9] as unknown[]) : bad("Merges", "list expected");
  const extra = tuple[4] === null ? null : arrayOf(tuple[4], "Extra", 3);
  return {
    channel: Address.fromBytes(bytes(tuple[0], "ChannelAddr")),
    timeLockMin: integer(tuple[1], "TimeLockMin"),
    timeLockMax: integer(tuple[2], "TimeLockMax"),
    secretHash: bytes(tuple[3], "SecretHash"),
    extra:
      extra === null
        ? null
        : {
            actor: Address.fromBytes(bytes(extra[0], "Extra.Actor")),
            method: integer(extra[1], "Extra.Method"),
            data: bytes(extra[2], "Extra.Data"),
          },
    lane: integer(tuple[5], "Lane"),
    nonce: integer(tuple[6], "Nonce"),
    amount: bytesToBig(bytes(tuple[7], "Amount")),
    minSettleHeight: integer(tuple[8], "MinSettleHeight"),
    merges: merges.map((one) => {
      const [lane, nonce] = arrayOf(one, "Merges", 2);
      return { lane: integer(lane, "Merges.Lane"), nonce: integer(nonce, "Merges.Nonce") };
    }),
    signature: tuple[10] === null ? null : decodeSignature(bytes(tuple[10], "Signature")),
  };
}

function arrayOf(value: unknown, field: string, length: number): readonly unknown[] {
  return Array.isArray(value) && value.length === length
    ? (value as unknown[])
    : bad(field, `array of ${length} expected`);
}

/** The voucher, if all its fields lie within bounds; throws `VoucherError`. */
export function checkVoucherFields(voucher: SignedVoucher): SignedVoucher {
  const unsigned = (value: bigint, field: string, bits: bigint): void => {
    if (value < 0n || value >= 1n << bits) bad(field, `not an unsigned ${bits}-bit integer`);
  };
  const signed = (value: bigint, field: string): void => {
    if (BigInt.asIntN(64, value) !== value) bad(field, "not a 64-bit integer");
  };
  signed(voucher.timeLockMin, "TimeLockMin");
  signed(voucher.timeLockMax, "TimeLockMax");
  signed(voucher.minSettleHeight, "MinSettleHeight");
  unsigned(voucher.nonce, "Nonce", 64n);
  unsigned(voucher.lane, "Lane", 63n);
  if (voucher.amount < 0n) bad("Amount", "negative");
  if (voucher.secretHash.length > MAX_HASH) bad("SecretHash", `${voucher.secretHash.length} bytes, over ${MAX_HASH}`);
  if (voucher.merges.length > MAX_MERGES) bad("Merges", `${voucher.merges.length}, over ${MAX_MERGES}`);
  for (const { lane, nonce } of voucher.merges) {
    unsigned(lane, "Merges.Lane", 63n);
    unsigned(nonce, "Merges.Nonce", 64n);
  }
  if (voucher.extra !== null) {
    unsigned(voucher.extra.method, "Extra.Method", 64n);
    if (voucher.extra.data.length > MAX_EXTRA) bad("Extra.Data", `${voucher.extra.data.length} bytes`);
  }
  return voucher;
}

/** The text that people hand on. */
export function voucherText(voucher: SignedVoucher): string {
  return toBase64Url(encodeVoucher(voucher));
}

export function parseVoucherText(text: string): SignedVoucher {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64Url(text.trim());
  } catch (cause) {
    throw new VoucherError({ code: "BAD_VOUCHER", field: "" }, "a voucher is base64url text", { cause });
  }
  return decodeVoucher(bytes);
}

/** JSON as the network's RPC has it; `secretName` is what the digest is called: the actors' own name differs. */
export function voucherToJson(
  voucher: SignedVoucher,
  prefix: NetworkPrefix,
  secretName: "SecretHash" | "SecretPreimage" = "SecretHash",
): Record<string, Json> {
  const bytes = (value: Uint8Array): Json => (value.length === 0 ? null : toBase64(value));
  const { extra, signature, merges } = voucher;
  return {
    ChannelAddr: voucher.channel.toString(prefix),
    TimeLockMin: integerToJson(voucher.timeLockMin),
    TimeLockMax: integerToJson(voucher.timeLockMax),
    [secretName]: bytes(voucher.secretHash),
    Extra:
      extra === null
        ? null
        : { Actor: extra.actor.toString(prefix), Method: integerToJson(extra.method), Data: bytes(extra.data) },
    Lane: integerToJson(voucher.lane),
    Nonce: integerToJson(voucher.nonce),
    Amount: voucher.amount.toString(),
    MinSettleHeight: integerToJson(voucher.minSettleHeight),
    Merges:
      merges.length === 0
        ? null
        : merges.map(({ lane, nonce }) => ({ Lane: integerToJson(lane), Nonce: integerToJson(nonce) })),
    Signature: signature === null ? null : { Type: signature.type, Data: toBase64(signature.data) },
  };
}

/** Reads JSON of either name of the digest; absent numbers count as zero. */
export function voucherFromJson(json: unknown): SignedVoucher {
  const fields = objectOf(json, "");
  const integer = (from: Record<string, unknown>, name: string): bigint =>
    integerOf(from[name] ?? 0) ?? bad(name, "integer expected");
  const bytes = (value: unknown, name: string): Uint8Array => {
    if (value === null || value === undefined) return new Uint8Array(0);
    if (typeof value !== "string" || value.length > MAX_VOUCHER) return bad(name, "base64 text expected");
    return fromBase64(value);
  };
  const address = (value: unknown, name: string): Address =>
    typeof value === "string" ? Address.parse(value) : bad(name, "address expected");
  const amount = fields["Amount"];
  const merges = fields["Merges"] ?? [];
  if (!Array.isArray(merges) || merges.length > MAX_MERGES)
    return bad("Merges", `list of at most ${MAX_MERGES} expected`);
  const extra = fields["Extra"] == null ? null : objectOf(fields["Extra"], "Extra");
  return checkVoucherFields({
    channel: address(fields["ChannelAddr"], "ChannelAddr"),
    timeLockMin: integer(fields, "TimeLockMin"),
    timeLockMax: integer(fields, "TimeLockMax"),
    secretHash: bytes(fields["SecretHash"] ?? fields["SecretPreimage"], "SecretHash"),
    extra:
      extra === null
        ? null
        : {
            actor: address(extra["Actor"], "Extra.Actor"),
            method: integer(extra, "Method"),
            data: bytes(extra["Data"], "Extra.Data"),
          },
    lane: integer(fields, "Lane"),
    nonce: integer(fields, "Nonce"),
    amount:
      typeof amount === "string" && /^\d{1,309}$/.test(amount)
        ? BigInt(amount)
        : bad("Amount", "decimal text expected"),
    minSettleHeight: integer(fields, "MinSettleHeight"),
    merges: merges.map((one) => {
      const merge = objectOf(one, "Merges");
      return { lane: integer(merge, "Lane"), nonce: integer(merge, "Nonce") };
    }),
    signature: fields["Signature"] == null ? null : signatureFromJson(fields["Signature"]),
  });
}

function objectOf(json: unknown, field: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return bad(field, "object expected");
  return json as Record<string, unknown>;
}
