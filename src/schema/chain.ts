/** Types of the chain itself: actors in the state tree, messages, receipts. Source: lotus chain/types. */
import { address, big, bytes, cid, field, i64, ref, type SchemaModule, signature, tuple, u64 } from "./kit.ts";

export const chainTypes: SchemaModule = {
  path: "types/chain",
  doc: "Types of the chain itself.",
  types: [
    tuple("ActorEntry", "An actor in the state tree (before delegated addresses, network versions below 18).", [
      field("Code", cid),
      field("Head", cid, "Root of the actor's state."),
      field("Nonce", u64, "Number of messages sent, for accounts."),
      field("Balance", big, "attoFIL"),
    ]),
    tuple("StateRoot", "Root of the state tree from network version 4 on.", [
      field("Version", u64),
      field("Actors", cid, "HAMT from ID address to ActorEntry."),
      field("Info", cid),
    ]),
    tuple("Message", "An unsigned message.", [
      field("Version", u64, "Always 0."),
      field("To", address),
      field("From", address),
      field("Nonce", u64),
      field("Value", big, "attoFIL"),
      field("GasLimit", i64, "gas"),
      field("GasFeeCap", big, "attoFIL per unit of gas"),
      field("GasPremium", big, "attoFIL per unit of gas"),
      field("Method", u64),
      field("Params", bytes),
    ]),
    tuple("SignedMessage", "A message and its signature (a type byte and the data).", [
      field("Message", ref("Message")),
      field("Signature", signature),
    ]),
    tuple("MessageReceipt", "What the execution of a message left.", [
      field("ExitCode", i64),
      field("Return", bytes),
      field("GasUsed", i64, "gas"),
    ]),
  ],
};
