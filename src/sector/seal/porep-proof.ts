/**
 * Vanilla PoRep proofs: the openings that show a replica was sealed as it should be, before any SNARK.
 *
 * For each challenged node c a proof opens, against CommD, CommC and CommRLast: the data node, the replica node, and the
 * columns (labels of all layers) of c and of its 14 parents. From the parents' columns a verifier makes every label of c
 * again, and from the last label and the data the replica node: the whole of sealing, at one node.
 *
 * Source: rust-fil-proofs storage-proofs-porep stacked/vanilla/{params,proof,column_proof,labeling_proof}.rs.
 */
import { equal } from "../../base/bytes.ts";
import type { Proofs } from "../../core/proofs.ts";
import { checkFeature, porepChallenges, porepPartitions } from "../challenges.ts";
import { parentNode, u64Of } from "../kernel.ts";
import { canonical, isPath, type MerklePath, verifyPath } from "../merkle-path.ts";
import {
  BASE_DEGREE,
  checkBytes,
  EXPANDER_DEGREE,
  LABEL_PARENTS,
  NODE_BYTES,
  porepId,
  SectorError,
  type SectorParams,
  sectorParams,
} from "../params.ts";
import { badType, checkParams, checkProofs, checkRecord, isBytes, isList, isRecord } from "../shape.ts";
import { layerFile, type SectorStore } from "../store.ts";
import { SectorTree, treeArities, treeCShape, treeDShape, treeRLastShape } from "../tree.ts";
import { parentsOf, withGraph } from "./kit.ts";
import { commROf, replicaIdOf, type SealedSector, type SectorIdentity } from "./seal.ts";

/** The labels of one node in layers 1 …, and their hash's path in tree C. */
export type ColumnProof = {
  readonly node: number;
  readonly labels: readonly Uint8Array[];
  readonly path: MerklePath;
};

/** Everything opened for one challenge. */
export type PoRepChallengeProof = {
  readonly challenge: number;
  readonly data: MerklePath;
  readonly replica: MerklePath;
  readonly column: ColumnProof;
  /** Columns of the six base parents, in the order of labelling. */
  readonly baseParents: readonly ColumnProof[];
  /** Columns of the eight expander parents. */
  readonly expanderParents: readonly ColumnProof[];
};

/** A partition is the list of its challenges' proofs. */
export type PoRepPartitionProof = readonly PoRepChallengeProof[];

export type PoRepOptions = {
  /** Overrides for sectors without a registered proof, in tests. */
  readonly params?: SectorParams;
  readonly porepId?: Uint8Array;
};

/** What a verifier is told. */
export type PoRepStatement = SectorIdentity & {
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  /** Interactive randomness; 32 bytes, not used by non-interactive proofs. */
  readonly seed: Uint8Array;
};

/** Which partition of which sector is to be proved. */
export type PoRepRequest = PoRepOptions & {
  readonly identity: SectorIdentity;
  readonly sealed: SealedSector;
  /** As in `PoRepStatement`. */
  readonly seed: Uint8Array;
  readonly partition: number;
};

/**
 * Opens all challenges of partition `partition` from a sealed sector's store, and checks the proof. Throws `FAULTY_SECTORS`
 * if the files do not prove the sector's commitments, `MISSING_FILE`, `BAD_LENGTH`.
 */
export async function provePoRep(
  proofs: Proofs,
  store: SectorStore,
  request: PoRepRequest,
): Promise<PoRepPartitionProof> {
  checkRecord("request", request);
  const { identity, sealed, seed, partition, ...options } = request;
  checkRecord("identity", identity);
  checkRecord("sealed", sealed);
  const statement = { ...identity, commD: sealed.commD, commR: sealed.commR, seed };
  const params = checkPoRepStatement(proofs, statement, options);
  const { replicaId, commR } = sealed;
  const { feature, legacy } = identity.proof;
  const challenges = porepChallenges(proofs, params, { feature, replicaId, commR, seed }, partition);
  const porep = options.porepId ?? porepId(identity.proof);
  const proof = await openNodes(proofs, store, { params, porep, legacy }, challenges);
  if (await verifyPoRepPartition(proofs, statement, { index: partition, proof }, options)) return proof;
  throw new SectorError(
    { code: "FAULTY_SECTORS", sectors: [Number(identity.sectorNumber)] },
    `sector ${identity.sectorNumber} cannot be proved: its files do not have its commitments`,
  );
}

