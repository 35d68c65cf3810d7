/** The header of a block, as the core reads it when a consensus fault is reported. Source: lotus chain/types. */
import { address, big, bytes, cid, field, i64, list, optional, ref, type SchemaModule, tuple, u64 } from "./kit.ts";

export const blockTypes: SchemaModule = {
  path: "types/block",
  doc: "The header of a block.",
  types: [
    tuple("Ticket", "The winning ticket's proof.", [field("VRFProof", bytes)]),
    tuple("ElectionProof", "How often the producer won.", [field("WinCount", i64), field("VRFProof", bytes)]),
    tuple("BeaconEntry", "One entry of the randomness beacon.", [field("Round", u64), field("Data", bytes)]),
    tuple("WinningProof", "A proof of spacetime of a given type.", [
      field("PoStProof", i64),
      field("ProofBytes", bytes),
    ]),
    tuple("BlockHeader", "The header of a block.", [
      field("Miner", address),
      field("Ticket", optional(ref("Ticket"))),
      field("ElectionProof", optional(ref("ElectionProof"))),
      field("BeaconEntries", list(ref("BeaconEntry"))),
      field("WinPoStProof", list(ref("WinningProof"))),
      field("Parents", list(cid)),
      field("ParentWeight", big),
      field("Height", i64),
      field("ParentStateRoot", cid),
      field("ParentMessageReceipts", cid),
      field("Messages", cid),
      field("BLSAggregate", optional(bytes), "A type byte and the signature."),
      field("Timestamp", u64),
      field("BlockSig", optional(bytes), "A type byte and the signature."),
      field("ForkSignaling", u64),
      field("ParentBaseFee", big, "attoFIL per unit of gas"),
    ]),
  ],
};
