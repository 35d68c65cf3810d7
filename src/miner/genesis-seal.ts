/**
 * Sectors that a local network's miners have from the beginning: committed capacity, sealed in full, the same for the same
 * seed. There is no chain yet that could give tickets: they come from the seed.
 */
import { utf8 } from "../base/bytes.ts";
import type { Hashes } from "../core/hashes.ts";
import type { Proofs } from "../core/proofs.ts";
import { proverId, sealProof } from "../sector/params.ts";
import { sealedCid } from "../sector/piece/cid.ts";
import { sealSector } from "../sector/seal/seal.ts";
import { MemorySectorStore, type SectorStore, UNSEALED_FILE } from "../sector/store.ts";
import type { OwnSector } from "./own-sectors.ts";

export type GenesisSeal = {
  readonly seed: string;
  /** Actor id. */
  readonly miner: bigint;
  readonly number: number;
  /** Registered seal proof. */
  readonly proof: number;
};

/** Seals one sector in memory. */
export function sealGenesisSector(
  proofs: Proofs,
  hashes: Pick<Hashes, "blake2b256">,
  spec: GenesisSeal,
): Promise<OwnSector> {
  return sealGenesisSectorIn(new MemorySectorStore(), proofs, hashes, spec);
}

/** The same in any files, which may hold what an earlier attempt has left. */
export async function sealGenesisSectorIn(
  store: SectorStore,
  proofs: Proofs,
  hashes: Pick<Hashes, "blake2b256">,
  { seed, miner, number, proof }: GenesisSeal,
): Promise<OwnSector> {
  const described = sealProof(proof);
  await store.write(UNSEALED_FILE, 0, new Uint8Array(described.sectorBytes));
  const ticket = hashes.blake2b256(utf8(`filigree/${seed}/genesis sector/${miner}/${number}`));
  const identity = { proof: described, proverId: proverId(miner), sectorNumber: number, ticket };
  const { commR } = await sealSector(proofs, store, identity);
  return { number, commR, sealedCid: sealedCid(commR), store };
}
