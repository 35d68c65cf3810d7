/**
 * Sealing and proving sectors in directories, over a pool.
 *
 * Labels are one chain of hashes and stay with one worker; the windows of tree C and of the replica are independent and
 * go to all. A job that dies is run again: each writes the same bytes to the same places.
 */

import { porepPartitions } from "../core/challenges.ts";
import type { PoRepPartitionProof } from "../core/porep-proof.ts";
import {
  type PoStKind,
  type PoStPartitionProof,
  type PublicSector,
  partitionSectors,
  postChallenges,
  type SectorPoSt,
} from "../core/post-proof.ts";
import type { Proofs } from "../core/proof-kernel.ts";
import { finishSeal, type SealedSector, type SectorIdentity, type WindowRange } from "../core/seal.ts";
import { SectorError, type SectorParams, sectorParams } from "../core/sector-params.ts";
import { closeTree, type TreeShape, treeCShape, treeRLastShape, windowCount } from "../core/sector-tree.ts";
import { directoryStore } from "./directory-store.ts";
import type { OnProgress, TreeWindowsJob } from "./jobs.ts";
import { type ProvingPool, RemoteError } from "./pool.ts";

export type ProvingOptions = { readonly signal?: AbortSignal; readonly onProgress?: OnProgress };

/** Windows that one job takes at most. */
const JOB_WINDOWS = 4;

/** Seals the staged data in `directory`. */
export async function sealDirectory(
  proofs: Proofs,
  pool: ProvingPool,
  directory: string,
  identity: SectorIdentity,
  options: ProvingOptions = {},
): Promise<SealedSector> {
  const params = sectorParams(identity.proof.sectorBytes);
  const store = directoryStore(directory);
  const { commD, replicaId } = await pool.run({ kind: "seal-layers", directory, identity }, options);
  const tree = async (kind: TreeWindowsJob["kind"], shape: TreeShape): Promise<Uint8Array> =>
    closeTree(proofs, shape, store, await runWindows(pool, kind, directory, params, shape, options));
  const commC = await tree("tree-c-windows", treeCShape(params));
  const commRLast = await tree("replica-windows", treeRLastShape(params));
  return finishSeal(proofs, store, { replicaId, commD, commC, commRLast });
}

async function runWindows(
  pool: ProvingPool,
  kind: TreeWindowsJob["kind"],
  directory: string,
  params: SectorParams,
  shape: TreeShape,
  { signal, onProgress }: ProvingOptions,
): Promise<Uint8Array[]> {
  const total = windowCount(shape);
  const share = Math.max(1, Math.min(JOB_WINDOWS, Math.floor(total / pool.size)));
  const ranges: WindowRange[] = [];
  for (let first = 0; first < total; first += share) ranges.push({ first, count: Math.min(share, total - first) });
  const done = ranges.map(() => 0);
  const roots = await pool.runAll(
    ranges.map((range) => ({ kind, directory, sectorBytes: params.sectorBytes, range })),
    {
      ...(signal === undefined ? {} : { signal }),
      onProgress: (index, progress) => {
        done[index] = progress.done;
        onProgress?.({ phase: progress.phase, done: done.reduce((sum, one) => sum + one, 0), total });
      },
    },
  );
  return roots.flat();
}

/** All partitions of a vanilla PoRep proof. */
export function provePoRepDirectory(
  pool: ProvingPool,
  directory: string,
  identity: SectorIdentity,
  sealed: SealedSector,
  seed: Uint8Array,
  { signal, onProgress }: ProvingOptions = {},
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

/** A sector of a PoSt and where its files are. */
export type PlacedSector = PublicSector & { readonly directory: string };

/**
 * All partitions of a PoSt over sectors in directories, sectors in parallel. Throws `FAULTY_SECTORS` with the numbers of
 * all sectors that could not be proved.
 */
export async function provePoStDirectories(
  proofs: Proofs,
  pool: ProvingPool,
  sectorBytes: number,
  kind: PoStKind,
  randomness: Uint8Array,
  sectors: readonly PlacedSector[],
  options: ProvingOptions = {},
): Promise<PoStPartitionProof[]> {
  const params = sectorParams(sectorBytes);
  if (kind === "winning" ? sectors.length !== 1 : sectors.length === 0)
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "sectors", value: sectors.length },
      `a ${kind} PoSt of ${sectors.length} sectors`,
    );
  const faults: number[] = [];
  let done = 0;
  const one = async ({ directory, sectorNumber, commR }: PlacedSector, place: number): Promise<SectorPoSt | null> => {
    const challenges = postChallenges(proofs, params, kind, randomness, sectorNumber, place);
    const sector = { sectorNumber, commR };
    try {
      return await pool.run({ kind: "prove-post", directory, sectorBytes, sector, challenges }, options);
    } catch (error) {
      if (!(error instanceof RemoteError) || error.data.code !== "FAULTY_SECTORS") throw error;
      faults.push(Number(sectorNumber));
      return null;
    } finally {
      options.onProgress?.({ phase: "prove", done: ++done, total: sectors.length });
    }
  };
  const proved: SectorPoSt[] = [];
  for (let at = 0; at < sectors.length; at += 2 * pool.size) {
    const batch = await Promise.all(sectors.slice(at, at + 2 * pool.size).map((sector, i) => one(sector, at + i)));
    for (const proof of batch) if (proof !== null) proved.push(proof);
  }
  if (faults.length > 0)
    throw new SectorError({ code: "FAULTY_SECTORS", sectors: faults }, `sectors ${faults.join(", ")} cannot be proved`);
  const size = partitionSectors(params, kind);
  const partitions: SectorPoSt[][] = [];
  for (let at = 0; at < proved.length; at += size) {
    const partition = proved.slice(at, at + size);
    while (partition.length < size) partition.push(partition.at(-1) as SectorPoSt);
    partitions.push(partition);
  }
  return partitions;
}
