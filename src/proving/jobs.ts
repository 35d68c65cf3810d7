/**
 * Jobs: work for one worker, described by data alone.
 *
 * A job is `{ kind, … }` with numbers, texts, byte arrays and sources of bytes, nothing else; it can be cloned into a
 * thread, kept and run again after a worker died, or written down and sent to another machine. Running a job depends on
 * nothing but the job. Results are data too.
 */
import type { PieceCommitment } from "../sector/piece/cid.ts";
import type { PublicSector, SectorPoSt } from "../sector/post/post-proof.ts";
import type { GraphKey } from "../sector/seal/parent-cache.ts";
import type { PoRepPartitionProof } from "../sector/seal/porep-proof.ts";
import type { SealedSector, SectorIdentity } from "../sector/seal/seal.ts";
import type { WindowRange } from "../sector/tree.ts";
import type { UpdatedSector, UpdatePartitionProof } from "../sector/update/update.ts";
import type { SnarkJobTable } from "./snark/jobs.ts";
import type { Source } from "./source.ts";

export { JobError, type JobErrorData, type OnProgress, type Progress, type Source } from "./source.ts";

/** Commits to one slice of a payload: the slice's own piece commitment. */
export type CommitSliceJob = { readonly kind: "commit-slice"; readonly source: Source };

/** A sector's files, in a directory of the machine that runs the job. */
export type SectorPlace = { readonly directory: string };

/** Seals a small sector whole: its padded data in, all its files out; nothing touches a disk. */
export type SealInMemoryJob = {
  readonly kind: "seal-in-memory";
  readonly identity: SectorIdentity;
  readonly unsealed: Uint8Array;
};

/** Some windows of a graph's table of parents, written to `directory`; results in their sums. */
export type ParentWindowsJob = {
  readonly kind: "parent-windows";
  readonly directory: string;
  readonly graph: GraphKey;
  readonly range: WindowRange;
};

/** The first half of sealing: tree D and all labels. `parents` is the directory of tables of parents, if there is one. */
export type SealLayersJob = SectorPlace & {
  readonly kind: "seal-layers";
  readonly identity: SectorIdentity;
  readonly parents?: string;
};

/** Some windows of tree C, or of the replica and tree R-last; results in the windows' roots. */
export type TreeWindowsJob = SectorPlace & {
  readonly kind: "tree-c-windows" | "replica-windows";
  readonly sectorBytes: number;
  readonly range: WindowRange;
};

/** Raw bytes of a sealed sector's data. */
export type UnsealJob = SectorPlace & {
  readonly kind: "unseal-range";
  readonly identity: SectorIdentity;
  readonly commD: Uint8Array;
  readonly from: number;
  readonly length: number;
  /** As in `SealLayersJob`; of use when the labels have to be computed again. */
  readonly parents?: string;
};

/** One partition of a vanilla PoRep proof. */
export type ProvePoRepJob = SectorPlace & {
  readonly kind: "prove-porep";
  readonly identity: SectorIdentity;
  readonly sealed: SealedSector;
  readonly seed: Uint8Array;
  readonly partition: number;
};

/** Puts new data into the replica of a sector of zeros: the new replica lies beside the old one, in the same directory. */
export type UpdateReplicaJob = SectorPlace & {
  readonly kind: "update-replica";
  readonly sectorBytes: number;
  readonly commROld: Uint8Array;
};

/** One partition of the vanilla proof of such an update. */
export type ProveUpdateJob = SectorPlace & {
  readonly kind: "prove-update";
  readonly sectorBytes: number;
  readonly commRNew: Uint8Array;
  readonly partition: number;
};

/** The openings of one sector in a PoSt; `isUpdate`: of the replica that an update has made of it. */
export type ProveSectorPoStJob = SectorPlace & {
  readonly kind: "prove-post";
  readonly isUpdate?: boolean;
  readonly sectorBytes: number;
  readonly sector: PublicSector;
  readonly challenges: readonly number[];
};

/** Every kind of job and what it results in. */
export type JobTable = {
  "commit-slice": { job: CommitSliceJob; result: PieceCommitment };
  "seal-in-memory": {
    job: SealInMemoryJob;
    result: { readonly sealed: SealedSector; readonly files: ReadonlyMap<string, Uint8Array> };
  };
  "parent-windows": { job: ParentWindowsJob; result: Uint8Array[] };
  "seal-layers": { job: SealLayersJob; result: { readonly commD: Uint8Array; readonly replicaId: Uint8Array } };
  "tree-c-windows": { job: TreeWindowsJob; result: Uint8Array[] };
  "replica-windows": { job: TreeWindowsJob; result: Uint8Array[] };
  "unseal-range": { job: UnsealJob; result: Uint8Array };
  "prove-porep": { job: ProvePoRepJob; result: PoRepPartitionProof };
  "update-replica": { job: UpdateReplicaJob; result: UpdatedSector };
  "prove-update": { job: ProveUpdateJob; result: UpdatePartitionProof };
  "prove-post": { job: ProveSectorPoStJob; result: SectorPoSt };
} & SnarkJobTable;

export type JobKind = keyof JobTable;
export type Job = JobTable[JobKind]["job"];
export type ResultOf<J extends { kind: JobKind }> = JobTable[J["kind"]]["result"];
