/**
 * Sectors that a local network's miners have from the beginning: committed capacity, sealed in full, the same for the same
 * seed. There is no chain yet that could give tickets: they come from the seed.
 */
import { utf8 } from "../base/bytes.ts";
import { blake2b256 } from "../base/digests.ts";
import type { Proofs } from "../core/proofs.ts";
import { proverId, sealProof } from "../sector/params.ts";
import { sealedCid } from "../sector/piece/cid.ts";
import { type SectorIdentity, sealSector } from "../sector/seal/seal.ts";
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

/** What a sector of the genesis is sealed as. */
export function genesisIdentity({ seed, miner, number, proof }: GenesisSeal): SectorIdentity {
  const ticket = blake2b256(utf8(`filigree/${seed}/genesis sector/${miner}/${number}`));
  return { proof: sealProof(proof), proverId: proverId(miner), sectorNumber: number, ticket };
}

/** Seals one sector in memory. */
export function sealGenesisSector(proofs: Proofs, spec: GenesisSeal): Promise<OwnSector> {
  return sealGenesisSectorIn(new MemorySectorStore(), proofs, spec);
}

/** The same in any files, which may hold what an earlier attempt has left. */
export async function sealGenesisSectorIn(store: SectorStore, proofs: Proofs, spec: GenesisSeal): Promise<OwnSector> {
  const identity = genesisIdentity(spec);
  await store.write(UNSEALED_FILE, 0, new Uint8Array(identity.proof.sectorBytes));
  const { commR } = await sealSector(proofs, store, identity);
  return { number: spec.number, commR, sealedCid: sealedCid(commR), store };
}
