/** The sealed sectors of the fixtures, and how to seal them again. */
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import type { Proofs } from "../../../src/core/proofs.ts";
import type { MerklePath } from "../../../src/sector/merkle-path.ts";
import { type SealProof, type SectorParams, sectorParams } from "../../../src/sector/params.ts";
import { stagePieces } from "../../../src/sector/piece/stage.ts";
import type { PagingOptions } from "../../../src/sector/seal/paging-plan.ts";
import { type ColumnProof, labelParents, type PoRepChallengeProof } from "../../../src/sector/seal/porep-proof.ts";
import { type SealedSector, type SectorIdentity, sealSector } from "../../../src/sector/seal/seal.ts";
import { MemorySectorStore } from "../../../src/sector/store.ts";
import { prng } from "./fixture.ts";

export type FixturePath = { leaf: string; root: string; path: { index: number; hashes: string[] }[] };
export type FixtureColumn = { column: { index: number; rows: string[] }; inclusion_proof: FixturePath };
export type FixtureVanilla = {
  comm_d_proofs: FixturePath;
  comm_r_last_proof: FixturePath;
  replica_column_proofs: { c_x: FixtureColumn; drg_parents: FixtureColumn[]; exp_parents: FixtureColumn[] };
  labeling_proofs: { parents: string[]; layer_index: number; node: number }[];
  encoding_proof: { parents: string[]; layer_index: number; node: number };
};

export type FixtureSector = {
  name: string;
  registeredSealProof: number | null;
  sectorSize: number;
  apiVersion: string;
  layerCount: number;
  partitions: number;
  challengesPerPartition: number;
  poRepId: string;
  actorId: number;
  proverId: string;
  sectorNumber: number;
  ticket: string;
  seed: string;
  dataSeed: number;
  pieces: { unpadded: number; commP: string }[];
  paddedDataSha256: string;
  replicaId: string;
  commD: string;
  commC: string;
  commRLast: string;
  commR: string;
  pAux: string;
  layers: { layer: number; sha256: string; samples: [number, string][] }[];
  replicaSha256: string;
  cacheFiles: Record<string, { size: number; sha256: string }>;
  challenges: number[][];
  parents?: number[][];
  replica?: string;
  labels?: string[][];
  treeD?: string;
  treeC?: string;
  treeRLast?: string;
  circuitInputs: string[][];
  vanillaProofs?: FixtureVanilla[][];
  vanillaProofsFirstPartition?: FixtureVanilla[];
  vanillaProofsLastPartition?: FixtureVanilla[];
};

/** The sector that an update puts new data into. */
export type UpdatedBefore = {
  sectorNumber: number;
  ticket: string;
  dataSeed: number;
  unpaddedPieces: number[];
  commR: string;
  replicaSha256: string;
};

export type FixtureUpdate = {
  name: string;
  sectorSize: number;
  old: UpdatedBefore;
  proverId: string;
  poRepId: string;
  newDataSeed: number;
  newUnpadded: number;
  newPaddedDataSha256: string;
  h: number;
  partitions: number;
  challengesPerPartition: number;
  apexLeafCount: number;
  commDNew: string;
  commRLastNew: string;
  commRNew: string;
  phi: string;
  rhos: [number, string][];
  newReplicaSha256: string;
  proofs: {
    k: number;
    challenges: number[];
    bincodeSize: number;
    bincodeSha256: string;
    circuitInputs: string[];
    vanillaProof?: {
      comm_c: string;
      apex_leafs: string[];
      challenge_proofs: { proof_r_old: FixturePath; proof_d_new: FixturePath; proof_r_new: FixturePath }[];
    };
  }[];
};

export type Case = {
  readonly paging?: PagingOptions;
  readonly identity: SectorIdentity;
  readonly params: SectorParams;
  readonly porepId: Uint8Array;
};

/** A path in the fixtures' words. */
export function pathOf(path: MerklePath): FixturePath {
  return {
    leaf: toHex(path.leaf),
    root: toHex(path.root),
    path: path.steps.map(({ index, siblings }) => ({ index, hashes: siblings.map(toHex) })),
  };
}

function columnOf({ node, labels, path }: ColumnProof): FixtureColumn {
  return { column: { index: node, rows: labels.map(toHex) }, inclusion_proof: pathOf(path) };
}

/** A challenge's openings in the fixtures' words. */
export function vanillaOf(proof: PoRepChallengeProof, layers: number): FixtureVanilla {
  const labelling = Array.from({ length: layers }, (_, i) => ({
    parents: labelParents(proof, i + 1).map(toHex),
    layer_index: i + 1,
    node: proof.challenge,
  }));
  return {
    comm_d_proofs: pathOf(proof.data),
    comm_r_last_proof: pathOf(proof.replica),
    replica_column_proofs: {
      c_x: columnOf(proof.column),
      drg_parents: proof.baseParents.map(columnOf),
      exp_parents: proof.expanderParents.map(columnOf),
    },
    labeling_proofs: labelling,
    encoding_proof: labelling.at(-1)!,
  };
}

/** What the fixture says of a sector, as arguments of our functions. */
export function caseOf(sector: FixtureSector): Case {
  const number = fromHex(sector.poRepId)[0] as number;
  const proof: SealProof = {
    number,
    sectorBytes: sector.sectorSize,
    legacy: sector.apiVersion === "1.0.0",
    feature: number >= 15 ? "non-interactive" : number >= 10 ? "synthetic" : "interactive",
  };
  return {
    identity: {
      proof,
      proverId: fromHex(sector.proverId),
      sectorNumber: sector.sectorNumber,
      ticket: fromHex(sector.ticket),
    },
    params: { ...sectorParams(sector.sectorSize), layers: sector.layerCount },
    porepId: fromHex(sector.poRepId),
  };
}

/** Stages and seals prng data: piece i is `prng(dataSeed + i, unpadded)`. */
export async function sealAgain(
  proofs: Proofs,
  { identity, ...options }: Case,
  dataSeed: number,
  unpadded: readonly number[],
): Promise<{ store: MemorySectorStore; sealed: SealedSector }> {
  const store = new MemorySectorStore();
  await stagePieces(
    proofs,
    store,
    options.params,
    unpadded.map((payloadSize, i) => ({ payloadSize, bytes: [prng(dataSeed + i, payloadSize)] })),
  );
  return { store, sealed: await sealSector(proofs, store, identity, options) };
}
