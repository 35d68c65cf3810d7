/**
 * A proof as one value that can be handed on, in DAG-CBOR: the kind of proof, the statement, and the vanilla openings by partition or a
 * SNARK. It holds all that a verifier needs, except a SNARK's verifying key; nothing of it is trusted.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { toHex } from "../base/bytes.ts";
import type { Proofs } from "../core/proofs.ts";
import { proverId, sealProof, sectorParams, sectorSizeText } from "./params.ts";
import { pieceCidV1, sealedCid } from "./piece/cid.ts";
import { type PoStKind, type PoStPartitionProof, type PublicSector, verifyPoSt } from "./post/post-proof.ts";
import { type PoRepPartitionProof, verifyPoRep } from "./seal/porep-proof.ts";
import { type ProofVerdict, readVerifyingKey, VerifyingKeyError } from "./snark/groth16.ts";
import { verifyPoStProof, verifySealProof } from "./snark/verify.ts";

/** What a PoRep is of. */
export type PoRepFile = {
  readonly kind: "porep";
  readonly sealProof: number;
  readonly actorId: bigint;
  readonly sectorNumber: bigint | number;
  readonly ticket: Uint8Array;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly seed: Uint8Array;
};

/** What a PoSt is of. */
export type PoStFile = {
  readonly kind: PoStKind;
  readonly sectorBytes: number;
  readonly randomness: Uint8Array;
  readonly sectors: readonly PublicSector[];
};

/** A statement with its vanilla openings by partition, or with the SNARK of all partitions. */
export type VanillaFile =
  | (PoRepFile & { readonly partitions: readonly PoRepPartitionProof[] })
  | (PoStFile & { readonly partitions: readonly PoStPartitionProof[] });
export type SnarkFile = (PoRepFile | PoStFile) & { readonly snark: Uint8Array };
export type ProofFile = VanillaFile | SnarkFile;

export const encodeProof = (proof: ProofFile): Uint8Array => dagCbor.encode(proof);

/** A proof; its statement has the right types then, its openings are still anything. Null for bytes that are none. */
export function decodeProof(bytes: Uint8Array): ProofFile | null {
  try {
    const value = dagCbor.decode<unknown>(bytes);
    const proof = typeof value === "object" && value !== null ? (value as ProofFile) : null;
    return proof !== null && isStatement(proof) ? proof : null;
  } catch {
    return null;
  }
}

const isBytes = (value: unknown): boolean => value instanceof Uint8Array && value.length === 32;
const isNumber = (value: unknown): boolean =>
  typeof value === "bigint" ? value >= 0n && value < 1n << 64n : Number.isSafeInteger(value) && (value as number) >= 0;

function isStatement(proof: ProofFile): boolean {
  const isSnark = "snark" in proof && proof.snark instanceof Uint8Array;
  if (!isSnark && !("partitions" in proof && Array.isArray(proof.partitions))) return false;
  if (proof.kind === "porep") {
    const { sealProof: number, actorId, sectorNumber, ticket, commD, commR, seed } = proof;
    return [number, actorId, sectorNumber].every(isNumber) && [ticket, commD, commR, seed].every(isBytes);
  }
  if (!["winning", "window", "window-legacy"].includes(proof.kind)) return false;
  const { sectorBytes, randomness, sectors } = proof;
  if (!isNumber(sectorBytes) || !isBytes(randomness) || !Array.isArray(sectors)) return false;
  return sectors.every(({ sectorNumber, commR }) => isNumber(sectorNumber) && isBytes(commR));
}

/** Bytes at the head of a file of a key, by which its length is known. */
export const KEY_HEAD_BYTES = 868;
/** Most bytes of a verifying key: that of window PoSt at 32 GiB has 2.5 MB. */
const MOST_KEY_BYTES = 2 ** 24;

/** How many bytes of a file, which begins with `head`, are a verifying key; parameters begin with theirs. Null: none are. */
export function keyBytes(head: Uint8Array, size: number): number | null {
  if (head.length < KEY_HEAD_BYTES) return null;
  const points = new DataView(head.buffer, head.byteOffset).getUint32(KEY_HEAD_BYTES - 4);
  const length = KEY_HEAD_BYTES + 96 * points;
  return points === 0 || length > Math.min(size, MOST_KEY_BYTES) ? null : length;
}

export type ProofJudgement = {
  readonly holds: boolean;
  /** In words: "the proof holds", or why it does not. */
  readonly reason: string;
};

/**
 * Whether a proof holds for the statement that it carries; `key` are the bytes of the verifying key of a SNARK's circuit, `entropy` 32 bytes
 * that the prover could not know. Throws `VerifyingKeyError` for a key that cannot be read.
 */