/** Opens the given nodes; synthetic PoRep opens all its synthetic challenges before layers are dropped. */
async function openNodes(
  proofs: Proofs,
  store: SectorStore,
  { params, porep, legacy }: { readonly params: SectorParams; readonly porep: Uint8Array; readonly legacy: boolean },
  challenges: readonly number[],
): Promise<PoRepPartitionProof> {
  const treeD = await SectorTree.open(proofs, treeDShape(params), store);
  const treeC = await SectorTree.open(proofs, treeCShape(params), store);
  const treeR = await SectorTree.open(proofs, treeRLastShape(params), store);
  const column = async (node: number): Promise<ColumnProof> => {
    const labels: Uint8Array[] = [];
    for (let layer = 1; layer <= params.layers; layer++)
      labels.push((await store.read(layerFile(layer), node * NODE_BYTES, NODE_BYTES)).slice());
    return { node, labels, path: await treeC.path(node) };
  };
  return withGraph(proofs, params, porep, legacy, async (graph) => {
    const out: PoRepChallengeProof[] = [];
    for (const challenge of challenges) {
      const parents: ColumnProof[] = [];
      for (const parent of parentsOf(proofs, graph, challenge)) parents.push(await column(parent));
      out.push({
        challenge,
        data: await treeD.path(challenge),
        replica: await treeR.path(challenge),
        column: await column(challenge),
        baseParents: parents.slice(0, BASE_DEGREE),
        expanderParents: parents.slice(BASE_DEGREE),
      });
    }
    return out;
  });
}

/** The 37 parent labels from which the label of layer `layer` (from 1) is made. */
export function labelParents(proof: PoRepChallengeProof, layer: number): Uint8Array[] {
  const own = proof.baseParents.map((parent) => parent.labels[layer - 1] as Uint8Array);
  const below = layer === 1 ? [] : proof.expanderParents.map((parent) => parent.labels[layer - 2] as Uint8Array);
  const all = [...own, ...below];
  return Array.from({ length: LABEL_PARENTS }, (_, i) => all[i % all.length] as Uint8Array);
}

/** Throws `BAD_TYPE`, `BAD_LENGTH`, `OUT_OF_RANGE`: a statement, or a module, that is none. Returns the sector's parameters. */
export function checkPoRepStatement(proofs: Proofs, statement: PoRepStatement, options: PoRepOptions): SectorParams {
  checkProofs(proofs);
  checkRecord("statement", statement);
  checkRecord("statement.proof", statement.proof);
  checkRecord("options", options);
  const { proof } = statement;
  checkFeature(proof.feature);
  if (typeof proof.legacy !== "boolean") badType("statement.proof.legacy", "true or false");
  if (!Number.isInteger(proof.number) || proof.number < 0 || proof.number > 255)
    badType("statement.proof.number", "the number of a registered proof");
  const params = options.params ?? sectorParams(proof.sectorBytes);
  checkParams(params);
  checkBytes("PoRep id", options.porepId ?? porepId(proof));
  checkBytes("prover id", statement.proverId);
  checkBytes("ticket", statement.ticket);
  checkBytes("CommD", statement.commD);
  checkBytes("CommR", statement.commR);
  if (proof.feature !== "non-interactive") checkBytes("seed", statement.seed);
  u64Of(statement.sectorNumber);
  return params;
}

/**
 * Whether all partitions prove the statement; false for any malformed proof.
 * Throws `BAD_TYPE`, `BAD_LENGTH`, `OUT_OF_RANGE` for a malformed statement.
 */
export async function verifyPoRep(
  proofs: Proofs,
  statement: PoRepStatement,
  partitions: readonly PoRepPartitionProof[],
  options: PoRepOptions = {},
): Promise<boolean> {
  const params = checkPoRepStatement(proofs, statement, options);
  if (!isList(partitions, porepPartitions(params, statement.proof.feature), Array.isArray)) return false;
  for (const [index, partition] of partitions.entries())
    if (!(await verifyPoRepPartition(proofs, statement, { index, proof: partition }, options))) return false;
  return true;
}

/** Whether the proof of partition `index` holds. Throws as `verifyPoRep` does. */
export async function verifyPoRepPartition(
  proofs: Proofs,
  statement: PoRepStatement,
  partition: { readonly index: number; readonly proof: PoRepPartitionProof },
  options: PoRepOptions = {},
): Promise<boolean> {
  const params = checkPoRepStatement(proofs, statement, options);
  checkRecord("partition", partition);
  const { index, proof: opened } = partition;
  const { feature, legacy } = statement.proof;
  const { commD, commR, seed } = statement;
  const porep = options.porepId ?? porepId(statement.proof);
  if (!canonical(proofs, commD) || !canonical(proofs, commR)) return false;
  const replicaId = replicaIdOf(proofs, statement, commD, porep);
  const challenges = porepChallenges(proofs, params, { feature, replicaId, commR, seed }, index);
  if (!isList(opened, challenges.length, (proof) => isChallengeProof(params, proof))) return false;
  return withGraph(proofs, params, porep, legacy, async (graph) => {
    const known = { params, replicaId, commD, commR, graph };
    for (const [i, proof] of opened.entries())
      if (!verifyChallenge(proofs, known, challenges[i] as number, proof)) return false;
    return true;
  });
}

