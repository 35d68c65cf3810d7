/**
 * Proofs of spacetime over a miner's own sectors. The vanilla proof is made from the replicas and checked in full; what
 * then becomes of it on the way to the chain is the network's matter (`succinct.ts`).
 */
import type { Proofs } from "../core/proofs.ts";
import { SECTOR_SIZES } from "../params/proving.ts";
import { toElement } from "../sector/kernel.ts";
import { SectorError, sectorParams } from "../sector/params.ts";
import { provePoSt } from "../sector/post/post-proof.ts";
import type { PoStProof } from "../types/block-header.ts";
import type { OwnMiner, OwnSector } from "./own-sectors.ts";
import type { SuccinctPost } from "./succinct.ts";

/** Registered PoSt proof of a sector size: winning from 0, window (first version) from 5. Source: go-state-types abi/sector.go. */
function postType(kind: "winning" | "window", sectorBytes: number): number {
  return (kind === "winning" ? 0 : SECTOR_SIZES.length) + SECTOR_SIZES.indexOf(sectorBytes);
}

export class PostProver {
  private readonly proofs: Proofs;
  private readonly succinct: SuccinctPost;

  constructor(proofs: Proofs, succinct: SuccinctPost) {
    this.proofs = proofs;
    this.succinct = succinct;
  }

  /** Proves the sector that was drawn. Throws `SectorError` FAULTY_SECTORS if its files do not prove it. */
  winning(miner: OwnMiner, randomness: Uint8Array, sector: number): Promise<PoStProof> {
    return this.prove("winning", miner, randomness, [sector]);
  }

  /** Proves sectors of one partition or more; throws `SectorError` FAULTY_SECTORS naming all that cannot be proved. */
  window(miner: OwnMiner, randomness: Uint8Array, sectors: readonly number[]): Promise<PoStProof> {
    return this.prove("window", miner, randomness, sectors);
  }

  private async prove(
    kind: "winning" | "window",
    miner: OwnMiner,
    randomness: Uint8Array,
    numbers: readonly number[],
  ): Promise<PoStProof> {
    const params = sectorParams(miner.sectorBytes);
    const type = postType(kind, miner.sectorBytes);
    const missing = numbers.filter((number) => !miner.sectors.has(number));
    if (missing.length > 0)
      throw new SectorError(
        { code: "FAULTY_SECTORS", sectors: missing },
        `sectors ${missing.join(", ")} are not in this miner's storage`,
      );
    const own = numbers.map((number) => miner.sectors.get(number) as OwnSector);
    // Networks before version 19 have the window PoSt of the first version.
    const vanilla = kind === "winning" ? "winning" : "window-legacy";
    const statement = {
      params,
      kind: vanilla,
      randomness: toElement(randomness),
      sectors: own.map(({ number, commR, store }) => ({ sectorNumber: number, commR, store })),
    } as const;
    // Every opening is verified as it is made.
    const partitions = await provePoSt(this.proofs, statement);
    const proofBytes = await this.succinct({
      kind,
      type,
      miner: miner.address.actorId as bigint,
      sectorBytes: miner.sectorBytes,
      randomness,
      sectors: own,
      partitions,
    });
    return { postProof: BigInt(type), proofBytes };
  }
}
