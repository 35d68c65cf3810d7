/**
 * Sealing a sector (stacked DRG PoRep): data in, replica and trees out, window by window over a `SectorStore`.
 *
 *   data (Fr32, aligned pieces)  →  tree D  →  CommD
 *   replica id = element( SHA-256( prover id ‖ sector number u64 BE ‖ ticket ‖ CommD ‖ PoRep id ) )
 *   labels, layer by layer       →  columns  →  tree C  →  CommC
 *   replica = last layer + data  →  tree R-last  →  CommRLast
 *   CommR = Poseidon(CommC, CommRLast)
 *
 * Memory: sectors up to 512 MiB are labelled with two whole layers in the module (twice the sector), larger ones window by
 * window with the layers in files (`paged-labels.ts`); everything else takes windows of 1 MiB.
 */
import type { Proofs } from "../../core/proofs.ts";
import { parentNode, sha256Of, toElement, u64Bytes } from "../kernel.ts";
import {
  checkBytes,
  NODE_BYTES,
  porepId,
  type SealProof,
  SectorError,
  type SectorParams,
  sectorParams,
} from "../params.ts";
import { checkParams, checkProofs, checkRecord } from "../shape.ts";
import { layerFile, P_AUX_FILE, SEALED_FILE, type SectorStore, shortFile, UNSEALED_FILE } from "../store.ts";
import {
  buildWindow,
  closeTree,
  treeCShape,
  treeDShape,
  treeRLastShape,
  treeWindow,
  type WindowRange,
  windowCount,
} from "../tree.ts";
import { type SealOptions, step, withMemory } from "./kit.ts";
import { generateLabels, type KeepLabels } from "./labels.ts";
import { labelPaged } from "./paged-labels.ts";

/** Whose sector it is, and the chain randomness it is sealed with. */
export type SectorIdentity = {
  readonly proof: SealProof;
  /** 32 bytes, see `proverId`. */
  readonly proverId: Uint8Array;
  readonly sectorNumber: number | bigint;
  /** 32 bytes of chain randomness from before sealing. */
  readonly ticket: Uint8Array;
};

export type SealedSector = {
  readonly replicaId: Uint8Array;
  readonly commD: Uint8Array;
  readonly commC: Uint8Array;
  readonly commRLast: Uint8Array;
  readonly commR: Uint8Array;
};

/** Sectors beyond this are labelled through files. */
export const MAX_SEALED_BYTES = 512 * 1024 * 1024;

/** The sector's parameters. Throws `BAD_TYPE`, `UNKNOWN_SECTOR_SIZE`. */
function paramsOf(proofs: Proofs, identity: SectorIdentity, options: SealOptions): SectorParams {
  checkProofs(proofs);
  checkRecord("identity", identity);
  checkRecord("identity.proof", identity.proof);
  checkRecord("options", options);
  const params = options.params ?? sectorParams(identity.proof.sectorBytes);
  checkParams(params);
  return params;
}

export function replicaIdOf(
  proofs: Proofs,
  identity: SectorIdentity,
  commD: Uint8Array,
  porep?: Uint8Array,
): Uint8Array {
  checkRecord("identity", identity);
  checkBytes("prover id", identity.proverId);
  checkBytes("ticket", identity.ticket);
  checkBytes("CommD", commD);
  const number = u64Bytes(identity.sectorNumber, false);
  const id = porep ?? porepId(identity.proof);
  return toElement(sha256Of(proofs, identity.proverId, number, identity.ticket, commD, id));
}

/** Seals the data in the store's `unsealed` file; all further files are written to the store. */
export async function sealSector(
  proofs: Proofs,
  store: SectorStore,
  identity: SectorIdentity,
  options: SealOptions = {},
): Promise<SealedSector> {
  const params = paramsOf(proofs, identity, options);
  const { commD, replicaId } = await sealLayers(proofs, store, identity, options);
  const commC = await buildTreeC(proofs, store, params, options);
  const commRLast = await encodeReplica(proofs, store, params, options);
  return finishSeal(proofs, store, { replicaId, commD, commC, commRLast });
}

