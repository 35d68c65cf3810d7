/**
 * Everything that `proofs.wasm` exports to its host, by the entry file that exports it.
 *
 * `PROOF_EXPORTS` is what an instance is checked against when it is made: the compiler holds it to the types, and a module
 * that lacks a name, or has a constant where a function belongs, is refused as `LINK_FAILED`.
 */
import { CIRCUIT_EXPORTS, type CircuitExports } from "./circuit-exports.ts";
import type { ExportKinds } from "./instance.ts";
import { SNARK_EXPORTS, type SnarkExports } from "./snark-exports.ts";

/** What `assembly/entry/proofs.ts` itself exports. */
export type MemoryExports = {
  allocate(bytes: number): number;
  release(address: number): void;
};

/** What `assembly/entry/proofs-pieces.ts` exports. */
export type PieceExports = {
  hashNode(input: number, out: number): void;
  hashLevel(input: number, out: number, count: number): void;
  zeroNode(level: number): number;
  fr32Pad(raw: number, padded: number, quads: number): void;
  fr32Unpad(padded: number, raw: number, quads: number): void;
  stackInit(stack: number): void;
  stackPush(stack: number, node: number, level: number): void;
  stackLevel(stack: number, least: number): number;
  stackRoot(stack: number, level: number, out: number): void;
  pieceInit(context: number): void;
  pieceInput(context: number): number;
  pieceAbsorb(context: number): void;
  pieceFinish(context: number, held: number, out: number): number;
  dataCommitment(sectorBytes: bigint, pieces: number, count: number, out: number): number;
  readonly PIECE_CONTEXT_BYTES: WebAssembly.Global;
  readonly MERKLE_STACK_BYTES: WebAssembly.Global;
  readonly WINDOW_BYTES: WebAssembly.Global;
  readonly WINDOW_LEVEL: WebAssembly.Global;
};

/** What `assembly/entry/proofs-poseidon.ts` exports. */
export type PoseidonExports = {
  poseidon(arity: number, input: number, out: number): number;
  poseidonTagged(arity: number, tag: bigint, input: number, out: number): number;
  poseidonPlain(arity: number, tag: bigint, input: number, out: number): number;
  poseidonLevel(arity: number, input: number, out: number, count: number): number;
  poseidonParameters(arity: number, out: number): number;
  poseidonAny(work: number, arity: number, strengthened: number, tag: number, input: number, out: number): number;
  poseidonAnyBytes(arity: number, strengthened: number): number;
};

/** What `assembly/entry/proofs-seal.ts` exports. */
export type SealExports = {
  sha256(input: number, length: number, out: number): void;
  blake2bInit(context: number, outLength: number): void;
  blake2bInitKeyed(context: number, outLength: number, key: number, keyLength: number): void;
  blake2bUpdate(context: number, input: number, length: number): void;
  blake2bFinal(context: number, out: number): void;
  graphBytes(nodes: number): number;
  graphInit(graph: number, porepId: number, nodes: number, legacy: number): void;
  graphParents(graph: number, from: number, count: number, out: number): void;
  labelRange(
    replicaId: number,
    layer: number,
    current: number,
    previous: number,
    parents: number,
    slot: number,
    node: bigint,
    count: number,
  ): void;
  countEdges(graph: number, from: number, count: number, shift: number, bySource: number, byTarget: number): void;
  sortEdges(
    graph: number,
    from: number,
    count: number,
    shift: number,
    fills: number,
    buckets: number,
    capacity: number,
  ): number;
  scatterEdges(
    edges: number,
    count: number,
    labels: number,
    shift: number,
    fills: number,
    buckets: number,
    capacity: number,
  ): number;
  scatterExpander(
    graph: number,
    labels: number,
    from: number,
    count: number,
    shift: number,
    first: number,
    windows: number,
    fills: number,
    buckets: number,
    capacity: number,
  ): number;
  windowParents(graph: number, from: number, count: number, out: number): void;
  placeBase(records: number, count: number, current: number, slot: number, parents: number): void;
  placeExpander(records: number, count: number, slots: number): void;
  columnRange(labels: number, stride: number, layers: number, count: number, out: number): number;
  addElements(a: number, b: number, out: number, count: number): void;
  subtractElements(a: number, b: number, out: number, count: number): void;
  elementsCanonical(elements: number, count: number): number;
  updateElements(old: number, data: number, rho: number, out: number, count: number): number;
  revertElements(updated: number, old: number, inverseRho: number, out: number, count: number): number;
};

/** What the verifier exports; see `assembly/proofs/verify/groth16.ts`. */
export type Groth16Exports = {
  groth16KeySize(length: number): number;
  groth16PrepareKey(key: number, bytes: number, length: number, checked: number): number;
  groth16InputCount(key: number): number;
  groth16Scratch(proofs: number, inputs: number): number;
  groth16Verify(key: number, proof: number, length: number, inputs: number, count: number, scratch: number): number;
  groth16VerifyBatch(
    key: number,
    proofs: number,
    length: number,
    count: number,
    inputs: number,
    inputCount: number,
    entropy: number,
    scratch: number,
  ): number;
  aggregateScratch(length: number, inputs: number): number;
  aggregateVerify(
    key: number,
    srs: number,
    proof: number,
    length: number,
    inputs: number,
    inputCount: number,
    rows: number,
    include: number,
    includeLength: number,
    version: number,
    entropy: number,
    scratch: number,
  ): number;
};

export type ProofExports = MemoryExports &
  PieceExports &
  PoseidonExports &
  SealExports &
  Groth16Exports &
  SnarkExports &
  CircuitExports;

export const PROOF_EXPORTS: ExportKinds<ProofExports> = {
  allocate: "function",
  release: "function",
  hashNode: "function",
  hashLevel: "function",
  zeroNode: "function",
  fr32Pad: "function",
  fr32Unpad: "function",
  stackInit: "function",
  stackPush: "function",
  stackLevel: "function",
  stackRoot: "function",
  pieceInit: "function",
  pieceInput: "function",
  pieceAbsorb: "function",
  pieceFinish: "function",
  dataCommitment: "function",
  PIECE_CONTEXT_BYTES: "global",
  MERKLE_STACK_BYTES: "global",
  WINDOW_BYTES: "global",
  WINDOW_LEVEL: "global",
  poseidon: "function",
  poseidonTagged: "function",
  poseidonPlain: "function",
  poseidonLevel: "function",
  poseidonParameters: "function",
  poseidonAny: "function",
  poseidonAnyBytes: "function",
  sha256: "function",
  blake2bInit: "function",
  blake2bInitKeyed: "function",
  blake2bUpdate: "function",
  blake2bFinal: "function",
  graphBytes: "function",
  graphInit: "function",
  graphParents: "function",
  labelRange: "function",
  countEdges: "function",
  sortEdges: "function",
  scatterEdges: "function",
  scatterExpander: "function",
  windowParents: "function",
  placeBase: "function",
  placeExpander: "function",
  columnRange: "function",
  addElements: "function",
  subtractElements: "function",
  elementsCanonical: "function",
  updateElements: "function",
  revertElements: "function",
  groth16KeySize: "function",
  groth16PrepareKey: "function",
  groth16InputCount: "function",
  groth16Scratch: "function",
  groth16Verify: "function",
  groth16VerifyBatch: "function",
  aggregateScratch: "function",
  aggregateVerify: "function",
  ...SNARK_EXPORTS,
  ...CIRCUIT_EXPORTS,
};
