/**
 * Proofs of spacetime over a miner's own sectors. The vanilla proof is made from the replicas and checked in full; what
 * then takes the place of the succinct proof is the network's matter (`ProofMode`).
 */
import type { Proofs } from "../core/proofs.ts";
import type { Attestor } from "../sector/attest/attestation.ts";
import { SectorError, sectorParams } from "../sector/params.ts";
import { provePoSt } from "../sector/post/post-proof.ts";
import type { PoStProof } from "../types/block-header.ts";
import type { OwnMiner, OwnSector } from "./own-sectors.ts";

/** Sector sizes of registered PoSt proofs, in order: winning from 0, window from 5. Source: go-state-types abi/sector.go. */
const SIZES: readonly number[] = [2 << 10, 8 << 20, 512 << 20, 32 * 2 ** 30, 64 * 2 ** 30];

export function winningPostType(sectorBytes: number): number {
  return SIZES.indexOf(sectorBytes);
}

export function windowPostType(sectorBytes: number): number {
  return SIZES.length + SIZES.indexOf(sectorBytes);
}

export class PostProver {
  private readonly proofs: Proofs;
  private readonly attestor: Attestor;

  constructor(proofs: Proofs, attestor: Attestor) {
    this.proofs = proofs;
    this.attestor = attestor;
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
    const type = kind === "winning" ? winningPostType(miner.sectorBytes) : windowPostType(miner.sectorBytes);
    const missing = numbers.filter((number) => !miner.sectors.has(number));
    if (missing.length > 0)
      throw new SectorError(
        { code: "FAULTY_SECTORS", sectors: missing },
        `sectors ${missing.join(", ")} are not in this miner's storage`,
      );
    const own = numbers.map((number) => miner.sectors.get(number) as OwnSector);
    const seed = randomness.slice();
    seed[31] = (seed[31] as number) & 0x3f;
    // Networks before version 19 have the window PoSt of the first version.
    const vanilla = kind === "winning" ? "winning" : "window-legacy";
    const statement = {
      params,
      kind: vanilla,
      randomness: seed,
      sectors: own.map(({ number, commR, store }) => ({ sectorNumber: number, commR, store })),
    } as const;
    // Every opening is verified as it is made.
    await provePoSt(this.proofs, statement);
    const proofBytes = this.attestor.attestPost({
      kind,
      type,
      miner: miner.address.actorId as bigint,
      randomness,
      sectors: own.map(({ number, sealedCid }) => ({ number: BigInt(number), sealedCid })),
    });
    return { postProof: BigInt(type), proofBytes };
  }
}
