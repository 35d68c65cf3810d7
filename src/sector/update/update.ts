/**
 * SnapDeals (FIP-0019): new data into a sealed sector of zeros ("committed capacity") without sealing again.
 *
 *   phi        = P(CommD new, CommR old)             P: Poseidon of two elements under the update's own tag
 *   rho(high)  = P(phi, high)                        high: the h highest bits of a node's number
 *   new replica = old replica + data · rho           node by node
 *   CommR new  = Poseidon(CommC, CommRLast new)      CommC stays
 *
 * The proof, in partitions, opens challenged nodes of the old replica, the new data and the new replica. A partition's
 * challenges lie in its own part of the sector; the part's top nodes of tree D ("apex leaves") are part of the proof.
 * Challenges are sliced, low bits first, out of P(CommR new, digest number).
 *
 * Source: rust-fil-proofs storage-proofs-update/src/{constants,challenges,vanilla}.rs.
 */
import { equal } from "../../base/bytes.ts";
import { describeValue } from "../../base/errors.ts";
import { elementOf, poseidon, UPDATE_TAG } from "../../core/poseidon.ts";
import type { Proofs } from "../../core/proofs.ts";
import { numberLE, parentNode } from "../kernel.ts";
import { canonical, isPath, type MerklePath, verifyPath } from "../merkle-path.ts";
import { checkBytes, NODE_BYTES, SectorError, type SectorParams, sectorParams } from "../params.ts";
import { fr32Unpad } from "../piece/pieces.ts";
import { type SealOptions, step, withMemory } from "../seal/kit.ts";
import { buildTreeD, buildTreeRLast, commROf, rawRange, replicaKeys, type SectorIdentity } from "../seal/seal.ts";
import { badType, checkParams, checkProofs, checkRecord, isBytes, isList, isRecord } from "../shape.ts";
import { P_AUX_FILE, SEALED_FILE, type SectorStore, shortFile, TREE_D_FILE, UNSEALED_FILE } from "../store.ts";
import { SectorTree, treeArities, treeDShape, treeRLastShape, WINDOW_NODES } from "../tree.ts";

const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
/** Whole bits that an element surely holds. */
const ELEMENT_BITS = 254;
const SMALL_NODES = 1 << 10;

export type UpdateParams = {
  readonly partitions: number;
  readonly challenges: number;
  readonly apexLeaves: number;
  /** High bits of a node's number that select its rho; the allowed values, and the usual one. */
  readonly allowedHighBits: readonly number[];
  readonly highBits: number;
};

/** What the sector's size fixes about its updates. */
export function updateParams(params: SectorParams): UpdateParams {
  const { nodes } = params;
  const small = nodes <= SMALL_NODES;
  return {
    partitions: nodes <= 1 << 8 ? 1 : small ? 2 : nodes <= 1 << 19 ? 4 : 16,
    challenges: nodes <= 1 << 19 ? 10 : 86,
    apexLeaves: nodes <= 1 << 8 ? 8 : 128,
    allowedHighBits: small ? [1] : [7, 8, 9, 10, 11, 12],
    highBits: small ? 1 : 10,
  };
}

export type UpdatedSector = {
  readonly commDNew: Uint8Array;
  readonly commRLastNew: Uint8Array;
  readonly commRNew: Uint8Array;
};

export type UpdateStatement = {
  readonly commROld: Uint8Array;
  readonly commDNew: Uint8Array;
  readonly commRNew: Uint8Array;
  /** Defaults to the usual number for the sector's size. */
  readonly highBits?: number;
};

export type UpdateChallengeProof = {
  readonly oldReplica: MerklePath;
  readonly newData: MerklePath;
  readonly newReplica: MerklePath;
};

export type UpdatePartitionProof = {
  readonly commC: Uint8Array;
  readonly apexLeaves: readonly Uint8Array[];
  readonly challenges: readonly UpdateChallengeProof[];
};

export function updatePhi(proofs: Proofs, commDNew: Uint8Array, commROld: Uint8Array): Uint8Array {
  return poseidon(proofs, [commDNew, commROld], UPDATE_TAG);
}

export function updateRho(proofs: Proofs, phi: Uint8Array, high: number): Uint8Array {
  return poseidon(proofs, [phi, elementOf(BigInt(high))], UPDATE_TAG);
}