/** The first half of sealing, which no two threads can share: tree D and the labels of all layers. */
export async function sealLayers(
  proofs: Proofs,
  store: SectorStore,
  identity: SectorIdentity,
  options: SealOptions = {},
): Promise<{ readonly commD: Uint8Array; readonly replicaId: Uint8Array }> {
  const params = options.params ?? sectorParams(identity.proof.sectorBytes);
  const size = await store.size(UNSEALED_FILE);
  if (size !== params.sectorBytes)
    throw new SectorError(
      { code: "BAD_LENGTH", what: UNSEALED_FILE, length: size ?? 0, expected: params.sectorBytes },
      `the unsealed data has ${size ?? 0} bytes, expected ${params.sectorBytes}`,
    );
  const commD = await buildTreeD(proofs, store, params, options);
  const porep = options.porepId ?? porepId(identity.proof);
  const replicaId = replicaIdOf(proofs, identity, commD, porep);
  const labels = { replicaId, porepId: porep, legacy: identity.proof.legacy };
  const keep: KeepLabels = (layer, from, window) => store.write(layerFile(layer), from * NODE_BYTES, window);
  if (isPaged(params, options)) await labelPaged(proofs, store, params, labels, options);
  else await generateLabels(proofs, params, labels, keep, options);
  return { commD, replicaId };
}

function isPaged(params: SectorParams, options: SealOptions): boolean {
  return params.sectorBytes > MAX_SEALED_BYTES || options.paging !== undefined;
}

/** The last step of sealing: CommR, and the file of its parts. */
export async function finishSeal(
  proofs: Proofs,
  store: SectorStore,
  parts: Omit<SealedSector, "commR">,
): Promise<SealedSector> {
  const { commC, commRLast } = parts;
  const aux = new Uint8Array(64);
  aux.set(commC);
  aux.set(commRLast, 32);
  await store.write(P_AUX_FILE, 0, aux);
  return { ...parts, commR: commROf(proofs, commC, commRLast) };
}

export function commROf(proofs: Proofs, commC: Uint8Array, commRLast: Uint8Array): Uint8Array {
  const children = new Uint8Array(64);
  children.set(commC);
  children.set(commRLast, 32);
  return parentNode(proofs, "poseidon", children);
}

/** Tree D over the file `from`; returns CommD. Throws `NOT_CANONICAL`. */
export async function buildTreeD(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  options: SealOptions = {},
  from: string = UNSEALED_FILE,
): Promise<Uint8Array> {
  const shape = treeDShape(params);
  const window = treeWindow(shape);
  const bytes = window * NODE_BYTES;
  const roots = await withMemory(proofs, bytes, (at) =>
    eachWindow({ first: 0, count: windowCount(shape) }, "tree D", options, async (index) => {
      proofs.instance.write(at, await store.read(from, index * bytes, bytes));
      if (proofs.exports.elementsCanonical(at, window) === 0)
        throw new SectorError({ code: "NOT_CANONICAL", what: from }, `${from} holds nodes that are no field elements`);
      return buildWindow(proofs, shape, store, index, at);
    }),
  );
  return closeTree(proofs, shape, store, roots);
}

async function eachWindow(
  range: WindowRange,
  phase: string,
  options: SealOptions,
  work: (window: number) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  const roots: Uint8Array[] = [];
  for (let i = 0; i < range.count; i++) {
    roots.push(await work(range.first + i));
    step(options, phase, i + 1, range.count);
  }
  return roots;
}

/** Hashes the columns of all layers and builds tree C over them; returns CommC. */
export async function buildTreeC(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  options: SealOptions = {},
): Promise<Uint8Array> {
  const shape = treeCShape(params);
  const all = { first: 0, count: windowCount(shape) };
  return closeTree(proofs, shape, store, await columnWindows(proofs, store, params, all, options));
}

