/**
 * The work on a sector's files: each step can be done again from its beginning, whatever a killed process has left, and
 * comes to the same bytes. Sectors in folders are worked on by jobs, those in memory in this thread.
 */
import { equal } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import type { Proofs } from "../../core/proofs.ts";
import type { PriorityScheduler } from "../../proving/priorities.ts";
import { encodeDirectory, labelDirectory, provePoRepDirectory } from "../../proving/seal.ts";
import { porepPartitions } from "../../sector/challenges.ts";
import { sectorParams } from "../../sector/params.ts";
import { dataCommitment } from "../../sector/piece/pieces.ts";
import { type PoRepPartitionProof, provePoRep } from "../../sector/seal/porep-proof.ts";
import {
  buildTreeC,
  encodeReplica,
  finishSeal,
  replicaIdOf,
  type SectorIdentity,
  sealLayers,
} from "../../sector/seal/seal.ts";
import {
  layerFile,
  P_AUX_FILE,
  SEALED_FILE,
  type SectorStore,
  TREE_D_FILE,
  treeFile,
  UNSEALED_FILE,
} from "../../sector/store.ts";
import { baseTrees, treeCShape, treeRLastShape } from "../../sector/tree.ts";
import type { SectorFiles } from "../folders/folder.ts";
import { StepFailure } from "./errors.ts";
import type { SealedParts, SectorPiece } from "./record.ts";

/** A vanilla proof of replication that holds, and what it proves. */
export type ProvedSeal = {
  readonly identity: SectorIdentity;
  readonly sealed: SealedParts;
  /** 32 bytes that the chain drew. */
  readonly seed: Uint8Array;
  readonly partitions: readonly PoRepPartitionProof[];
  readonly signal: AbortSignal;
};

/** Makes what goes on chain of a vanilla proof: a SNARK, or what stands for it. */
export type ProofOfSeal = (proved: ProvedSeal) => Promise<Uint8Array>;

/** Bytes of zeros that are written at a time. */
const ZEROS = 1 << 20;

export class SealingWork {
  private readonly proofs: Proofs;
  private readonly jobs: PriorityScheduler;
  private readonly succinct: ProofOfSeal;

  constructor(proofs: Proofs, jobs: PriorityScheduler, succinct: ProofOfSeal) {
    this.proofs = proofs;
    this.jobs = jobs;
    this.succinct = succinct;
  }

  /** Bytes that a sector's directory holds at most while it is sealed: data, tree D, layers, tree C, replica, tree R-last. */
  sealingBytes(sectorBytes: number): number {
    const { layers } = sectorParams(sectorBytes);
    return Math.ceil((4 + layers + 8 / 7 + 1 / 7) * sectorBytes);
  }

  /** Makes zeros of all that is no piece, whatever was written there, and commits to the data. */
  async pack({ store }: SectorFiles, sectorBytes: number, pieces: readonly SectorPiece[]): Promise<Uint8Array> {
    const size = (await store.size(UNSEALED_FILE)) ?? 0;
    if (size > sectorBytes) throw new StepFailure({ code: "FILES" }, `the data has ${size} bytes of ${sectorBytes}`);
    let end = 0;
    for (const { offset, paddedSize } of [...pieces, { offset: sectorBytes, paddedSize: 0 }]) {
      // What a piece has left that broke off; beyond the end of the file there is nothing.
      for (const until = Math.min(offset, size); end < until; end += ZEROS)
        await store.write(UNSEALED_FILE, end, new Uint8Array(Math.min(ZEROS, until - end)));
      end = offset + paddedSize;
    }
    // Growing a file to its end makes what is between zeros.
    if (size < sectorBytes) await store.write(UNSEALED_FILE, sectorBytes - 1, new Uint8Array(1));
    return dataCommitment(this.proofs, sectorBytes, pieces);
  }

  /** Removes what sealing with another ticket has left. */
  async clean({ store }: SectorFiles, sectorBytes: number): Promise<void> {
    for (const name of sealedFiles(sectorBytes)) await store.remove(name);
  }

  replicaId(identity: SectorIdentity, commD: Uint8Array): Uint8Array {
    return replicaIdOf(this.proofs, identity, commD);
  }