export async function judgeProof(
  proofs: Proofs,
  proof: ProofFile,
  key: Uint8Array | null,
  entropy: Uint8Array,
): Promise<ProofJudgement> {
  try {
    if (!("snark" in proof)) {
      const holds = await checkVanilla(proofs, proof);
      return { holds, reason: holds ? "the proof holds" : "the proof does not hold" };
    }
    if (key === null)
      return { holds: false, reason: "the proof is a SNARK: the verifying key of its circuit is needed" };
    const verdict = await checkSnark(proofs, proof, key, entropy);
    const holds = verdict === "VALID";
    return {
      holds,
      reason: holds ? "the proof holds" : `the proof does not hold: ${VERDICT_WORDS[verdict]} (${verdict})`,
    };
  } catch (error) {
    if (error instanceof VerifyingKeyError) throw error;
    // What has the wrong shape fails wherever it is first touched; it is no proof.
    const reason = error instanceof Error ? error.message : String(error);
    return { holds: false, reason: `the proof is malformed: ${reason}` };
  }
}

/** Why a SNARK was refused, for people. */
const VERDICT_WORDS: Readonly<Record<ProofVerdict, string>> = {
  VALID: "it is valid",
  INVALID: "it is not of this statement and key, or was changed",
  BAD_PROOF_LENGTH: "it is cut, or longer than its partitions",
  BAD_PROOF_POINT: "a point of the proof is none of the curve's group: it was changed",
  BAD_INPUT_COUNT: "the key takes another number of inputs: it is another circuit's",
  BAD_INPUT: "a number of its statement is no field element",
  BAD_KEY_LENGTH: "the key is cut, or is none",
  BAD_KEY_POINT: "a point of the key is none of the curve's group",
  BAD_PROOF_COUNT: "its partitions are not as many as its sectors take",
};

async function checkVanilla(proofs: Proofs, proof: VanillaFile): Promise<boolean> {
  if (proof.kind === "porep") {
    const { sealProof: number, actorId, ...statement } = proof;
    const identity = { proof: sealProof(number), proverId: proverId(BigInt(actorId)) };
    return verifyPoRep(proofs, { ...statement, ...identity }, proof.partitions);
  }
  const { kind, sectorBytes, randomness, sectors, partitions } = proof;
  return verifyPoSt(proofs, { params: sectorParams(sectorBytes), kind, randomness, sectors }, partitions);
}

async function checkSnark(
  proofs: Proofs,
  proof: SnarkFile,
  bytes: Uint8Array,
  entropy: Uint8Array,
): Promise<ProofVerdict> {
  const key = readVerifyingKey(proofs, bytes);
  if (proof.kind === "porep") {
    const { sealProof: number, actorId, snark, ...statement } = proof;
    const identity = { proof: sealProof(number), proverId: proverId(BigInt(actorId)) };
    return verifySealProof(proofs, { key, statement: { ...statement, ...identity }, proof: snark, entropy });
  }
  const { kind, sectorBytes, randomness, sectors, snark } = proof;
  const params = sectorParams(sectorBytes);
  return verifyPoStProof(proofs, { key, params, kind, randomness, sectors, proof: snark, entropy });
}

/** A registered seal proof as the network calls it, with its number. Source: go-state-types abi/sector.go. */
function sealProofName(number: number): string {
  const { sectorBytes, legacy, feature } = sealProof(number);
  const kinds = {
    interactive: legacy ? "V1" : "V1_1",
    synthetic: "V1_1_Feat_SyntheticPoRep",
    "non-interactive": "V1_2_Feat_NonInteractivePoRep",
  };
  return `StackedDrg${sectorSizeText(sectorBytes)}${kinds[feature]} (${number})`;
}

/** Sectors of a proof that are told by number. */
const MOST_NAMED = 100;

/** What was proved, in lines for people; none if even that cannot be read. */
export function describeProof(proof: ProofFile): readonly string[] {
  try {
    if (proof.kind === "porep")
      return [
        `replication of sector ${proof.sectorNumber} of miner ${proof.actorId}, seal proof ${sealProofName(proof.sealProof)}`,
        `unsealed CID  ${pieceCidV1(proof.commD)}`,
        `sealed CID    ${sealedCid(proof.commR)}`,
        `seed          ${toHex(proof.seed)}`,
      ];
    const named = proof.sectors.slice(0, MOST_NAMED).map(({ sectorNumber }) => sectorNumber);
    const more = proof.sectors.length - named.length;
    const numbers = `${named.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
    return [`${proof.kind} proof of spacetime of sectors ${numbers}`, `randomness    ${toHex(proof.randomness)}`];
  } catch {
    return [];
  }
}