/** Challenged nodes of a partition. */
export function updateChallenges(
  proofs: Proofs,
  params: SectorParams,
  commRNew: Uint8Array,
  partition: number,
): number[] {
  const { partitions, challenges } = updateParams(params);
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitions)
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "partition", value: typeof partition === "number" ? partition : Number.NaN },
      `no partition ${describeValue(partition)}`,
    );
  const bits = Math.log2(params.nodes / partitions);
  const perDigest = Math.floor(ELEMENT_BITS / bits);
  const firstDigest = partition * Math.ceil(challenges / perDigest);
  const mask = (1n << BigInt(bits)) - 1n;
  let digest = 0n;
  return Array.from({ length: challenges }, (_, i) => {
    const place = i % perDigest;
    if (place === 0) {
      const number = elementOf(BigInt(firstDigest + Math.floor(i / perDigest)));
      digest = numberLE(poseidon(proofs, [commRNew, number], UPDATE_TAG));
    }
    return Number((digest >> BigInt(place * bits)) & mask) + partition * 2 ** bits;
  });
}

/** The sector before and after: where its files are. */
export type UpdateStores = { readonly params: SectorParams; readonly old: SectorStore; readonly next: SectorStore };

/**
 * Puts the new data (`unsealed` of `next`) into the replica of `old`; writes the new replica, tree D, tree R-last and
 * `p_aux` to `next`. The old store stays as it is. Throws `BAD_LENGTH`, `NOT_CANONICAL`.
 */
export async function updateSector(
  proofs: Proofs,
  {
    params,
    old,
    next,
    commROld,
    ...options
  }: SealOptions &
    UpdateStores & {
      readonly commROld: Uint8Array;
      readonly highBits?: number;
    },
): Promise<UpdatedSector> {
  checkProofs(proofs);
  checkParams(params);
  const highBits = checkHighBits(params, options.highBits);
  checkBytes("CommR", commROld);
  const size = await next.size(UNSEALED_FILE);
  if (size !== params.sectorBytes)
    throw new SectorError(
      { code: "BAD_LENGTH", what: UNSEALED_FILE, length: size ?? 0, expected: params.sectorBytes },
      `the new data has ${size ?? 0} bytes, expected ${params.sectorBytes}`,
    );
  const commDNew = await buildTreeD(proofs, next, params, options);
  const phi = updatePhi(proofs, commDNew, commROld);
  await forRhoRanges(proofs, params, phi, highBits, false, async (from, count, at, rho) => {
    const bytes = count * NODE_BYTES;
    proofs.instance.write(at, await old.read(SEALED_FILE, from * NODE_BYTES, bytes));
    proofs.instance.write(at + bytes, await next.read(UNSEALED_FILE, from * NODE_BYTES, bytes));
    if (proofs.exports.updateElements(at, at + bytes, rho, at, count) === 0)
      throw new SectorError({ code: "NOT_CANONICAL", what: SEALED_FILE }, "a node is no field element");
    await next.write(SEALED_FILE, from * NODE_BYTES, proofs.instance.read(at, bytes));
    step(options, "update", from + count, params.nodes);
  });
  const commRLastNew = await buildTreeRLast(proofs, next, params, options);
  const commC = (await old.read(P_AUX_FILE, 0, 32)).slice();
  const aux = new Uint8Array(64);
  aux.set(commC);
  aux.set(commRLastNew, 32);
  await next.write(P_AUX_FILE, 0, aux);
  return { commDNew, commRLastNew, commRNew: commROf(proofs, commC, commRLastNew) };
}

/** Recovers the new data from both replicas into the file `to` of `next`, by default its `unsealed`. */
export async function decodeUpdate(
  proofs: Proofs,
  {
    params,
    old,
    next,
    commROld,
    commDNew,
    to = UNSEALED_FILE,
    ...options
  }: SealOptions &
    UpdateStores &
    Pick<UpdateStatement, "commROld" | "commDNew" | "highBits"> & { readonly to?: string },
): Promise<void> {
  checkUpdateStatement(params, { commROld, commDNew, commRNew: commROld });
  checkProofs(proofs);
  const highBits = checkHighBits(params, options.highBits);
  for (const store of [old, next]) {
    const size = (await store.size(SEALED_FILE)) ?? 0;
    if (size !== params.sectorBytes) throw shortFile(SEALED_FILE, size, params.sectorBytes);
  }
  const phi = updatePhi(proofs, commDNew, commROld);
  await forRhoRanges(proofs, params, phi, highBits, true, async (from, count, at, rho) => {
    const bytes = count * NODE_BYTES;
    proofs.instance.write(at, await next.read(SEALED_FILE, from * NODE_BYTES, bytes));
    proofs.instance.write(at + bytes, await old.read(SEALED_FILE, from * NODE_BYTES, bytes));
    if (proofs.exports.revertElements(at, at + bytes, rho, at, count) === 0)
      throw new SectorError({ code: "NOT_CANONICAL", what: SEALED_FILE }, "a node is no field element");
    await next.write(to, from * NODE_BYTES, proofs.instance.read(at, bytes));
    step(options, "decode", from + count, params.nodes);
  });
}

