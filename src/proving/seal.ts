/**
 * Sealing and proving sectors in directories, over a pool.
 *
 * Labels are one chain of hashes and stay with one worker; the windows of tree C and of the replica are independent and
 * go to all. A job that dies is run again: each writes the same bytes to the same places. Sealing a directory again whose
 * sealing was interrupted takes up sectors above 512 MiB behind their last complete layer.
 */
import { isFilError } from "../base/errors.ts";
import { checkNames, type OptionNames } from "../base/options.ts";
import type { Proofs } from "../core/proofs.ts";
import { porepPartitions } from "../sector/challenges.ts";
import { porepId, SectorError, type SectorParams, sectorParams } from "../sector/params.ts";
import {
  faultySectors,
  type PoStKind,
  type PoStPartitionProof,
  type PublicSector,
  partitionSectors,
  postChallenges,
  provedSectors,
  proveSectorPoSt,
  type SectorPoSt,
} from "../sector/post/post-proof.ts";
import type { PoRepPartitionProof } from "../sector/seal/porep-proof.ts";
import { finishSeal, MAX_SEALED_BYTES, type SealedSector, type SectorIdentity } from "../sector/seal/seal.ts";
import { type SectorStore, updateStore } from "../sector/store.ts";
import {
  closeTree,
  type TreeShape,
  treeCShape,
  treeRLastShape,
  type WindowRange,
  windowCount,
} from "../sector/tree.ts";
import { directoryStore } from "./directory-store.ts";
import type { TreeWindowsJob } from "./jobs.ts";
import { keepParents } from "./parents.ts";
import { type ProvingOptions, runRanges } from "./ranges.ts";
import type { Scheduler } from "./scheduler.ts";

export type SealDirectoryOptions = ProvingOptions & {
  /** A directory in which tables of parents are kept for the next sector; made on first use. Without, none is kept. */
  readonly parents?: string;
};

const OPTIONS: OptionNames<SealDirectoryOptions> = { signal: true, onProgress: true, parents: true };

/** Seals the staged data in `directory`. */
export async function sealDirectory(
  proofs: Proofs,
  pool: Scheduler,
  directory: string,
  identity: SectorIdentity,
  options: SealDirectoryOptions = {},
): Promise<SealedSector> {
  checkNames("sealDirectory", options, OPTIONS);
  const layers = await labelDirectory(proofs, pool, directory, identity, options);
  return encodeDirectory(proofs, pool, directory, { identity, ...layers }, options);
}

/** What labelling results in. */
export type Labelled = { readonly commD: Uint8Array; readonly replicaId: Uint8Array };

/** The first half of sealing: tree D and the labels of all layers. */
export async function labelDirectory(
  proofs: Proofs,
  pool: Scheduler,
  directory: string,
  identity: SectorIdentity,
  options: SealDirectoryOptions = {},
): Promise<Labelled> {
  const { proof } = identity;
  const params = sectorParams(proof.sectorBytes);
  // Paged labels find their parents in another order, and keep no table.
  const parents = params.sectorBytes > MAX_SEALED_BYTES ? undefined : options.parents;
  if (parents !== undefined) {
    const graph = { nodes: params.nodes, porepId: porepId(proof), legacy: proof.legacy };
    await keepParents(proofs, pool, parents, graph, options);
  }
  const layers = { kind: "seal-layers", directory, identity, ...(parents === undefined ? {} : { parents }) } as const;
  return pool.run(layers, options);
}

/** The second half: tree C, the replica and tree R-last, from the layers' files. */
export async function encodeDirectory(
  proofs: Proofs,
  pool: Scheduler,
  directory: string,
  { identity, commD, replicaId }: Labelled & { readonly identity: SectorIdentity },
  options: ProvingOptions = {},
): Promise<SealedSector> {
  const params = sectorParams(identity.proof.sectorBytes);
  const store = directoryStore(directory);
  const tree = async (kind: TreeWindowsJob["kind"], shape: TreeShape): Promise<Uint8Array> =>
    closeTree(proofs, shape, store, await runWindows(pool, kind, directory, params, shape, options));
  const commC = await tree("tree-c-windows", treeCShape(params));
  const commRLast = await tree("replica-windows", treeRLastShape(params));
  return finishSeal(proofs, store, { replicaId, commD, commC, commRLast });
}

async function runWindows(
  pool: Scheduler,
  kind: TreeWindowsJob["kind"],
  directory: string,
  params: SectorParams,
  shape: TreeShape,
  options: ProvingOptions,
): Promise<Uint8Array[]> {
  const job = (range: WindowRange) => ({ kind, directory, sectorBytes: params.sectorBytes, range });
  return runRanges(pool, windowCount(shape), job, options);
}

