/** Witnesses of the circuits of 2 KiB sectors: sectors sealed again, opened, and their openings as bytes. */
import { fromHex } from "../../../src/base/bytes.ts";
import type { Proofs } from "../../../src/core/proofs.ts";
import { porepId, proverId, sealProof, sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import { type PoStKind, provePoSt } from "../../../src/sector/post/post-proof.ts";
import { provePoRep } from "../../../src/sector/seal/porep-proof.ts";
import type { SealedSector, SectorIdentity } from "../../../src/sector/seal/seal.ts";
import { porepWitness, postWitness, updateWitness } from "../../../src/sector/snark/witness.ts";
import { MemorySectorStore } from "../../../src/sector/store.ts";
import { proveUpdate, updateSector } from "../../../src/sector/update/update.ts";
import { prng } from "./fixture.ts";
import { sealAgain } from "./sectors.ts";

/** A sector of the fixture `circuits.json`. */
export type CircuitSector = {
  readonly number: number;
  readonly ticketSeed: number;
  readonly dataSeed: number;
  readonly unpadded: number;
  readonly commR: string;
};

export type SealedAgain = {
  readonly identity: SectorIdentity;
  readonly store: MemorySectorStore;
  readonly sealed: SealedSector;
};

const params = sectorParams(2048);

/** Seals a sector of actor 1000 under registered proof 5. */
export async function sealCircuitSector(proofs: Proofs, one: CircuitSector): Promise<SealedAgain> {
  const proof = sealProof(5);
  const identity = {
    proof,
    proverId: proverId(1000n),
    sectorNumber: one.number,
    ticket: prng(one.ticketSeed, 32),
  };
  const again = { identity, params, porepId: porepId(proof) };
  return { identity, ...(await sealAgain(proofs, again, one.dataSeed, [one.unpadded])) };
}

export async function witnessOfPoSt(
  proofs: Proofs,
  kind: PoStKind,
  randomness: string,
  sectors: readonly SealedAgain[],
): Promise<Uint8Array> {
  const privates = sectors.map(({ identity, store, sealed }) => ({
    sectorNumber: identity.sectorNumber,
    commR: sealed.commR,
    store,
  }));
  const [partition] = await provePoSt(proofs, { params, kind, randomness: fromHex(randomness), sectors: privates });
  if (partition === undefined) throw new Error("no partition");
  return postWitness(kind, partition, privates);
}

export async function witnessOfPoRep(proofs: Proofs, sector: SealedAgain, seedSeed: number): Promise<Uint8Array> {
  const { identity, store, sealed } = sector;
  const partition = await provePoRep(proofs, store, { identity, sealed, seed: prng(seedSeed, 32), partition: 0 });
  return porepWitness(sealed, partition);
}

export async function witnessOfUpdate(proofs: Proofs, sector: SealedAgain, newDataSeed: number): Promise<Uint8Array> {
  const { store, sealed } = sector;
  const next = new MemorySectorStore();
  await stagePieces(proofs, next, params, [{ payloadSize: 2032, bytes: [prng(newDataSeed, 2032)] }]);
  const { commDNew, commRNew } = await updateSector(proofs, { params, old: store, next, commROld: sealed.commR });
  const partition = await proveUpdate(proofs, { params, old: store, next, commRNew, partition: 0 });
  return updateWitness(params, { commROld: sealed.commR, commDNew, commRNew }, 0, partition);
}