/** A range of an updated sector's data, and what the replica before it was sealed with. */
export type UnsealUpdateRequest = SealOptions &
  Pick<UpdateStatement, "commROld" | "commDNew" | "highBits"> & {
    readonly identity: SectorIdentity;
    /** Commitment to the data before, which were zeros. */
    readonly commDOld: Uint8Array;
    /** First byte of the data, before Fr32, and how many. */
    readonly from: number;
    readonly length: number;
  };

/**
 * Recovers raw bytes `[from, from + length)` of the new data from the updated replica, which `next` has. Of the replica before it only `old`'s
 * last layer is used, which is that replica where the data were zeros; where it is not there, it is computed again as sealing does, and left
 * there. Throws `OUT_OF_RANGE`, `MISSING_FILE`, `BAD_LENGTH`, `NOT_CANONICAL`.
 */
export async function unsealUpdate(
  proofs: Proofs,
  { old, next }: Omit<UpdateStores, "params">,
  { identity, commROld, commDOld, commDNew, from, length, highBits, ...options }: UnsealUpdateRequest,
): Promise<Uint8Array> {
  const params = sectorParams(identity.proof.sectorBytes);
  checkUpdateStatement(params, { commROld, commDNew, commRNew: commROld });
  checkProofs(proofs);
  const bits = checkHighBits(params, highBits);
  const { firstNode, nodes, cut } = rawRange(params, from, length);
  const size = (await next.size(SEALED_FILE)) ?? 0;
  if (size !== params.sectorBytes) throw shortFile(SEALED_FILE, size, params.sectorBytes);
  if (length === 0) return new Uint8Array(0);
  const keys = await replicaKeys(proofs, old, { identity, commD: commDOld, firstNode, nodes, ...options });
  const phi = updatePhi(proofs, commDNew, commROld);
  const span = params.nodes / 2 ** bits;
  const data = new Uint8Array(nodes * NODE_BYTES);
  for (let node = firstNode; node < firstNode + nodes; ) {
    const high = Math.floor(node / span);
    const count = Math.min((high + 1) * span, firstNode + nodes, node + WINDOW_NODES) - node;
    const [at, bytes] = [(node - firstNode) * NODE_BYTES, count * NODE_BYTES];
    const replica = await next.read(SEALED_FILE, node * NODE_BYTES, bytes);
    const inverse = elementOf(invert(numberLE(updateRho(proofs, phi, high))));
    await withMemory(proofs, 2 * bytes + 32, async (memory) => {
      proofs.instance.write(memory, replica);
      proofs.instance.write(memory + bytes, keys.subarray(at, at + bytes));
      proofs.instance.write(memory + 2 * bytes, inverse);
      if (proofs.exports.revertElements(memory, memory + bytes, memory + 2 * bytes, memory, count) === 0)
        throw new SectorError({ code: "NOT_CANONICAL", what: SEALED_FILE }, "a node is no field element");
      data.set(proofs.instance.read(memory, bytes), at);
    });
    node += count;
  }
  return cut(fr32Unpad(proofs, data));
}

/** Walks the sector in windows that share one rho; memory holds two windows at `at`, and rho (or its inverse). */
async function forRhoRanges(
  proofs: Proofs,
  params: SectorParams,
  phi: Uint8Array,
  highBits: number,
  inverse: boolean,
  work: (from: number, count: number, at: number, rho: number) => Promise<void>,
): Promise<void> {
  const span = params.nodes / 2 ** highBits;
  const window = Math.min(span, WINDOW_NODES);
  await withMemory(proofs, 2 * window * NODE_BYTES + 32, async (at) => {
    const rho = at + 2 * window * NODE_BYTES;
    for (let high = 0; high < 2 ** highBits; high++) {
      const value = updateRho(proofs, phi, high);
      proofs.instance.write(rho, inverse ? elementOf(invert(numberLE(value))) : value);
      for (let from = high * span; from < (high + 1) * span; from += window) await work(from, window, at, rho);
    }
  });
}

