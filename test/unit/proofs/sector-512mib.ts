/** The sector of 512 MiB in `porep-512mib.json`: what its fixture says, and openings back from the fixtures' words. */
import { fromHex } from "../../../src/base/bytes.ts";
import type { MerklePath } from "../../../src/sector/merkle-path.ts";
import type { ColumnProof, PoRepChallengeProof, PoRepStatement } from "../../../src/sector/seal/porep-proof.ts";
import { fixture } from "./fixture.ts";
import { caseOf, type FixtureColumn, type FixturePath, type FixtureSector, type FixtureVanilla } from "./sectors.ts";

export type LargeSector = FixtureSector & {
  /** SHA-256 of the openings of each challenge, by partition, as JSON in the fixtures' words. */
  vanillaSha256: string[][];
  firstVanillaProof: FixtureVanilla;
  post: {
    kind: "winning" | "window";
    randomness: string;
    challenges: number[];
    /** SHA-256 of the list of all openings. */
    openingsSha256: string;
  }[];
  update: {
    newDataSeed: number;
    newPaddedDataSha256: string;
    commDNew: string;
    commRLastNew: string;
    commRNew: string;
    newReplicaSha256: string;
    /** SHA-256 of the openings of some partitions. */
    proofSha256: { k: number; sha256: string }[];
  };
};

export const large = (await fixture<LargeSector[]>("porep-512mib.json"))[0] as LargeSector;
export const largeCase = caseOf(large);
export const largeStatement: PoRepStatement = {
  ...largeCase.identity,
  commD: fromHex(large.commD),
  commR: fromHex(large.commR),
  seed: fromHex(large.seed),
};

function pathFrom({ leaf, root, path }: FixturePath): MerklePath {
  const steps = path.map(({ index, hashes }) => ({ index, siblings: hashes.map(fromHex) }));
  return { leaf: fromHex(leaf), root: fromHex(root), steps };
}

function columnFrom({ column, inclusion_proof }: FixtureColumn): ColumnProof {
  return { node: column.index, labels: column.rows.map(fromHex), path: pathFrom(inclusion_proof) };
}

/** A challenge's openings out of the fixtures' words: the inverse of `vanillaOf`. */
export function vanillaFrom(proof: FixtureVanilla): PoRepChallengeProof {
  const { c_x, drg_parents, exp_parents } = proof.replica_column_proofs;
  return {
    challenge: c_x.column.index,
    data: pathFrom(proof.comm_d_proofs),
    replica: pathFrom(proof.comm_r_last_proof),
    column: columnFrom(c_x),
    baseParents: drg_parents.map(columnFrom),
    expanderParents: exp_parents.map(columnFrom),
  };
}
