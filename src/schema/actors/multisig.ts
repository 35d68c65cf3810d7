/** Multisig actor. Source: specs-actors builtin/multisig. */
import {
  type ActorDescription,
  address,
  big,
  bool,
  bytes,
  field,
  i64,
  list,
  mapOf,
  ref,
  since,
  tuple,
  u64,
} from "../kit.ts";

export const multisig: ActorDescription = {
  name: "multisig",
  state: "MultisigState",
  isInLater: true,
  module: {
    path: "actors/multisig/codec",
    doc: "State and parameters of the multisig actor.",
    types: [
      tuple("MultisigState", "State of a multisig wallet.", [
        field("Signers", list(address), "ID addresses."),
        field("NumApprovalsThreshold", u64),
        field("NextTxnID", i64),
        field("InitialBalance", big, "attoFIL locked at StartEpoch"),
        field("StartEpoch", i64),
        field("UnlockDuration", i64, "epochs"),
        field("PendingTxns", mapOf("varint", ref("Transaction")), "From transaction id."),
      ]),
      tuple("Transaction", "A proposed message.", [
        field("To", address),
        field("Value", big, "attoFIL"),
        field("Method", u64),
        field("Params", bytes),
        field("Approved", list(address), "Approvers in order; the first one proposed it."),
      ]),
      tuple("ProposalHashData", "What the hash of a proposal covers.", [
        field("Requester", address),
        field("To", address),
        field("Value", big, "attoFIL"),
        field("Method", u64),
        field("Params", bytes),
      ]),
      tuple("ConstructorParams", "Parameters of the constructor.", [
        field("Signers", list(address)),
        field("NumApprovalsThreshold", u64),
        field("UnlockDuration", i64, "epochs"),
        field("StartEpoch", i64, undefined, since(2)),
      ]),
      tuple("ProposeParams", "A message to propose.", [
        field("To", address),
        field("Value", big, "attoFIL"),
        field("Method", u64),
        field("Params", bytes),
      ]),
      tuple("ProposeReturn", "What became of a proposal.", [
        field("TxnID", i64),
        field("Applied", bool, "True if the message was sent at once."),
        field("Code", i64, "Exit code of the message, if sent."),
        field("Ret", bytes, "Return value of the message, if sent."),
      ]),
      tuple("TxnIDParams", "Which transaction to approve or cancel.", [
        field("ID", i64),
        field("ProposalHash", bytes, "Hash that must match the proposal; empty for none."),
      ]),
      tuple("ApproveReturn", "What became of an approval.", [
        field("Applied", bool, "True if the message was sent."),
        field("Code", i64, "Exit code of the message, if sent."),
        field("Ret", bytes, "Return value of the message, if sent."),
      ]),
      tuple("AddSignerParams", "A new signer.", [
        field("Signer", address),
        field("Increase", bool, "Raise the threshold by one."),
      ]),
      tuple("RemoveSignerParams", "A signer to remove.", [
        field("Signer", address),
        field("Decrease", bool, "Lower the threshold by one."),
      ]),
      tuple("SwapSignerParams", "A signer to replace.", [field("From", address), field("To", address)]),
      tuple("ChangeNumApprovalsThresholdParams", "A new threshold.", [field("NewThreshold", u64)]),
      tuple("LockBalanceParams", "A linear lock.", [
        field("StartEpoch", i64),
        field("UnlockDuration", i64, "epochs"),
        field("Amount", big, "attoFIL"),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: ref("ConstructorParams") },
    { number: 2, name: "Propose", params: ref("ProposeParams"), returns: ref("ProposeReturn") },
    { number: 3, name: "Approve", params: ref("TxnIDParams"), returns: ref("ApproveReturn") },
    { number: 4, name: "Cancel", params: ref("TxnIDParams") },
    { number: 5, name: "AddSigner", params: ref("AddSignerParams") },
    { number: 6, name: "RemoveSigner", params: ref("RemoveSignerParams") },
    { number: 7, name: "SwapSigner", params: ref("SwapSignerParams") },
    { number: 8, name: "ChangeNumApprovalsThreshold", params: ref("ChangeNumApprovalsThresholdParams") },
    { number: 9, name: "LockBalance", params: ref("LockBalanceParams") },
  ],
};