/** a^(r - 2) mod r. */
function invert(a: bigint): bigint {
  let result = 1n;
  for (let base = a, e = MODULUS - 2n; e > 0n; e >>= 1n, base = (base * base) % MODULUS)
    if ((e & 1n) === 1n) result = (result * base) % MODULUS;
  return result;
}

function checkHighBits(params: SectorParams, highBits?: number): number {
  const { allowedHighBits, highBits: usual } = updateParams(params);
  const value = highBits ?? usual;
  if (allowedHighBits.includes(value)) return value;
  throw new SectorError(
    { code: "OUT_OF_RANGE", what: "high bits", value: typeof value === "number" ? value : Number.NaN },
    `${describeValue(value)} high bits are not allowed for this size`,
  );
}

/** Row of tree D, above the leaves, in which a partition's apex leaves stand. */
function apexRow(params: SectorParams): number {
  const { partitions, apexLeaves } = updateParams(params);
  return Math.log2(params.nodes / partitions / apexLeaves);
}

/** Opens the challenges of one partition. */
export async function proveUpdate(
  proofs: Proofs,
  {
    params,
    old,
    next,
    commRNew,
    partition,
  }: UpdateStores & {
    readonly commRNew: Uint8Array;
    readonly partition: number;
  },
): Promise<UpdatePartitionProof> {
  checkProofs(proofs);
  checkParams(params);
  checkBytes("CommR new", commRNew);
  const oldTree = await SectorTree.open(proofs, treeRLastShape(params), old);
  const newTree = await SectorTree.open(proofs, treeRLastShape(params), next);
  const dataTree = await SectorTree.open(proofs, treeDShape(params), next);
  const challenges: UpdateChallengeProof[] = [];
  for (const node of updateChallenges(proofs, params, commRNew, partition))
    challenges.push({
      oldReplica: await oldTree.path(node),
      newData: await dataTree.path(node),
      newReplica: await newTree.path(node),
    });
  const { apexLeaves: count } = updateParams(params);
  const row = apexRow(params);
  // Rows 0 … row - 1 of the tree file hold nodes·(2 - 2^(1-row)) nodes.
  const before = params.nodes * 2 - params.nodes / 2 ** (row - 1);
  const apex = await next.read(TREE_D_FILE, (before + partition * count) * NODE_BYTES, count * NODE_BYTES);
  const apexLeaves = Array.from({ length: count }, (_, i) => apex.slice(i * NODE_BYTES, (i + 1) * NODE_BYTES));
  return { commC: (await old.read(P_AUX_FILE, 0, 32)).slice(), apexLeaves, challenges };
}

/** Throws `BAD_TYPE`, `BAD_LENGTH`: a statement, or its sector's parameters, that are none. */
export function checkUpdateStatement(params: SectorParams, statement: UpdateStatement): void {
  checkParams(params);
  checkRecord("statement", statement);
  checkBytes("CommR old", statement.commROld);
  checkBytes("CommD new", statement.commDNew);
  checkBytes("CommR new", statement.commRNew);
  if (statement.highBits !== undefined && !Number.isInteger(statement.highBits))
    badType("statement.highBits", "a number of bits");
}

/** Whether all partitions prove the update. False for any malformed proof; throws as `checkUpdateStatement`. */
export function verifyUpdate(
  proofs: Proofs,
  params: SectorParams,
  statement: UpdateStatement,
  partitions: readonly UpdatePartitionProof[],
): boolean {
  checkProofs(proofs);
  checkUpdateStatement(params, statement);
  if (!isList(partitions, updateParams(params).partitions, isRecord)) return false;
  return partitions.every((partition, k) => verifyUpdatePartition(proofs, params, statement, k, partition));
}