/** The windows `range` of tree C, from the layers' files; returns their roots. */
export function columnWindows(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  range: WindowRange,
  options: SealOptions = {},
): Promise<Uint8Array[]> {
  const shape = treeCShape(params);
  const window = treeWindow(shape);
  const bytes = window * NODE_BYTES;
  return withMemory(proofs, bytes * (params.layers + 1), (labels) => {
    const columns = labels + bytes * params.layers;
    return eachWindow(range, "tree C", options, async (index) => {
      for (let layer = 0; layer < params.layers; layer++)
        proofs.instance.write(labels + layer * bytes, await store.read(layerFile(layer + 1), index * bytes, bytes));
      if (proofs.exports.columnRange(labels, bytes, params.layers, window, columns) === 0)
        throw new SectorError({ code: "NOT_CANONICAL", what: "labels" }, "a label is no field element");
      return buildWindow(proofs, shape, store, index, columns);
    });
  });
}

/** Encodes the data with the last layer into the replica and builds tree R-last over it; returns CommRLast. */
export async function encodeReplica(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  options: SealOptions = {},
): Promise<Uint8Array> {
  const shape = treeRLastShape(params);
  const all = { first: 0, count: windowCount(shape) };
  return closeTree(proofs, shape, store, await replicaWindows(proofs, store, params, all, options));
}

/** The windows `range` of the replica and of tree R-last; returns their roots. */
export function replicaWindows(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  range: WindowRange,
  options: SealOptions = {},
): Promise<Uint8Array[]> {
  const shape = treeRLastShape(params);
  const window = treeWindow(shape);
  const bytes = window * NODE_BYTES;
  return withMemory(proofs, 2 * bytes, (at) =>
    eachWindow(range, "tree R", options, async (index) => {
      proofs.instance.write(at, await store.read(UNSEALED_FILE, index * bytes, bytes));
      proofs.instance.write(at + bytes, await store.read(layerFile(params.layers), index * bytes, bytes));
      proofs.exports.addElements(at + bytes, at, at, window);
      await store.write(SEALED_FILE, index * bytes, proofs.instance.read(at, bytes));
      return buildWindow(proofs, shape, store, index, at);
    }),
  );
}

/** Builds tree R-last over an existing replica; returns CommRLast. */
export async function buildTreeRLast(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  options: SealOptions = {},
): Promise<Uint8Array> {
  const shape = treeRLastShape(params);
  const bytes = treeWindow(shape) * NODE_BYTES;
  const roots = await withMemory(proofs, bytes, (at) =>
    eachWindow({ first: 0, count: windowCount(shape) }, "tree R", options, async (index) => {
      proofs.instance.write(at, await store.read(SEALED_FILE, index * bytes, bytes));
      return buildWindow(proofs, shape, store, index, at);
    }),
  );
  return closeTree(proofs, shape, store, roots);
}

/** A range of a sector's data. */
export type UnsealRequest = SealOptions & {
  readonly identity: SectorIdentity;
  readonly commD: Uint8Array;
  /** First byte of the data, before Fr32, and how many. */
  readonly from: number;
  readonly length: number;
};

/**
 * Recovers the raw bytes `[from, from + length)` of the sector's data (before Fr32) from its replica.
 * The last layer's file is used if the store has it; otherwise all labels are computed again, which costs as much as
 * sealing whatever the range, and the last layer is left in the store for the next range. Throws `OUT_OF_RANGE`, and
 * `BAD_LENGTH` for a replica of another size than the seal proof's.
 */
