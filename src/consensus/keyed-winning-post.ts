/**
 * Winning PoSt under verifying keys that the caller supplies, and what happens to a proof whose key is not among them.
 */
import type { Proofs } from "../core/proofs.ts";
import { SECTOR_SIZES } from "../params/proving.ts";
import { winningSector } from "../sector/challenges.ts";
import { toElement } from "../sector/kernel.ts";
import { proverId, SectorError, sectorParams } from "../sector/params.ts";
import { commitmentOfSealedCid } from "../sector/piece/cid.ts";
import type { VerifyingKey } from "../sector/snark/groth16.ts";
import { verifyPoStProof } from "../sector/snark/verify.ts";
import type { PickSector, VerifyWinningPost, WinningPostStatement } from "./winning-post.ts";

export type WinningPostKeys = {
  readonly proofs: Proofs;
  /** By sector size, bytes. */
  readonly keys: ReadonlyMap<number, VerifyingKey>;
  /** What becomes of a proof without a key: `declared` takes it and says so. */
  readonly missing: "declared" | "wrong";
  /** 32 bytes that no prover can foresee. */
  readonly entropy: () => Uint8Array;
};

/** Draws a sector as the proof library does. */
export function sectorPicker(proofs: Proofs): PickSector {
  return (prover, randomness, count) =>
    Number(winningSector(proofs, { proverId: proverId(prover), randomness, sectorCount: count }));
}

export function keyedWinningPost({ proofs, keys, missing, entropy }: WinningPostKeys): VerifyWinningPost {
  return async ({ sectors, proofs: list, randomness }: WinningPostStatement) => {
    const [post] = list;
    const sectorBytes = SECTOR_SIZES[Number(post?.postProof ?? -1n)];
    if (post === undefined || list.length !== 1 || sectorBytes === undefined) return "wrong";
    const key = keys.get(sectorBytes);
    if (key === undefined) return missing;
    try {
      const open = sectors.map(({ number, sealedCid }) => {
        const commR = commitmentOfSealedCid(sealedCid);
        if (commR === null)
          throw new SectorError({ code: "BAD_LENGTH", what: "CommR", length: 0, expected: 32 }, "no CommR");
        return { sectorNumber: number, commR };
      });
      const statement = {
        params: sectorParams(sectorBytes),
        kind: "winning",
        randomness: toElement(randomness),
        sectors: open,
      } as const;
      const verdict = verifyPoStProof(proofs, { ...statement, key, proof: post.proofBytes, entropy: entropy() });
      return verdict === "VALID" ? "verified" : "wrong";
    } catch (error) {
      if (error instanceof SectorError) return "wrong";
      throw error;
    }
  };
}