  /** Tree D and labels. Throws `StepFailure` FILES. */
  async label(files: SectorFiles, identity: SectorIdentity, commD: Uint8Array, signal: AbortSignal): Promise<void> {
    const { store, directory } = files;
    const made = await filesFail(() =>
      directory === null
        ? sealLayers(this.proofs, store, identity)
        : labelDirectory(this.proofs, this.jobs.at("seal"), directory, identity, { signal }),
    );
    if (!equal(made.commD, commD))
      throw new StepFailure({ code: "FILES" }, "the data is not what its pieces say: its CommD is another");
  }

  encode(
    files: SectorFiles,
    identity: SectorIdentity,
    { replicaId, commD }: Pick<SealedParts, "replicaId" | "commD">,
    signal: AbortSignal,
  ): Promise<SealedParts> {
    const { store, directory } = files;
    const { proofs } = this;
    return filesFail(async () => {
      if (directory !== null)
        return encodeDirectory(proofs, this.jobs.at("seal"), directory, { identity, replicaId, commD }, { signal });
      const params = sectorParams(identity.proof.sectorBytes);
      const commC = await buildTreeC(proofs, store, params);
      const commRLast = await encodeReplica(proofs, store, params);
      return finishSeal(proofs, store, { replicaId, commD, commC, commRLast });
    });
  }

  /** The vanilla proof, which is verified as it is made, and the proof for the chain. */
  async prove(
    files: SectorFiles,
    identity: SectorIdentity,
    sealed: SealedParts,
    seed: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { store, directory } = files;
    const partitions: PoRepPartitionProof[] = [];
    try {
      if (directory === null) {
        const { proof } = identity;
        const count = porepPartitions(sectorParams(proof.sectorBytes), proof.feature);
        for (let partition = 0; partition < count; partition++)
          partitions.push(await provePoRep(this.proofs, store, { identity, sealed, seed, partition }));
      } else {
        const request = { directory, identity, sealed, seed, signal };
        partitions.push(...(await provePoRepDirectory(this.jobs.at("commit"), request)));
      }
    } catch (error) {
      signal.throwIfAborted();
      throw isSectorsOwn(error)
        ? new StepFailure({ code: "PROOF" }, (error as Error).message, { cause: error })
        : error;
    }
    return this.succinct({ identity, sealed, seed, partitions, signal });
  }

  /** Lets go of what only sealing needed. */
  async finalize({ store }: SectorFiles, sectorBytes: number, keepUnsealed: boolean): Promise<void> {
    await finalizeSector(store, sectorBytes, keepUnsealed);
  }
}

/** Lets go of what only sealing needed of a sector's files: layers, trees C and D, and the unsealed copy unless it is kept. */
export async function finalizeSector(store: SectorStore, sectorBytes: number, keepUnsealed = false): Promise<void> {
  const { layers } = sectorParams(sectorBytes);
  const trees = treesOf("c", sectorBytes);
  const gone = [...trees, TREE_D_FILE, ...Array.from({ length: layers }, (_, i) => layerFile(i + 1))];
  for (const name of keepUnsealed ? gone : [...gone, UNSEALED_FILE]) await store.remove(name);
}

export function treesOf(tree: "c" | "r-last", sectorBytes: number): string[] {
  const params = sectorParams(sectorBytes);
  const count = baseTrees(tree === "c" ? treeCShape(params) : treeRLastShape(params));
  return Array.from({ length: count }, (_, i) => treeFile(tree, i, count));
}

/** All files that a replica may have that is proven by them, and its data. */
export function replicaFiles(sectorBytes: number): string[] {
  return [UNSEALED_FILE, TREE_D_FILE, SEALED_FILE, P_AUX_FILE, ...treesOf("r-last", sectorBytes)];
}

function sealedFiles(sectorBytes: number): string[] {
  const { layers } = sectorParams(sectorBytes);
  return [
    ...Array.from({ length: layers }, (_, i) => layerFile(i + 1)),
    ...treesOf("c", sectorBytes),
    ...treesOf("r-last", sectorBytes),
    SEALED_FILE,
    P_AUX_FILE,
    TREE_D_FILE,
  ];
}

/** Whether an error is about the sector's own files, which trying again changes nothing about. */
function isSectorsOwn(error: unknown): boolean {
  return ["MISSING_FILE", "NOT_A_FILE", "BAD_LENGTH", "NOT_CANONICAL", "FAULTY_SECTORS", "BAD_ELEMENT"].some((code) =>
    isFilError(error, code),
  );
}

export async function filesFail<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isSectorsOwn(error)) throw error;
    throw new StepFailure({ code: "FILES" }, (error as Error).message, { cause: error });
  }
}
