/**
 * Public inputs: what a SNARK verifier derives from a statement about sectors, for each partition of a proof.
 *
 *   PoRep         replica id, CommD, CommR; then for each challenge c: c (its path in tree D), its 6 base and 8 expander
 *                 parents, c (the label's node number), c (path in tree R-last), c (path in tree C)
 *   WinningPoSt   for each of the 66 challenges: CommR, leaf
 *   WindowPoSt    for each sector of the partition, by number: CommR, its 10 leaves; the last sector repeated to fill it
 *   sector update partition number | (selector of the high bits << log2 partitions), CommR old, CommD new, CommR new
 *
 * Elements are 32 bytes, little-endian; the constant 1 that leads every circuit's inputs is left out.
 * Source: rust-fil-proofs stacked/circuit/proof.rs, fallback/compound.rs, storage-proofs-update/src/circuit.rs.
 */
import { elementOf } from "../../core/poseidon.ts";
import type { Proofs } from "../../core/proofs.ts";
import { porepChallenges, porepPartitions } from "../challenges.ts";
import { sha256Of } from "../kernel.ts";
import { checkBytes, porepId, SectorError, type SectorParams } from "../params.ts";
import {
  checkPoStStatement,
  type PoStStatement,
  partitionSectors,
  postChallenges,
  provedSectors,
} from "../post/post-proof.ts";
import { parentsOf, withGraph } from "../seal/kit.ts";
import { checkPoRepStatement, type PoRepOptions, type PoRepStatement } from "../seal/porep-proof.ts";
import { replicaIdOf } from "../seal/seal.ts";
import { checkProofs, checkRecords } from "../shape.ts";
import { checkUpdateStatement, type UpdateStatement, updateParams } from "../update/update.ts";

/** Public inputs of one partition. */
export type PublicInputs = readonly Uint8Array[];

const number = (value: number): Uint8Array => elementOf(BigInt(value));

/**
 * Inputs of every partition of a PoRep proof.
 * Cost: 14 parents for each of 180 challenges at 32 GiB (no table of the graph is needed).
 */
export async function porepInputs(
  proofs: Proofs,
  statement: PoRepStatement,
  options: PoRepOptions = {},
): Promise<PublicInputs[]> {
  const params = checkPoRepStatement(proofs, statement, options);
  const { proof, commD, commR, seed } = statement;
  const id = options.porepId ?? porepId(proof);
  const replicaId = replicaIdOf(proofs, statement, commD, id);
  return withGraph(proofs, params, id, proof.legacy, async (graph) =>
    Array.from({ length: porepPartitions(params, proof.feature) }, (_, partition) => {
      const challenges = porepChallenges(proofs, params, { feature: proof.feature, replicaId, commR, seed }, partition);
      const opened = challenges.flatMap((c) => [c, ...parentsOf(proofs, graph, c), c, c, c]);
      return [replicaId, commD, commR, ...opened.map(number)];
    }),
  );
}

/** Inputs of every partition of a PoSt over `sectors`, see `provedSectors`; WinningPoSt has exactly one sector. */
export function postInputs(proofs: Proofs, statement: PoStStatement): PublicInputs[] {
  checkPoStStatement(proofs, statement);
  const { params, kind, randomness, sectors } = statement;
  if (sectors.length === 0 || (kind === "winning" && sectors.length !== 1))
    throw new SectorError({ code: "OUT_OF_RANGE", what: "sectors", value: sectors.length }, "not a count of sectors");
  const proved = provedSectors(kind, sectors);
  const perSector = proved.map(({ sectorNumber, commR }, place) => {
    const leaves = postChallenges(proofs, { params, kind, randomness, sectorNumber, place }).map(number);
    return kind === "winning" ? leaves.flatMap((leaf) => [commR, leaf]) : [commR, ...leaves];
  });
  const size = partitionSectors(params, kind);
  const last = perSector.at(-1) as Uint8Array[];
  return Array.from({ length: Math.ceil(proved.length / size) }, (_, k) =>
    Array.from({ length: size }, (_, i) => perSector[k * size + i] ?? last).flat(),
  );
}

/** Inputs of every partition of a sector update's proof. */
export function updateInputs(params: SectorParams, statement: UpdateStatement): PublicInputs[] {
  checkUpdateStatement(params, statement);
  const { commROld, commDNew, commRNew } = statement;
  const { partitions, allowedHighBits, highBits } = updateParams(params);
  const selector = allowedHighBits.indexOf(statement.highBits ?? highBits);
  if (selector < 0) {
    const value = statement.highBits ?? highBits;
    throw new SectorError({ code: "OUT_OF_RANGE", what: "high bits", value }, `${value} high bits are not allowed`);
  }
  return Array.from({ length: partitions }, (_, k) => [
    number(k | (2 ** selector * partitions)),
    commROld,
    commDNew,
    commRNew,
  ]);
}

/**
 * What an aggregate of PoRep proofs binds into its transcript: SHA-256 of seed and CommR of each sector in order, of the
 * CommRs alone for non-interactive proofs. Throws `BAD_LENGTH`.
 */
export function porepAggregateInclude(
  proofs: Proofs,
  sectors: readonly { readonly seed: Uint8Array; readonly commR: Uint8Array }[],
  interactive = true,
): Uint8Array {
  checkProofs(proofs);
  checkRecords("sectors", sectors);
  for (const { seed, commR } of sectors) {
    checkBytes("CommR", commR);
    if (interactive) checkBytes("seed", seed);
  }
  return sha256Of(proofs, ...sectors.flatMap(({ seed, commR }) => (interactive ? [seed, commR] : [commR])));
}

/** What an aggregate of sector updates binds: SHA-256 of the number of high bits (a byte) and the three commitments each. */
export function updateAggregateInclude(
  proofs: Proofs,
  params: SectorParams,
  updates: readonly UpdateStatement[],
): Uint8Array {
  checkProofs(proofs);
  checkRecords("updates", updates);
  for (const update of updates) checkUpdateStatement(params, update);
  const usual = updateParams(params).highBits;
  return sha256Of(
    proofs,
    ...updates.flatMap(({ highBits = usual, commROld, commDNew, commRNew }) => [
      Uint8Array.of(highBits),
      commROld,
      commRNew,
      commDNew,
    ]),
  );
}
