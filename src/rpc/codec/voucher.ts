/** Codecs of payment channels: vouchers, what is wanted of them, and funds, in the network's spelling. */

import { MAX_SCHEDULE } from "../../market/paych/schedule.ts";
import type { Json } from "../../types/schema-codec.ts";
import { type SignedVoucher, voucherFromJson, voucherToJson } from "../../types/voucher.ts";
import {
  address,
  amount,
  anyEpoch,
  bytes,
  link,
  maybeAddress,
  maybeBytes,
  shape,
  signature,
  uint64,
} from "./chain-types.ts";
import { type Codec, fallback, integer, list, nullable, object, within } from "./codec.ts";

/** Vouchers of an answer, and lanes that one merges. */
const MANY = 1_000_000;
const MAX_MERGES = 256;
/** Bytes of the data of an extra call, and of a digest. */
const MAX_DATA = 32 * 1024;
const MAX_HASH = 128;

const whole = uint64.schema;
const orNull = (schema: Record<string, unknown>) => ({ anyOf: [schema, { type: "null" }] });
const extraSchema = shape("ModVerifyParams", { Actor: address.schema, Method: whole, Data: maybeBytes });

/** A voucher; fields that are absent count as none, except its channel and amount. */
export const voucher: Codec<SignedVoucher, Record<string, Json>> = {
  schema: {
    title: "SignedVoucher",
    type: "object",
    properties: {
      ChannelAddr: address.schema,
      TimeLockMin: anyEpoch.schema,
      TimeLockMax: anyEpoch.schema,
      SecretHash: maybeBytes,
      Extra: orNull(extraSchema),
      Lane: whole,
      Nonce: whole,
      Amount: amount.schema,
      MinSettleHeight: anyEpoch.schema,
      Merges: orNull({ type: "array", items: shape("Merge", { Lane: whole, Nonce: whole }) }),
      Signature: orNull(signature.schema),
    },
    required: ["ChannelAddr", "Lane", "Nonce", "Amount"],
  },
  decode: (json, path) => within(path, () => voucherFromJson(json)),
  encode: (value, prefix) => voucherToJson(value, prefix),
};
export const vouchers = list(voucher, MANY);

const extra = object("ModVerifyParams", { Actor: address, Method: uint64, Data: bytes(MAX_DATA) });
const epochs = {
  TimeLockMin: fallback(anyEpoch, 0),
  TimeLockMax: fallback(anyEpoch, 0),
  MinSettle: fallback(anyEpoch, 0),
};

/** A voucher of a payment. */
export const voucherSpec = object("VoucherSpec", { Amount: amount, ...epochs, Extra: nullable(extra) });

/** A voucher with all that one can have; the lane of none is 0. */
export const wantedVoucher = object("VoucherWanted", {
  Amount: amount,
  Lane: fallback(uint64, 0n),
  ...epochs,
  SecretHash: bytes(MAX_HASH),
  Extra: nullable(extra),
  Merges: list(uint64, MAX_MERGES),
});

/** A payment over time, and what is made of it. */
export const voucherSchedule = object("VoucherSchedule", {
  ...{ Amount: amount, Count: integer(1, MAX_SCHEDULE), StartEpoch: anyEpoch, EndEpoch: anyEpoch },
  MinSettle: fallback(anyEpoch, 0),
});
export const scheduleResult = object("VoucherScheduleResult", {
  Vouchers: list(voucher, MAX_SCHEDULE),
  Shortfall: amount,
});

export const channelInfo = object("ChannelInfo", { Channel: maybeAddress, WaitSentinel: nullable(link) });
export const paymentInfo = object("PaymentInfo", {
  Channel: maybeAddress,
  WaitSentinel: nullable(link),
  Vouchers: vouchers,
});
export const voucherResult = object("VoucherCreateResult", { Voucher: nullable(voucher), Shortfall: amount });
export const availableFunds = object("ChannelAvailableFunds", {
  Channel: nullable(address),
  From: address,
  To: address,
  ConfirmedAmt: amount,
  PendingAmt: amount,
  NonReservedAmt: amount,
  PendingAvailableAmt: amount,
  PendingWaitSentinel: nullable(link),
  QueuedAmt: amount,
  VoucherReedeemedAmt: amount,
});
