/**
 * What sealing a sector will cost on this machine: a fraction of a second of each kind of work is timed, and multiplied.
 *
 * Times are those of one thread that has a core to itself; files and a busy machine come on top. The shares of paging
 * are measured ratios, see docs/performance.md (Sealing).
 */
import type { Proofs } from "../core/proofs.ts";
import { NODE_BYTES, PARENTS_BYTES, type SectorParams } from "../sector/params.ts";
import { planPaging, scratchBytes } from "../sector/seal/paging-plan.ts";
import { MAX_SEALED_BYTES } from "../sector/seal/seal.ts";

export type SealEstimate = {
  /** Seconds: tree D and labels by one thread, trees C and R-last by `workers`. */
  readonly labelSeconds: number;
  readonly treeSeconds: number;
  /** Most bytes that the sector's directory holds at a time, and bytes that are left. */
  readonly peakBytes: number;
  readonly keptBytes: number;
};

/** What is timed at once: little, so that some round is not disturbed by what else the machine does. */
const LABELS = 1024;
const HASHES = 64;
const ROUNDS = 30;
/** Time of a paged label at 32 GiB, all its carrying included, by that of a label whose parents lie in the cache. */
const PAGED_LABEL = 2;

/** Estimates sealing with `workers` threads; takes less than a second. `clock` gives milliseconds. */
export function estimateSeal(
  proofs: Proofs,
  params: SectorParams,
  workers: number,
  clock: () => number = () => performance.now(),
): SealEstimate {
  const { nodes, layers, sectorBytes } = params;
  const second = rates(proofs, layers, clock);
  const paged = sectorBytes > MAX_SEALED_BYTES;
  // A tree of arity 8 has a seventh as many inner nodes as leaves.
  const poseidon = nodes * (second.column + (2 / 7) * second.node8);
  const scratch = paged ? scratchBytes(planPaging(params)) : 0;
  // The data, tree D, the layers; then tree C and the replica, when scratch files are gone.
  const labelled = (3 + layers) * sectorBytes;
  const keptBytes = labelled + (1 + 8 / 7) * sectorBytes;
  return {
    labelSeconds: nodes * (layers * second.label * (paged ? PAGED_LABEL : 1) + second.node2),
    treeSeconds: poseidon / workers,
    peakBytes: Math.max(labelled + scratch, keptBytes),
    keptBytes,
  };
}

/** Seconds of one label, one column hash, one Poseidon and one SHA-256 node. */
function rates(proofs: Proofs, layers: number, clock: () => number) {
  const { exports } = proofs;
  const bytes = (LABELS + layers * HASHES) * NODE_BYTES + LABELS * PARENTS_BYTES;
  return proofs.with(bytes, (labels) => {
    const columns = labels + LABELS * NODE_BYTES;
    const parents = columns + layers * HASHES * NODE_BYTES;
    // All parents are node 0: what they are does not change the time of a hash.
    proofs.instance.wipe(labels, bytes);
    const timed = (count: number, work: () => void): number => {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < ROUNDS; round++) {
        const start = clock();
        work();
        best = Math.min(best, clock() - start);
      }
      return best / 1000 / count;
    };
    return {
      label: timed(LABELS, () => exports.labelRange(labels, 2, labels, labels, parents, 0, 1n, LABELS)),
      column: timed(HASHES, () => exports.columnRange(columns, HASHES * NODE_BYTES, layers, HASHES, labels)),
      node8: timed(HASHES, () => exports.poseidonLevel(8, labels, columns, HASHES)),
      node2: timed(LABELS / 2, () => exports.hashLevel(labels, labels, LABELS / 2)),
    };
  });
}
