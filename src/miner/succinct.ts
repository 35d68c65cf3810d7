/**
 * What a proof of spacetime or of a seal becomes on the way to the chain. The vanilla proof is made and checked in full
 * before; then comes what the network takes: the SNARK over it, or an attestation in its place.
 */
import type { Proofs } from "../core/proofs.ts";
import { updateProofType } from "../params/proving.ts";
import type { PriorityScheduler } from "../proving/priorities.ts";
import type { ParamsFile } from "../proving/snark/params-file.ts";
import { snarkPoRep, snarkPoSt } from "../proving/snark/sector-proofs.ts";
import type { Attestor } from "../sector/attest/attestation.ts";
import { porepPartitions } from "../sector/challenges.ts";
import { sectorParams } from "../sector/params.ts";
import { pieceCidV1, sealedCid } from "../sector/piece/cid.ts";
import type { PoStKind, PoStPartitionProof } from "../sector/post/post-proof.ts";
import type { CID } from "../types/cid.ts";
import type { ProofOfUpdate } from "./sealing/update-work.ts";
import type { ProofOfSeal } from "./sealing/work.ts";

/** A vanilla proof of spacetime that holds, and what it proves. */
export type ProvedPost = {
  readonly kind: PoStKind;
  /** Registered PoSt proof. */
  readonly type: number;
  /** Actor id. */
  readonly miner: bigint;
  readonly sectorBytes: number;
  /** 32 bytes as they were drawn. */
  readonly randomness: Uint8Array;
  readonly sectors: readonly { readonly number: number; readonly commR: Uint8Array; readonly sealedCid: CID }[];
  readonly partitions: readonly PoStPartitionProof[];
};

/** Both versions of the window PoSt have one circuit. */
function circuitOf(kind: PoStKind): "winning" | "window" {
  return kind === "winning" ? "winning" : "window";
}

/** Makes the bytes that go on chain. */
export type SuccinctPost = (proved: ProvedPost) => Promise<Uint8Array>;

/** A signature by a public key in place of the SNARK (`sector/attest`). */
export function attestedPost(attestor: Attestor): SuccinctPost {
  return async ({ kind, type, miner, randomness, sectors }) =>
    attestor.attestPost({
      ...{ kind: circuitOf(kind), type, miner, randomness },
      sectors: sectors.map(({ number, sealedCid }) => ({ number: BigInt(number), sealedCid })),
    });
}

/** The same for a seal, of a miner's actor id. */
export function attestedSeal(attestor: Attestor, miner: bigint): ProofOfSeal {
  return async ({ identity: { proof, sectorNumber, ticket }, sealed: { commD, commR }, seed }) => {
    const statement = {
      ...{ type: proof.number, miner, number: BigInt(sectorNumber), ticket, seed },
      sealedCid: sealedCid(commR),
      unsealedCid: pieceCidV1(commD),
    };
    return attestor.attestSeal(statement, porepPartitions(sectorParams(proof.sectorBytes), proof.feature));
  };
}

/** The same for an update of a sector. */
export function attestedUpdate(attestor: Attestor): ProofOfUpdate {
  return async ({ sealProof, statement: { commROld, commRNew, commDNew }, partitions }) => {
    const statement = {
      type: updateProofType(sealProof),
      oldSealedCid: sealedCid(commROld),
      newSealedCid: sealedCid(commRNew),
      newUnsealedCid: pieceCidV1(commDNew),
    };
    return attestor.attestUpdate(statement, partitions.length);
  };
}

/** Parameters of the PoSt circuits of one sector size. */
export type PostParams = { readonly [K in "winning" | "window"]: ParamsFile };

/** Groth16 proofs, made by the workers before any other work of theirs. The signal ends those that are being made. */
export function provedPost(
  proofs: Proofs,
  jobs: PriorityScheduler,
  params: PostParams,
  signal?: AbortSignal,
): SuccinctPost {
  return ({ kind, sectorBytes, sectors, partitions }) =>
    snarkPoSt(
      proofs,
      jobs.at(circuitOf(kind)),
      {
        sectorBytes,
        kind,
        sectors: sectors.map(({ number, commR }) => ({ sectorNumber: number, commR })),
        partitions,
        params: params[circuitOf(kind)],
      },
      signal === undefined ? {} : { signal },
    );
}

/** Groth16 proofs of seals, made by the workers when no proof of spacetime waits for them. */
export function provedSeal(
  proofs: Proofs,
  jobs: PriorityScheduler,
  params: ParamsFile,
  ending: AbortSignal,
): ProofOfSeal {
  return ({ identity: { proof }, sealed, partitions, signal }) =>
    snarkPoRep(
      proofs,
      jobs.at("commit"),
      { proof, sealed, partitions, params },
      { signal: AbortSignal.any([signal, ending]) },
    );
}
