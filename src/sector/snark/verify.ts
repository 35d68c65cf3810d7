/**
 * Verifying the network's SNARKs: a statement about sectors, a verifying key, and the proof's bytes.
 *
 * Each function derives the public inputs and checks all partitions in one batch, as the network's verifiers do. Keys are
 * the caller's to choose (one for each circuit: see `readVerifyingKey`); a key of another circuit answers
 * `BAD_INPUT_COUNT`. A proof gets a verdict whatever its bytes are; a malformed statement is a `SectorError`.
 *
 * @example
 * const proofs = await loadProofs();
 * const key = readVerifyingKey(proofs, keyFile);
 * const statement = { params: sectorParams(32 * 2 ** 30), kind: "winning", randomness, sectors } as const;
 * const verdict = verifyPoStProof(proofs, { ...statement, key, proof, entropy: crypto.getRandomValues(new Uint8Array(32)) });
 * if (verdict !== "VALID") throw new Error(verdict);
 */
import { describeValue } from "../../base/errors.ts";
import type { Proofs } from "../../core/proofs.ts";
import { SectorError, type SectorParams } from "../params.ts";
import type { PoStStatement } from "../post/post-proof.ts";
import type { PoRepOptions, PoRepStatement } from "../seal/porep-proof.ts";
import { badType, checkRecord, checkRecords } from "../shape.ts";
import { checkUpdateStatement, type UpdateStatement, updateParams } from "../update/update.ts";
import type { ProofVerdict, VerifyingKey } from "./groth16.ts";
import { porepAggregateInclude, porepInputs, postInputs, updateAggregateInclude, updateInputs } from "./statement.ts";

/** What every verification needs besides its statement. */
type UnderKey = {
  /** Of the statement's circuit, read into the same instance of the proof module. */
  readonly key: VerifyingKey;
  /** 32 bytes that the prover could not know. */
  readonly entropy: Uint8Array;
};

/** A claimed seal: a PoRep proof of 192 bytes for each partition. */
export type SealClaim = UnderKey & PoRepOptions & { readonly statement: PoRepStatement; readonly proof: Uint8Array };

/** A claimed WinningPoSt or WindowPoSt over the sectors; a WindowPoSt takes them as `provedSectors` does. */
export type PoStClaim = UnderKey & PoStStatement & { readonly proof: Uint8Array };

/** A claimed sector update, in a sector of these parameters. */
export type UpdateClaim = UnderKey & {
  readonly params: SectorParams;
  readonly statement: UpdateStatement;
  readonly proof: Uint8Array;
};

/** What an aggregate is checked with besides its statements. */
export type AggregateContext = UnderKey & {
  readonly aggregate: Uint8Array;
  /** Verifying part of the reference string, 432 bytes. */
  readonly srs: Uint8Array;
  /** Transcript version; non-interactive PoRep and updates always use 2, and any other is refused as `INVALID`. */
  readonly version: 1 | 2;
};

/** An aggregate of the PoRep proofs of several sectors (of one seal proof type), in order. */
export type SealAggregateClaim = AggregateContext & PoRepOptions & { readonly statements: readonly PoRepStatement[] };

/** An aggregate of sector updates' proofs, in order. */
export type UpdateAggregateClaim = AggregateContext & {
  readonly params: SectorParams;
  readonly statements: readonly UpdateStatement[];
};

/** Throws `BAD_TYPE` for a claim that is none. */
function checkClaim(claim: { readonly key: VerifyingKey }): void {
  checkRecord("claim", claim);
  checkRecord("key", claim.key);
  if (typeof claim.key.verifyBatch !== "function" || typeof claim.key.verifyAggregate !== "function")
    badType("key", "what readVerifyingKey gives");
}

/**
 * Verifies a PoRep ("seal") proof. A non-interactive proof is always an aggregate, also that of one sector:
 * `verifySealAggregate` takes it, here it is `BAD_PROOF_LENGTH`.
 */
export async function verifySealProof(proofs: Proofs, claim: SealClaim): Promise<ProofVerdict> {
  checkClaim(claim);
  const { key, statement, proof, entropy, ...options } = claim;
  const inputs = await porepInputs(proofs, statement, options);
  return statement.proof.feature === "non-interactive" ? "BAD_PROOF_LENGTH" : key.verifyBatch(proof, inputs, entropy);
}

/** Verifies a WinningPoSt or WindowPoSt proof. */
export function verifyPoStProof(proofs: Proofs, claim: PoStClaim): ProofVerdict {
  checkClaim(claim);
  return claim.key.verifyBatch(claim.proof, postInputs(proofs, claim), claim.entropy);
}

/** Verifies a sector update's proof. */
export function verifyUpdateProof(claim: UpdateClaim): ProofVerdict {
  checkClaim(claim);
  return claim.key.verifyBatch(claim.proof, updateInputs(claim.params, claim.statement), claim.entropy);
}

/**
 * Verifies an aggregate of PoRep proofs; their partitions follow each other and the last is repeated to a power of two.
 * Throws `MIXED_PROOFS` for sectors of different seal proof types.
 */
export async function verifySealAggregate(proofs: Proofs, claim: SealAggregateClaim): Promise<ProofVerdict> {
  checkClaim(claim);
  const { key, statements, aggregate, srs, version, entropy, ...options } = claim;
  checkRecords("statements", statements);
  const first = statements[0]?.proof?.number;
  const other = statements.find(({ proof }) => proof?.number !== first)?.proof?.number;
  if (other !== undefined)
    throw new SectorError(
      { code: "MIXED_PROOFS", proof: typeof other === "number" ? other : Number.NaN },
      `an aggregate of seal proofs ${describeValue(first)} and ${describeValue(other)}`,
    );
  const inputs: (readonly Uint8Array[])[] = [];
  for (const statement of statements) inputs.push(...(await porepInputs(proofs, statement, options)));
  const interactive = statements[0]?.proof.feature !== "non-interactive";
  if (!interactive && version !== 2) return "INVALID";
  const include = porepAggregateInclude(proofs, statements, interactive);
  return key.verifyAggregate({ aggregate, inputs, include, srs, version }, entropy);
}

/**
 * Verifies an aggregate of sector updates' proofs, all with one number of high bits (others are `INVALID`, as they are on
 * the network).
 */
export function verifyUpdateAggregate(proofs: Proofs, claim: UpdateAggregateClaim): ProofVerdict {
  checkClaim(claim);
  const { key, params, statements, aggregate, srs, version, entropy } = claim;
  checkRecords("statements", statements);
  for (const statement of statements) checkUpdateStatement(params, statement);
  const usual = updateParams(params).highBits;
  const high = new Set(statements.map(({ highBits = usual }) => highBits));
  if (version !== 2 || high.size > 1) return "INVALID";
  const inputs = statements.flatMap((statement) => updateInputs(params, statement));
  const include = updateAggregateInclude(proofs, params, statements);
  return key.verifyAggregate({ aggregate, inputs, include, srs, version }, entropy);
}
