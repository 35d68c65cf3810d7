/**
 * The challenges of PoRep and PoSt.
 *
 * PoRep, interactive:     SHA-256(replica id ‖ seed ‖ j)                                   j over all partitions, u32 LE
 * PoRep, non-interactive: SHA-256("filecoin.io|PoRep|1|NonInteractive|1" ‖ replica id ‖ CommR ‖ j)
 * PoRep, synthetic:       32 bytes of a ChaCha20 stream, keyed by replica id and CommR; the porep's challenges are
 *                         picked from 2^18 such ones by a second stream, keyed by replica id and seed
 *   each as a little-endian number mod (nodes - 1), plus 1: node 0 is never challenged.
 *
 * WinningPoSt, sector:    SHA-256(prover id ‖ randomness ‖ n as u64 LE), first 8 bytes LE, mod number of sectors
 * PoSt, leaf:             SHA-256(randomness ‖ sector number u64 LE ‖ challenge index u64 LE), first 8 bytes LE, mod nodes
 *   randomness always with its two top bits cleared.
 *
 * Source: rust-fil-proofs stacked/vanilla/challenges.rs, storage-proofs-post fallback/{vanilla,utils}.rs.
 */
import { concat, utf8 } from "../base/bytes.ts";
import { describeValue } from "../base/errors.ts";
import type { Proofs } from "../core/proofs.ts";
import { keyedBlake2b256, numberLE, sha256Of, toElement, u32BytesLE, u64Bytes, u64Of } from "./kernel.ts";
import { checkBytes, type PoRepFeature, SectorError, type SectorParams } from "./params.ts";
import { badType, checkParams, checkProofs, checkRecord } from "./shape.ts";

/** Synthetic challenges of a large sector; smaller ones have as many as nodes. */
const SYNTHETIC_COUNT = 1 << 18;
const SYNTHETIC_NONCE = utf8("synth-porep\0");
const GENERATION_KEY = utf8("filecoin.io|PoRep|1|Synthetic|1|Generation");
const SELECTION_KEY = utf8("filecoin.io|PoRep|1|Synthetic|1|Selection");
const NON_INTERACTIVE_TAG = utf8("filecoin.io|PoRep|1|NonInteractive|1");

export type PoRepChallengeInputs = {
  readonly feature: PoRepFeature;
  readonly replicaId: Uint8Array;
  /** Needed by synthetic and non-interactive challenges. */
  readonly commR: Uint8Array;
  /** Interactive randomness; not used by non-interactive challenges. */
  readonly seed: Uint8Array;
};

const FEATURES: readonly PoRepFeature[] = ["interactive", "synthetic", "non-interactive"];

/** Throws `BAD_TYPE` for a feature that is none. */
export function checkFeature(feature: unknown): asserts feature is PoRepFeature {
  if (!FEATURES.includes(feature as PoRepFeature)) badType("feature", FEATURES.join(", "));
}

/** Partitions of a PoRep proof. */
export function porepPartitions(params: SectorParams, feature: PoRepFeature): number {
  return feature === "non-interactive" ? params.niPartitions : params.porepPartitions;
}

/** Challenged nodes of partition `partition`. Throws `OUT_OF_RANGE` for the partition, `BAD_LENGTH` for what is no 32 bytes. */
export function porepChallenges(
  proofs: Proofs,
  params: SectorParams,
  inputs: PoRepChallengeInputs,
  partition: number,
): number[] {
  checkProofs(proofs);
  checkParams(params);
  checkRecord("inputs", inputs);
  checkFeature(inputs.feature);
  if (!Number.isInteger(partition) || partition < 0 || partition >= porepPartitions(params, inputs.feature))
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "partition", value: typeof partition === "number" ? partition : Number.NaN },
      `no partition ${describeValue(partition)}`,
    );
  const first = partition * params.porepChallenges;
  const numbers = Array.from({ length: params.porepChallenges }, (_, i) => first + i);
  const { feature, replicaId, commR, seed } = inputs;
  checkBytes("replica id", replicaId);
  if (feature !== "interactive") checkBytes("CommR", commR);
  if (feature !== "non-interactive") checkBytes("seed", seed);
  if (feature === "synthetic") {
    const count = Math.min(params.nodes, SYNTHETIC_COUNT);
    const selection = new KeyStream(keyedBlake2b256(proofs, SELECTION_KEY, replicaId, seed));
    const generation = new KeyStream(keyedBlake2b256(proofs, GENERATION_KEY, replicaId, commR));
    return numbers.map((j) => {
      const pick = Number(numberLE(selection.read(4 * j, 4))) % count;
      return toNode(generation.read(32 * pick, 32), params.nodes);
    });
  }
  const head = feature === "interactive" ? [replicaId, seed] : [NON_INTERACTIVE_TAG, replicaId, commR];
  return numbers.map((j) => toNode(sha256Of(proofs, ...head, u32BytesLE(j)), params.nodes));
}

/** All synthetic challenges of a replica, from which a seed picks. */
export function syntheticChallenges(
  proofs: Proofs,
  params: SectorParams,
  replicaId: Uint8Array,
  commR: Uint8Array,
): number[] {
  checkProofs(proofs);
  checkParams(params);
  checkBytes("replica id", replicaId);
  checkBytes("CommR", commR);
  const stream = new KeyStream(keyedBlake2b256(proofs, GENERATION_KEY, replicaId, commR));
  const count = Math.min(params.nodes, SYNTHETIC_COUNT);
  return Array.from({ length: count }, (_, i) => toNode(stream.read(32 * i, 32), params.nodes));
}

