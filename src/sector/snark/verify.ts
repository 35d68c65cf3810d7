/**
 * Verifying the network's SNARKs: a statement about sectors, a verifying key, and the proof's bytes.
 *
 * Each function derives the public inputs and checks all partitions in one batch, as the network's verifiers do. Keys are
 * the caller's to choose (one for each circuit: see `readVerifyingKey`); a key of another circuit answers
 * `BAD_INPUT_COUNT`. `entropy`: 32 bytes that the prover could not know.
 */
import type { Proofs } from "../../core/proofs.ts";
import { SectorError, type SectorParams } from "../params.ts";
import type { PoStKind, PublicSector } from "../post/post-proof.ts";
import type { PoRepOptions, PoRepStatement } from "../seal/porep-proof.ts";
import { type UpdateStatement, updateParams } from "../update/update.ts";
import type { ProofVerdict, VerifyingKey } from "./groth16.ts";
import { porepAggregateInclude, porepInputs, postInputs, updateAggregateInclude, updateInputs } from "./statement.ts";

/**
 * Verifies a PoRep ("seal") proof: 192 bytes for each partition. A non-interactive proof is always an aggregate, also that
 * of one sector: `verifySealAggregate` takes it, here it is `BAD_PROOF_LENGTH`.
 */
export async function verifySealProof(
  proofs: Proofs,
  key: VerifyingKey,
  statement: PoRepStatement,
  proof: Uint8Array,
  entropy: Uint8Array,
  options: PoRepOptions = {},
): Promise<ProofVerdict> {
  if (statement.proof.feature === "non-interactive") return "BAD_PROOF_LENGTH";
  return key.verifyBatch(proof, await porepInputs(proofs, statement, options), entropy);
}

/** Verifies a WinningPoSt or WindowPoSt proof over the sectors; a WindowPoSt takes them as `provedSectors` does. */
export function verifyPoStProof(
  proofs: Proofs,
  key: VerifyingKey,
  params: SectorParams,
  kind: PoStKind,
  randomness: Uint8Array,
  sectors: readonly PublicSector[],
  proof: Uint8Array,
  entropy: Uint8Array,
): ProofVerdict {
  return key.verifyBatch(proof, postInputs(proofs, params, kind, randomness, sectors), entropy);
}

/** Verifies a sector update's proof. */
export function verifyUpdateProof(
  key: VerifyingKey,
  params: SectorParams,
  statement: UpdateStatement,
  proof: Uint8Array,
  entropy: Uint8Array,
): ProofVerdict {
  return key.verifyBatch(proof, updateInputs(params, statement), entropy);
}

/** What an aggregate is checked with besides its statements. */
export type AggregateContext = {
  /** Verifying part of the reference string, 432 bytes. */
  readonly srs: Uint8Array;
  /** Transcript version; non-interactive PoRep and updates always use 2, and any other is refused as `INVALID`. */
  readonly version: 1 | 2;
  readonly entropy: Uint8Array;
};

/**
 * Verifies an aggregate of the PoRep proofs of several sectors (of one seal proof type), in order; their partitions follow
 * each other and the last is repeated to a power of two. Throws `MIXED_PROOFS` for sectors of different types.
 */
export async function verifySealAggregate(
  proofs: Proofs,
  key: VerifyingKey,
  statements: readonly PoRepStatement[],
  aggregate: Uint8Array,
  context: AggregateContext,
  options: PoRepOptions = {},
): Promise<ProofVerdict> {
  const first = statements[0]?.proof.number;
  const other = statements.find(({ proof }) => proof.number !== first);
  if (other !== undefined)
    throw new SectorError(
      { code: "MIXED_PROOFS", proof: other.proof.number },
      `an aggregate of seal proofs ${first} and ${other.proof.number}`,
    );
  const inputs: (readonly Uint8Array[])[] = [];
  for (const statement of statements) inputs.push(...(await porepInputs(proofs, statement, options)));
  const interactive = statements[0]?.proof.feature !== "non-interactive";
  if (!interactive && context.version !== 2) return "INVALID";
  const include = porepAggregateInclude(proofs, statements, interactive);
  return key.verifyAggregate(
    { aggregate, inputs, include, srs: context.srs, version: context.version },
    context.entropy,
  );
}

/**
 * Verifies an aggregate of sector updates' proofs, all with one number of high bits (others are `INVALID`, as they are on
 * the network).
 */
export function verifyUpdateAggregate(
  proofs: Proofs,
  key: VerifyingKey,
  params: SectorParams,
  statements: readonly UpdateStatement[],
  aggregate: Uint8Array,
  context: AggregateContext,
): ProofVerdict {
  const usual = updateParams(params).highBits;
  const high = new Set(statements.map(({ highBits = usual }) => highBits));
  if (context.version !== 2 || high.size > 1) return "INVALID";
  const inputs = statements.flatMap((statement) => updateInputs(params, statement));
  const include = updateAggregateInclude(proofs, params, statements);
  return key.verifyAggregate(
    { aggregate, inputs, include, srs: context.srs, version: context.version },
    context.entropy,
  );
}