/** A sealed sector in a directory, and the seed that its PoRep answers. */
export type PoRepDirectoryRequest = ProvingOptions & {
  readonly directory: string;
  readonly identity: SectorIdentity;
  readonly sealed: SealedSector;
  readonly seed: Uint8Array;
};

/** All partitions of a vanilla PoRep proof. */
export function provePoRepDirectory(
  pool: Scheduler,
  { directory, identity, sealed, seed, signal, onProgress }: PoRepDirectoryRequest,
): Promise<PoRepPartitionProof[]> {
  const total = porepPartitions(sectorParams(identity.proof.sectorBytes), identity.proof.feature);
  let done = 0;
  function* jobs() {
    for (let partition = 0; partition < total; partition++) {
      yield { kind: "prove-porep", directory, identity, sealed, seed, partition } as const;
      onProgress?.({ phase: "prove", done: ++done, total });
    }
  }
  return pool.runAll(jobs(), signal === undefined ? {} : { signal });
}

/** A sector of a PoSt and where its files are: in a directory, for jobs, or anywhere else, for this thread. */
export type PlacedSector = PublicSector &
  (
    | {
        readonly directory: string;
        /** Whether the replica is the one of its update, which lies there beside the first. */
        readonly isUpdate?: boolean;
      }
    | { readonly store: SectorStore }
  );

/** The sectors of a PoSt, all of one size, and 32 bytes of chain randomness. */
export type PoStDirectoriesRequest = ProvingOptions & {
  readonly sectorBytes: number;
  readonly kind: PoStKind;
  readonly randomness: Uint8Array;
  readonly sectors: readonly PlacedSector[];
};

/**
 * All partitions of a PoSt over sectors in directories (see `provedSectors`), sectors in parallel. Throws `FAULTY_SECTORS`
 * with the numbers of all sectors that could not be proved. What ends in no verdict, because workers died, is tried in this thread.
 */
export async function provePoStDirectories(
  proofs: Proofs,
  pool: Scheduler,
  { sectorBytes, kind, randomness, sectors, ...options }: PoStDirectoriesRequest,
): Promise<PoStPartitionProof[]> {
  const params = sectorParams(sectorBytes);
  if (kind === "winning" ? sectors.length !== 1 : sectors.length === 0)
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "sectors", value: sectors.length },
      `a ${kind} PoSt of ${sectors.length} sectors`,
    );
  const ordered = provedSectors(kind, sectors);
  const faults: number[] = [];
  let first: Error | null = null;
  let done = 0;
  const opened = async (placed: PlacedSector, challenges: readonly number[]): Promise<SectorPoSt> => {
    const { sectorNumber, commR } = placed;
    const here = (store: SectorStore): Promise<SectorPoSt> =>
      proveSectorPoSt(proofs, params, { sectorNumber, commR, store }, challenges);
    if (!("directory" in placed)) return here(placed.store);
    const { directory, isUpdate = false } = placed;
    const sector = { sectorNumber, commR };
    try {
      return await pool.run({ kind: "prove-post", directory, isUpdate, sectorBytes, sector, challenges }, options);
    } catch (error) {
      if (!isFilError(error, "WORKER_LOST")) throw error;
      const store = directoryStore(directory);
      return here(isUpdate ? updateStore(store) : store);
    }
  };
  const one = async (placed: PlacedSector, place: number): Promise<SectorPoSt | null> => {
    const { sectorNumber } = placed;
    const challenges = postChallenges(proofs, { params, kind, randomness, sectorNumber, place });
    try {
      return await opened(placed, challenges);
    } catch (error) {
      if (!isFilError(error, "FAULTY_SECTORS")) throw error;
      faults.push(Number(sectorNumber));
      first ??= error;
      return null;
    } finally {
      options.onProgress?.({ phase: "prove", done: ++done, total: ordered.length });
    }
  };
  const proved: SectorPoSt[] = [];
  for (let at = 0; at < ordered.length; at += 2 * pool.size) {
    const batch = await Promise.all(ordered.slice(at, at + 2 * pool.size).map((sector, i) => one(sector, at + i)));
    for (const proof of batch) if (proof !== null) proved.push(proof);
  }
  if (first !== null) throw faultySectors(faults, first);
  const size = partitionSectors(params, kind);
  const partitions: SectorPoSt[][] = [];
  for (let at = 0; at < proved.length; at += size) {
    const partition = proved.slice(at, at + size);
    while (partition.length < size) partition.push(partition.at(-1) as SectorPoSt);
    partitions.push(partition);
  }
  return partitions;
}