export async function unsealRange(proofs: Proofs, store: SectorStore, request: UnsealRequest): Promise<Uint8Array> {
  checkRecord("request", request);
  const { identity, commD, from, length, ...options } = request;
  const params = paramsOf(proofs, identity, options);
  checkBytes("CommD", commD);
  const { firstNode, nodes, cut } = rawRange(params, from, length);
  // Before the labels, which cost as much as sealing: a seal proof of another size would recompute another sector's.
  const size = await store.size(SEALED_FILE);
  if (size === null)
    throw new SectorError({ code: "MISSING_FILE", name: SEALED_FILE }, `the sector has no file ${SEALED_FILE}`);
  if (size !== params.sectorBytes) throw shortFile(SEALED_FILE, size, params.sectorBytes);
  if (length === 0) return new Uint8Array(0);
  const keys = await replicaKeys(proofs, store, { identity, commD, firstNode, nodes, ...options });
  const replica = await store.read(SEALED_FILE, firstNode * NODE_BYTES, nodes * NODE_BYTES);
  const raw = proofs.with(2 * nodes * NODE_BYTES, (at) => {
    const key = at + nodes * NODE_BYTES;
    proofs.instance.write(at, replica);
    proofs.instance.write(key, keys);
    if (proofs.exports.elementsCanonical(at, 2 * nodes) === 0)
      throw new SectorError(
        { code: "NOT_CANONICAL", what: SEALED_FILE },
        "the replica holds nodes that are no elements",
      );
    proofs.exports.subtractElements(at, key, at, nodes);
    proofs.exports.fr32Unpad(at, key, nodes / 4);
    return proofs.instance.read(key, (nodes / 4) * 127);
  });
  return cut(raw);
}

/** The nodes that hold raw bytes of a sector (127 in each four nodes), and what cuts those bytes out of theirs. Throws `OUT_OF_RANGE`. */
export function rawRange(params: SectorParams, from: number, length: number) {
  const rawBytes = (params.sectorBytes / 128) * 127;
  if (
    !Number.isSafeInteger(from) ||
    !Number.isSafeInteger(length) ||
    from < 0 ||
    length < 0 ||
    from + length > rawBytes
  )
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "range", value: typeof from === "number" ? from : Number.NaN },
      `the data has ${rawBytes} bytes`,
    );
  const firstQuad = Math.floor(from / 127);
  const quads = Math.ceil((from + length) / 127) - firstQuad;
  const start = from - firstQuad * 127;
  return { firstNode: firstQuad * 4, nodes: quads * 4, cut: (raw: Uint8Array) => raw.slice(start, start + length) };
}

/** Labels of the last layer, of some nodes: out of the layer's file, or computed again, which leaves the file. */
export async function replicaKeys(
  proofs: Proofs,
  store: SectorStore,
  {
    identity,
    commD,
    firstNode,
    nodes,
    ...options
  }: SealOptions & Pick<UnsealRequest, "identity" | "commD"> & { readonly firstNode: number; readonly nodes: number },
): Promise<Uint8Array> {
  const params = options.params ?? sectorParams(identity.proof.sectorBytes);
  const file = layerFile(params.layers);
  return (await store.size(file)) === params.sectorBytes
    ? store.read(file, firstNode * NODE_BYTES, nodes * NODE_BYTES)
    : recomputeKeys(proofs, store, params, identity, commD, firstNode, nodes, options);
}

async function recomputeKeys(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  identity: SectorIdentity,
  commD: Uint8Array,
  firstNode: number,
  nodes: number,
  options: SealOptions,
): Promise<Uint8Array> {
  const porep = options.porepId ?? porepId(identity.proof);
  const replicaId = replicaIdOf(proofs, identity, commD, porep);
  const labels = { replicaId, porepId: porep, legacy: identity.proof.legacy };
  const file = layerFile(params.layers);
  const last = () => store.read(file, firstNode * NODE_BYTES, nodes * NODE_BYTES);
  if (isPaged(params, options)) {
    const paging = { ...options.paging, lastLayerOnly: true };
    await labelPaged(proofs, store, params, labels, { ...options, paging });
    return last();
  }
  // Written in order, so the file has its length only when it has all labels.
  await store.remove(file);
  const keep: KeepLabels = async (layer, from, window) => {
    if (layer === params.layers) await store.write(file, from * NODE_BYTES, window);
  };
  await generateLabels(proofs, params, labels, keep, options);
  return last();
}