function toNode(bytes: Uint8Array, nodes: number): number {
  return Number(numberLE(bytes) % BigInt(nodes - 1)) + 1;
}

export type WinningDraw = {
  /** 32 bytes, see `proverId`. */
  readonly proverId: Uint8Array;
  readonly randomness: Uint8Array;
  /** Sectors of the miner to choose from. */
  readonly sectorCount: number | bigint;
  /** Which draw, from 0 on. Default: 0. */
  readonly n?: number;
};

/**
 * Index of the sector that WinningPoSt challenges with its `n`-th draw.
 * Throws `OUT_OF_RANGE` for no sectors, `BAD_TYPE`, `BAD_LENGTH`.
 */
export function winningSector(proofs: Proofs, draw: WinningDraw): bigint {
  checkProofs(proofs);
  checkRecord("draw", draw);
  const { proverId, randomness, sectorCount, n = 0 } = draw;
  checkBytes("prover id", proverId);
  checkBytes("randomness", randomness);
  if (u64Of(sectorCount) === 0n)
    throw new SectorError({ code: "OUT_OF_RANGE", what: "sectors", value: 0 }, "no sectors to choose from");
  const digest = sha256Of(proofs, proverId, toElement(randomness), u64Bytes(n, true));
  return numberLE(digest.subarray(0, 8)) % BigInt(sectorCount);
}

export type LeafDraw = {
  readonly params: SectorParams;
  readonly randomness: Uint8Array;
  readonly sectorNumber: number | bigint;
  /** How it counts depends on the proof, see `post-proof.ts`. */
  readonly index: number;
};

/** Challenged leaf of a sector. Throws `BAD_TYPE`, `BAD_LENGTH`, `OUT_OF_RANGE`. */
export function leafChallenge(proofs: Proofs, draw: LeafDraw): number {
  checkRecord("draw", draw);
  return leafChallenges(proofs, draw, 1)[0] as number;
}

/** The leaves of `count` indices from the draw's on. Throws as `leafChallenge`. */
export function leafChallenges(proofs: Proofs, draw: LeafDraw, count: number): number[] {
  checkProofs(proofs);
  checkRecord("draw", draw);
  const { params, randomness, sectorNumber, index } = draw;
  checkParams(params);
  checkBytes("randomness", randomness);
  const [start, first, nodes] = [
    concat(toElement(randomness), u64Bytes(sectorNumber, true)),
    u64Of(index),
    params.nodes,
  ];
  return proofs.with(80, (at) => {
    const { instance, exports } = proofs;
    instance.write(at, start);
    return Array.from({ length: count }, (_, n) => {
      instance.write(at + 40, u64Bytes(first + BigInt(n), true));
      exports.sha256(at, 48, at + 48);
      return Number(numberLE(instance.read(at + 48, 8)) % BigInt(nodes));
    });
  });
}

/** ChaCha20 key stream (RFC 8439 layout: 32-bit counter from 0, 96-bit nonce), read at any byte. */
class KeyStream {
  private readonly state: Uint32Array;
  private number = -1;
  private block = new Uint8Array(64);

  constructor(key: Uint8Array) {
    const words = new Uint32Array(16);
    words.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    const view = new DataView(key.buffer, key.byteOffset);
    for (let i = 0; i < 8; i++) words[4 + i] = view.getUint32(4 * i, true);
    const nonce = new DataView(SYNTHETIC_NONCE.buffer, SYNTHETIC_NONCE.byteOffset);
    for (let i = 0; i < 3; i++) words[13 + i] = nonce.getUint32(4 * i, true);
    this.state = words;
  }

  read(from: number, length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.blockOf((from + i) >>> 6)[(from + i) & 63] as number;
    return out;
  }

  private blockOf(number: number): Uint8Array {
    if (number === this.number) return this.block;
    const start = this.state.slice();
    start[12] = number;
    const x = start.slice();
    for (let round = 0; round < 10; round++) {
      quarter(x, 0, 4, 8, 12);
      quarter(x, 1, 5, 9, 13);
      quarter(x, 2, 6, 10, 14);
      quarter(x, 3, 7, 11, 15);
      quarter(x, 0, 5, 10, 15);
      quarter(x, 1, 6, 11, 12);
      quarter(x, 2, 7, 8, 13);
      quarter(x, 3, 4, 9, 14);
    }
    const view = new DataView(this.block.buffer);
    for (let i = 0; i < 16; i++) view.setUint32(4 * i, (x[i] as number) + (start[i] as number), true);
    this.number = number;
    return this.block;
  }
}

function quarter(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  const mix = (to: number, from: number, xor: number, bits: number): void => {
    x[to] = (x[to] as number) + (x[from] as number);
    const t = (x[xor] as number) ^ (x[to] as number);
    x[xor] = (t << bits) | (t >>> (32 - bits));
  };
  mix(a, b, d, 16);
  mix(c, d, b, 12);
  mix(a, b, d, 8);
  mix(c, d, b, 7);
}
