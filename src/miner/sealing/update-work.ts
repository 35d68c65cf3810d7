/**
 * The work on a sector's update: its new data becomes a second replica that lies beside the first, in files of their own, so that the sector
 * can be proven by either of them. Each step can be done again from its beginning and comes to the same bytes.
 */
import { equal } from "../../base/bytes.ts";
import type { Proofs } from "../../core/proofs.ts";
import type { PriorityScheduler } from "../../proving/priorities.ts";
import { type SealProof, sectorParams } from "../../sector/params.ts";
import { layerFile, SEALED_FILE, TREE_D_FILE, UNSEALED_FILE, updateStore } from "../../sector/store.ts";
import {
  proveUpdate,
  type UpdatedSector,
  type UpdatePartitionProof,
  type UpdateStatement,
  updateParams,
  updateSector,
  verifyUpdate,
} from "../../sector/update/update.ts";
import type { SectorFiles } from "../folders/folder.ts";
import { StepFailure } from "./errors.ts";
import { filesFail, replicaFiles, treesOf } from "./work.ts";

/** A vanilla proof of an update that holds, and what it proves. */
export type ProvedUpdate = {
  /** Registered seal proof of the sector. */
  readonly sealProof: number;
  readonly statement: UpdateStatement;
  readonly partitions: readonly UpdatePartitionProof[];
  readonly signal: AbortSignal;
};

/** Makes what goes on chain of a vanilla proof: a SNARK, or what stands for it. */
export type ProofOfUpdate = (proved: ProvedUpdate) => Promise<Uint8Array>;

/** Files that an update's data and replica are in, among the others of its sector. */
export function updateFiles({ store }: Pick<SectorFiles, "store">): SectorFiles {
  // Jobs on directories know no other names than the usual: packing and staging are done here.
  return { store: updateStore(store), directory: null };
}

export class UpdateWork {
  private readonly proofs: Proofs;
  private readonly jobs: PriorityScheduler;
  private readonly succinct: ProofOfUpdate;

  constructor(proofs: Proofs, jobs: PriorityScheduler, succinct: ProofOfUpdate) {
    this.proofs = proofs;
    this.jobs = jobs;
    this.succinct = succinct;
  }

  /** Bytes that a sector's directory holds at most while it is updated: of each replica itself and tree R-last, of the new one data and tree D. */
  updateBytes(sectorBytes: number): number {
    return Math.ceil((2 * (1 + 1 / 7) + 3) * sectorBytes);
  }

  /** The new replica. Throws `StepFailure` FILES. */
  async update(
    { store, directory }: SectorFiles,
    sectorBytes: number,
    { commROld, commDNew }: Pick<UpdateStatement, "commROld" | "commDNew">,
    signal: AbortSignal,
  ): Promise<UpdatedSector> {
    const stores = { params: sectorParams(sectorBytes), old: store, next: updateStore(store) };
    const made = await filesFail(() =>
      directory === null
        ? updateSector(this.proofs, { ...stores, commROld })
        : this.jobs.at("seal").run({ kind: "update-replica", directory, sectorBytes, commROld }, { signal }),
    );
    if (!equal(made.commDNew, commDNew))
      throw new StepFailure({ code: "FILES" }, "the data is not what its pieces say: its CommD is another");
    return made;
  }

  /** The vanilla proof, which is verified, and the proof for the chain. Throws `StepFailure` FILES, PROOF. */
  async prove(
    { store, directory }: SectorFiles,
    proof: SealProof,
    statement: UpdateStatement,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { sectorBytes } = proof;
    const params = sectorParams(sectorBytes);
    const { commRNew } = statement;
    const partitions: UpdatePartitionProof[] = [];
    await filesFail(async () => {
      for (let partition = 0; partition < updateParams(params).partitions; partition++)
        partitions.push(
          directory === null
            ? await proveUpdate(this.proofs, { params, old: store, next: updateStore(store), commRNew, partition })
            : await this.jobs
                .at("commit")
                .run({ kind: "prove-update", directory, sectorBytes, commRNew, partition }, { signal }),
        );
    });
    if (!verifyUpdate(this.proofs, params, statement, partitions))
      throw new StepFailure({ code: "PROOF" }, "the files do not prove the update: a replica or the data was changed");
    return this.succinct({ sealProof: proof.number, statement, partitions, signal });
  }

  /** Lets go of what only the update needed, and of the replica before it; the commitments beside that one stay: files are known by them. */
  async finalize({ store }: SectorFiles, sectorBytes: number, keepUnsealed: boolean): Promise<void> {
    const next = updateStore(store);
    for (const name of keepUnsealed ? [TREE_D_FILE] : [TREE_D_FILE, UNSEALED_FILE]) await next.remove(name);
    const { layers } = sectorParams(sectorBytes);
    for (const name of [SEALED_FILE, ...treesOf("r-last", sectorBytes), UNSEALED_FILE, layerFile(layers)])
      await store.remove(name);
  }

  /** Removes all that an update has made; the replica before it is as it was. */
  async abort({ store }: SectorFiles, sectorBytes: number): Promise<void> {
    const next = updateStore(store);
    for (const name of replicaFiles(sectorBytes)) await next.remove(name);
  }
}
