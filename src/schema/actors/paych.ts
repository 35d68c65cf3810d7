/** Payment channel actor. Source: specs-actors builtin/paych. */
import {
  type ActorDescription,
  address,
  arrayOf,
  big,
  bytes,
  field,
  i64,
  list,
  optional,
  ref,
  signature,
  tuple,
  u64,
  until,
} from "../kit.ts";

export const paych: ActorDescription = {
  name: "paymentchannel",
  state: "PaychState",
  isInLater: true,
  module: {
    path: "actors/paych/codec",
    doc: "State and parameters of the payment channel actor.",
    types: [
      tuple("PaychState", "State of a payment channel.", [
        field("From", address, "Who pays (ID address)."),
        field("To", address, "Who is paid (ID address)."),
        field("ToSend", big, "attoFIL redeemed so far, paid out by Collect"),
        field("SettlingAt", i64, "Epoch from which the channel can be collected; 0 while open."),
        field("MinSettleHeight", i64, "Earliest epoch of settling that the vouchers asked for."),
        field("LaneStates", arrayOf(ref("LaneState")), "By lane id."),
      ]),
      tuple("LaneState", "A lane: an independent series of vouchers.", [
        field("Redeemed", big, "attoFIL"),
        field("Nonce", u64, "Highest nonce redeemed."),
      ]),
      tuple("Merge", "A lane that a voucher takes over.", [field("Lane", u64), field("Nonce", u64)]),
      tuple("ConstructorParams", "Parameters of the constructor.", [field("From", address), field("To", address)]),
      tuple("ModVerifyParams", "A message that must succeed for a voucher to count.", [
        field("Actor", address),
        field("Method", u64),
        field("Data", bytes),
      ]),
      tuple("SignedVoucher", "A promise of payment.", [
        field("ChannelAddr", address),
        field("TimeLockMin", i64, "First epoch at which it may be redeemed."),
        field("TimeLockMax", i64, "Last epoch at which it may be redeemed; 0 for none."),
        field("SecretPreimage", bytes, "blake2b-256 of a secret to be shown; empty for none."),
        field("Extra", optional(ref("ModVerifyParams"))),
        field("Lane", u64),
        field("Nonce", u64),
        field("Amount", big, "attoFIL over the life of the lane"),
        field("MinSettleHeight", i64),
        field("Merges", list(ref("Merge"))),
        field("Signature", optional(signature)),
      ]),
      tuple("UpdateChannelStateParams", "A voucher to redeem.", [
        field("Sv", ref("SignedVoucher")),
        field("Secret", bytes),
        field("Proof", bytes, undefined, until(0)),
      ]),
      tuple("PaymentVerifyParams", "What the extra call gets (actors v0).", [
        field("Extra", bytes),
        field("Proof", bytes),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: ref("ConstructorParams") },
    { number: 2, name: "UpdateChannelState", params: ref("UpdateChannelStateParams") },
    { number: 3, name: "Settle" },
    { number: 4, name: "Collect" },
  ],
};