/** Whether this has the shape of the proof of one challenge, all of its nodes and paths included. */
function isChallengeProof(params: SectorParams, proof: unknown): proof is PoRepChallengeProof {
  if (!isRecord(proof)) return false;
  const [d, c, r] = [treeDShape(params), treeCShape(params), treeRLastShape(params)].map(treeArities) as [
    number[],
    number[],
    number[],
  ];
  const isColumn = (column: unknown): boolean =>
    isRecord(column) && isList(column["labels"], params.layers, (label) => isBytes(label)) && isPath(column["path"], c);
  return (
    isPath(proof["data"], d) &&
    isPath(proof["replica"], r) &&
    isColumn(proof["column"]) &&
    isList(proof["baseParents"], BASE_DEGREE, isColumn) &&
    isList(proof["expanderParents"], EXPANDER_DEGREE, isColumn)
  );
}

/** What is the same for all challenges of a partition; `graph` is the address of the parents' graph. */
type Known = {
  readonly params: SectorParams;
  readonly replicaId: Uint8Array;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
  readonly graph: number;
};

function verifyChallenge(
  proofs: Proofs,
  { params, replicaId, commD, commR, graph }: Known,
  challenge: number,
  proof: PoRepChallengeProof,
): boolean {
  const { data, replica, column, baseParents, expanderParents } = proof;
  const commC = column.path.root;
  if (proof.challenge !== challenge) return false;
  if (!canonical(proofs, commC) || !canonical(proofs, replica.root)) return false;
  if (!equal(data.root, commD) || !equal(commROf(proofs, commC, replica.root), commR)) return false;
  if (!verifyPath(proofs, data, { hash: "sha256", arities: treeArities(treeDShape(params)), index: challenge }))
    return false;
  if (
    !verifyPath(proofs, replica, { hash: "poseidon", arities: treeArities(treeRLastShape(params)), index: challenge })
  )
    return false;
  const parents = parentsOf(proofs, graph, challenge);
  const columns = [...baseParents, ...expanderParents];
  if (!verifyColumn(proofs, params, column, challenge, commC)) return false;
  for (const [i, parent] of columns.entries())
    if (!verifyColumn(proofs, params, parent, parents[i] as number, commC)) return false;
  for (let layer = 1; layer <= params.layers; layer++) {
    const label = labelOf(proofs, replicaId, layer, challenge, labelParents(proof, layer));
    if (!equal(label, column.labels[layer - 1] as Uint8Array)) return false;
  }
  return verifyEncoding(proofs, column.labels.at(-1) as Uint8Array, data.leaf, replica.leaf);
}

function verifyColumn(
  proofs: Proofs,
  params: SectorParams,
  column: ColumnProof,
  node: number,
  commC: Uint8Array,
): boolean {
  const { labels, path } = column;
  if (column.node !== node || !equal(path.root, commC)) return false;
  const joined = new Uint8Array(NODE_BYTES * labels.length);
  for (const [i, label] of labels.entries()) joined.set(label, NODE_BYTES * i);
  if (!canonical(proofs, joined) || !equal(parentNode(proofs, "poseidon", joined), path.leaf)) return false;
  return verifyPath(proofs, path, { hash: "poseidon", arities: treeArities(treeCShape(params)), index: node });
}

/** A label from its 37 parents, by the labelling kernel itself: the parents lie in slots 0 … 13, the label in slot 14. */
function labelOf(
  proofs: Proofs,
  replicaId: Uint8Array,
  layer: number,
  node: number,
  parents: readonly Uint8Array[],
): Uint8Array {
  const slots = 15;
  return proofs.with(slots * NODE_BYTES + 32 + 56, (at) => {
    const id = at + slots * NODE_BYTES;
    for (let i = 0; i < 14; i++) proofs.instance.write(at + i * NODE_BYTES, parents[i] as Uint8Array);
    proofs.instance.write(id, replicaId);
    proofs.instance.write(id + 32, new Uint8Array(Uint32Array.from({ length: 14 }, (_, i) => i).buffer));
    proofs.exports.labelRange(id, layer, at, at, id + 32, 14, BigInt(node), 1);
    return proofs.instance.read(at + 14 * NODE_BYTES, NODE_BYTES);
  });
}

function verifyEncoding(proofs: Proofs, key: Uint8Array, data: Uint8Array, replica: Uint8Array): boolean {
  if (!canonical(proofs, data)) return false;
  return proofs.with(2 * NODE_BYTES, (at) => {
    proofs.instance.write(at, key);
    proofs.instance.write(at + NODE_BYTES, data);
    proofs.exports.addElements(at, at + NODE_BYTES, at, 1);
    return equal(proofs.instance.read(at, NODE_BYTES), replica);
  });
}