export function verifyUpdatePartition(
  proofs: Proofs,
  params: SectorParams,
  statement: UpdateStatement,
  partition: number,
  proof: UpdatePartitionProof,
): boolean {
  const { commROld, commDNew, commRNew } = statement;
  const update = updateParams(params);
  const highBits = statement.highBits ?? update.highBits;
  if (!update.allowedHighBits.includes(highBits)) return false;
  for (const bytes of [commROld, commDNew, commRNew, proof.commC])
    if (!isBytes(bytes) || !canonical(proofs, bytes)) return false;
  const replicaArities = treeArities(treeRLastShape(params));
  const dataArities = treeArities(treeDShape(params));
  const isChallenge = (opened: unknown): boolean =>
    isRecord(opened) &&
    isPath(opened["oldReplica"], replicaArities) &&
    isPath(opened["newReplica"], replicaArities) &&
    isPath(opened["newData"], dataArities);
  if (!isList(proof.challenges, update.challenges, isChallenge)) return false;
  if (!isList(proof.apexLeaves, update.apexLeaves, (leaf) => isBytes(leaf))) return false;
  const first = proof.challenges[0] as UpdateChallengeProof;
  const [rootOld, rootNew] = [first.oldReplica.root, first.newReplica.root];
  if (!canonical(proofs, rootOld) || !canonical(proofs, rootNew)) return false;
  if (!equal(commROf(proofs, proof.commC, rootOld), commROld)) return false;
  if (!equal(commROf(proofs, proof.commC, rootNew), commRNew)) return false;
  const apexRows = apexTree(proofs, proof.apexLeaves);
  const phi = updatePhi(proofs, commDNew, commROld);
  const bottom = apexRow(params);
  return updateChallenges(proofs, params, commRNew, partition).every((node, i) => {
    const { oldReplica, newData, newReplica } = proof.challenges[i] as UpdateChallengeProof;
    if (!equal(oldReplica.root, rootOld) || !equal(newReplica.root, rootNew)) return false;
    if (!equal(newData.root, commDNew)) return false;
    if (!verifyPath(proofs, oldReplica, { hash: "poseidon", arities: replicaArities, index: node })) return false;
    if (!verifyPath(proofs, newReplica, { hash: "poseidon", arities: replicaArities, index: node })) return false;
    if (!verifyPath(proofs, newData, { hash: "sha256", arities: dataArities, index: node })) return false;
    const rho = updateRho(proofs, phi, Math.floor(node / (params.nodes / 2 ** highBits)));
    if (!verifyEncoding(proofs, oldReplica.leaf, newData.leaf, rho, newReplica.leaf)) return false;
    // The path runs through the apex leaf above its node, and its siblings from there on are those of the apex tree.
    const below = Math.floor(node / 2 ** bottom);
    const apexLeaf = proof.apexLeaves[below % proof.apexLeaves.length] as Uint8Array;
    const lower = { leaf: newData.leaf, root: apexLeaf, steps: newData.steps.slice(0, bottom) };
    if (
      !verifyPath(proofs, lower, { hash: "sha256", arities: dataArities.slice(0, bottom), index: node % 2 ** bottom })
    )
      return false;
    return apexRows.every((row, height) => {
      const step = newData.steps[bottom + height];
      const place = Math.floor(node / 2 ** (bottom + height)) % row.length;
      return step !== undefined && equal(step.siblings[0] as Uint8Array, row[place ^ 1] as Uint8Array);
    });
  });
}

/** Rows of the apex tree, from its leaves to the two nodes below its root. */
function apexTree(proofs: Proofs, leaves: readonly Uint8Array[]): Uint8Array[][] {
  const rows: Uint8Array[][] = [[...leaves]];
  for (let row = rows[0] as Uint8Array[]; row.length > 2; rows.push(row)) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, i) => {
      const pair = new Uint8Array(64);
      pair.set(below[2 * i] as Uint8Array);
      pair.set(below[2 * i + 1] as Uint8Array, 32);
      return parentNode(proofs, "sha256", pair);
    });
  }
  return rows;
}

function verifyEncoding(proofs: Proofs, old: Uint8Array, data: Uint8Array, rho: Uint8Array, next: Uint8Array): boolean {
  return proofs.with(4 * NODE_BYTES, (at) => {
    proofs.instance.write(at, old);
    proofs.instance.write(at + 32, data);
    proofs.instance.write(at + 64, rho);
    if (proofs.exports.updateElements(at, at + 32, at + 64, at + 96, 1) === 0) return false;
    return equal(proofs.instance.read(at + 96, NODE_BYTES), next);
  });
}
