/** Proofs of spacetime and what they are verified against. Source: specs-actors runtime/proof/verify.go. */
import { bytes, cid, field, i64, list, ref, type SchemaModule, tuple, u64 } from "./kit.ts";

export const proofTypes: SchemaModule = {
  path: "types/proof",
  doc: "Proofs of spacetime and what they are verified against.",
  types: [
    tuple("SectorInfo", "A challenged sector.", [
      field("SealProof", i64, "Registered seal proof."),
      field("SectorNumber", u64),
      field("SealedCID", cid, "CommR"),
    ]),
    tuple("PoStProof", "A proof of spacetime.", [
      field("PoStProof", i64, "Registered PoSt proof."),
      field("ProofBytes", bytes),
    ]),
    tuple("WindowPoStVerifyInfo", "Window PoSt proofs and all that they are verified against.", [
      field("Randomness", bytes),
      field("Proofs", list(ref("PoStProof"))),
      field("ChallengedSectors", list(ref("SectorInfo"))),
      field("Prover", u64, "Actor id of the miner."),
    ]),
  ],
};
