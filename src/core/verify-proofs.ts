/**
 * Verifying the network's SNARKs: a statement about sectors, a verifying key, and the proof's bytes.
 *
 * Each function derives the public inputs and checks all partitions in one batch, as the network's verifiers do. Keys are
 * the caller's to choose (one for each circuit: see `readVerifyingKey`); a key of another circuit answers
 * `BAD_INPUT_COUNT`. `entropy`: 32 bytes that the prover could not know.
 */
import type { ProofVerdict, VerifyingKey } from "./groth16.ts";
import type { PoRepOptions, PoRepStatement } from "./porep-proof.ts";
import type { PoStKind, PublicSector } from "./post-proof.ts";
import type { Proofs } from "./proof-kernel.ts";
import type { SectorParams } from "./sector-params.ts";
import type { UpdateStatement } from "./sector-update.ts";
import { porepAggregateInclude, porepInputs, postInputs, updateAggregateInclude, updateInputs } from "./statement.ts";

/** Verifies a PoRep ("seal") proof: 192 bytes for each partition. */
export async function verifySealProof(
  proofs: Proofs,
  key: VerifyingKey,
  statement: PoRepStatement,
  proof: Uint8Array,
  entropy: Uint8Array,
  options: PoRepOptions = {},
): Promise<ProofVerdict> {
  return key.verifyBatch(proof, await porepInputs(proofs, statement, options), entropy);
}

/** Verifies a WinningPoSt or WindowPoSt proof over the sectors in the order of the list. */
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
  /** Transcript version; non-interactive PoRep and updates always use 2. */
  readonly version: 1 | 2;
  readonly entropy: Uint8Array;
};

/**
 * Verifies an aggregate of the PoRep proofs of several sectors (of one seal proof type), in order; their partitions follow
 * each other and the last is repeated to a power of two.
 */
export async function verifySealAggregate(
  proofs: Proofs,
  key: VerifyingKey,
  statements: readonly PoRepStatement[],
  aggregate: Uint8Array,
  context: AggregateContext,
  options: PoRepOptions = {},
): Promise<ProofVerdict> {
  const inputs: (readonly Uint8Array[])[] = [];
  for (const statement of statements) inputs.push(...(await porepInputs(proofs, statement, options)));
  const interactive = statements[0]?.proof.feature !== "non-interactive";
  const include = porepAggregateInclude(proofs, statements, interactive);
  return key.verifyAggregate(
    { aggregate, inputs, include, srs: context.srs, version: context.version },
    context.entropy,
  );
}

/** Verifies an aggregate of sector updates' proofs. */
export function verifyUpdateAggregate(
  proofs: Proofs,
  key: VerifyingKey,
  params: SectorParams,
  statements: readonly UpdateStatement[],
  aggregate: Uint8Array,
  context: AggregateContext,
): ProofVerdict {
  const inputs = statements.flatMap((statement) => updateInputs(params, statement));
  const include = updateAggregateInclude(proofs, params, statements);
  return key.verifyAggregate(
    { aggregate, inputs, include, srs: context.srs, version: context.version },
    context.entropy,
  );
}
