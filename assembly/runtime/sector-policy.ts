/**
 * Policy by seal proof type (registered seal proofs 0 to 4: 2 KiB, 8 MiB, 512 MiB, 32 GiB, 64 GiB).
 *
 * Sectors per window PoSt partition must equal what the proofs use. Source: specs-actors builtin/sector.go.
 */

export const SEAL_PROOF_COUNT: i64 = 5;

const PARTITION_SECTORS: StaticArray<u64> = [2, 2, 2, 2349, 2300];
/** Bytes. */
const SECTOR_SIZES: StaticArray<u64> = [2 << 10, 8 << 20, 512 << 20, 32 << 30, 64 << 30];

/** Five years of 1,051,200 epochs, for every proof type. */
export const SECTOR_MAX_LIFETIME: i64 = 5 * 1051200;

export function isSealProof(proof: i64): bool {
  return proof >= 0 && proof < SEAL_PROOF_COUNT;
}

/** Sectors proven in one partition; the proof type must be known. */
export function partitionSectors(sealProof: i64): u64 {
  return PARTITION_SECTORS[<i32>sealProof];
}

/** Bytes of a sector; the proof type must be known. */
export function sectorSize(sealProof: i64): u64 {
  return SECTOR_SIZES[<i32>sealProof];
}
