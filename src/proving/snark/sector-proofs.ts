/**
 * SNARKs of sectors: the partitions of a vanilla proof, each proved in its circuit; 192 bytes a partition, one after the
 * other, as the chain takes them.
 */
import { concat } from "../../base/bytes.ts";
import { checkNames, type OptionNames } from "../../base/options.ts";
import type { Proofs } from "../../core/proofs.ts";
import { type SealProof, SectorError, sectorParams, sectorSizeText } from "../../sector/params.ts";
import {
  type PoStKind,
  type PoStPartitionProof,
  type PublicSector,
  partitionSectors,
  provedSectors,
} from "../../sector/post/post-proof.ts";
import type { PoRepPartitionProof } from "../../sector/seal/porep-proof.ts";
import { type PoRepCommitments, porepWitness, postWitness, updateWitness } from "../../sector/snark/witness.ts";
import type { UpdatePartitionProof, UpdateStatement } from "../../sector/update/update.ts";
import type { Scheduler } from "../scheduler.ts";
import { SnarkError } from "./kernel.ts";
import { proveOpenings } from "./official.ts";
import type { ParamsFile } from "./params-file.ts";
import type { ProveOptions } from "./prove.ts";

/** Name of the circuit that proves a kind of proof of sectors of a size; keys are named after it. */
function circuitName(kind: "porep" | "update" | PoStKind, sectorBytes: number): string {
  return `${kind === "window-legacy" ? "window" : kind}-${sectorBytes}`;
}

const OPTIONS: OptionNames<ProveOptions> = {
  ...{ signal: true, onProgress: true, blinding: true, memoryBytes: true },
  ...{ scratch: true, windowPoints: true, rowName: true },
};

async function provePartitions(
  proofs: Proofs,
  scheduler: Scheduler,
  { circuit, params, openings }: { circuit: string; params: ParamsFile; openings: readonly Uint8Array[] },
  options: ProveOptions,
): Promise<Uint8Array> {
  checkNames("snarkPoRep, snarkPoSt and snarkUpdate", options, OPTIONS);
  const made: Uint8Array[] = [];
  // One after the other: each takes all workers, and its vectors the memory.
  for (const one of openings)
    made.push(
      await proveOpenings(proofs, scheduler, { circuit, params, openings: one }, options).catch((error: unknown) => {
        if (!(error instanceof SnarkError) || error.data.code !== "WRONG_KEY") throw error;
        const [kind, bytes] = circuit.split("-");
        const needed = `${kind}-${sectorSizeText(Number(bytes))}`;
        throw new SnarkError(error.data, `${error.message}; that of ${needed} is needed`);
      }),
    );
  return concat(...made);
}

/** All partitions of a vanilla PoRep proof, and what they prove. */
export type PoRepSnarkRequest = {
  readonly proof: SealProof;
  readonly sealed: PoRepCommitments;
  readonly partitions: readonly PoRepPartitionProof[];
  readonly params: ParamsFile;
};

/**
 * The SNARK of a PoRep. A non-interactive one is an aggregate, which is not made here: `OUT_OF_RANGE`. Other errors: those of
 * `proveOpenings`.
 */
export async function snarkPoRep(
  proofs: Proofs,
  scheduler: Scheduler,
  { proof, sealed, partitions, params }: PoRepSnarkRequest,
  options: ProveOptions = {},
): Promise<Uint8Array> {
  if (proof.feature === "non-interactive")
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "seal proof", value: proof.number },
      "a non-interactive PoRep is an aggregate of SNARKs; aggregates cannot be made here",
    );
  const openings = partitions.map((partition) => porepWitness(sealed, partition));
  return provePartitions(
    proofs,
    scheduler,
    { circuit: circuitName("porep", proof.sectorBytes), params, openings },
    options,
  );
}

/** All partitions of a vanilla PoSt, and the sectors they prove. */
export type PoStSnarkRequest = {
  readonly sectorBytes: number;
  readonly kind: PoStKind;
  readonly sectors: readonly PublicSector[];
  readonly partitions: readonly PoStPartitionProof[];
  readonly params: ParamsFile;
};

/** The SNARK of a PoSt. Errors: those of `proveOpenings`. */
export async function snarkPoSt(
  proofs: Proofs,
  scheduler: Scheduler,
  { sectorBytes, kind, sectors, partitions, params }: PoStSnarkRequest,
  options: ProveOptions = {},
): Promise<Uint8Array> {
  const size = partitionSectors(sectorParams(sectorBytes), kind);
  const proved = provedSectors(kind, sectors);
  const openings = partitions.map((partition, k) => {
    const publics = partition.map((_, i) => proved[Math.min(k * size + i, proved.length - 1)] as PublicSector);
    return postWitness(kind, partition, publics);
  });
  return provePartitions(proofs, scheduler, { circuit: circuitName(kind, sectorBytes), params, openings }, options);
}

/** All partitions of a vanilla proof of an update, and what they prove, of a sector of these bytes. */
export type UpdateSnarkRequest = {
  readonly sectorBytes: number;
  readonly statement: UpdateStatement;
  readonly partitions: readonly UpdatePartitionProof[];
  readonly params: ParamsFile;
};

/** The SNARK of a sector update. Errors: `OUT_OF_RANGE` for a partition that there is not, those of `proveOpenings`. */
export async function snarkUpdate(
  proofs: Proofs,
  scheduler: Scheduler,
  { sectorBytes, statement, partitions, params }: UpdateSnarkRequest,
  options: ProveOptions = {},
): Promise<Uint8Array> {
  const sector = sectorParams(sectorBytes);
  const openings = partitions.map((partition, index) => updateWitness(sector, statement, index, partition));
  return provePartitions(proofs, scheduler, { circuit: circuitName("update", sectorBytes), params, openings }, options);
}
