/**
 * What a registered proof fixes: sector size, graph, trees, partitions and challenges; data only.
 *
 * Source: rust-fil-proofs filecoin-proofs/src/constants.rs; rust-filecoin-proofs-api src/registry.rs. Sizes without a
 * registered proof (4, 16, 32 KiB, …) have the tree shapes of 64 and 32 GiB sectors and serve as stand-ins in tests.
 */
import { describeValue, FilError } from "../base/errors.ts";
import { SECTOR_SIZES, sectorSizeOf } from "../params/proving.ts";

export type SectorErrorData =
  | { readonly code: "UNKNOWN_SECTOR_SIZE"; readonly sectorBytes: number }
  | { readonly code: "UNKNOWN_SEAL_PROOF"; readonly proof: number }
  /** An argument that is not what its type says. */
  | { readonly code: "BAD_TYPE"; readonly what: string }
  /** Data, a file or an argument of the wrong length. */
  | { readonly code: "BAD_LENGTH"; readonly what: string; readonly length: number; readonly expected: number }
  /** A node that is no field element. */
  | { readonly code: "NOT_CANONICAL"; readonly what: string }
  /** A number outside of its range. */
  | { readonly code: "OUT_OF_RANGE"; readonly what: string; readonly value: number }
  /** A file of the sector that is missing. */
  | { readonly code: "MISSING_FILE"; readonly name: string }
  /** Something else than a file, such as a folder or a pipe, where a file of the sector must be. */
  | { readonly code: "NOT_A_FILE"; readonly name: string }
  /** Sectors whose seal proofs have different types, where they must be of one. */
  | { readonly code: "MIXED_PROOFS"; readonly proof: number }
  /** One sector with two replica commitments. */
  | { readonly code: "CONFLICTING_SECTORS"; readonly sector: bigint }
  /** Sectors that cannot be proved. */
  | { readonly code: "FAULTY_SECTORS"; readonly sectors: readonly number[] };

export class SectorError extends FilError<SectorErrorData> {}

/** Throws `BAD_TYPE` unless these are bytes, `BAD_LENGTH` unless there are `expected` of them. */
export function checkBytes(what: string, bytes: Uint8Array, expected = 32): void {
  if (!(bytes instanceof Uint8Array)) throw new SectorError({ code: "BAD_TYPE", what }, `${what}: bytes expected`);
  if (bytes.length === expected) return;
  throw new SectorError(
    { code: "BAD_LENGTH", what, length: bytes.length, expected },
    `${what} of ${bytes.length} bytes, expected ${expected}`,
  );
}

/** Bytes of a node: one field element. */
export const NODE_BYTES = 32;
/** Base and expander parents of a node. */
export const BASE_DEGREE = 6;
export const EXPANDER_DEGREE = 8;
/** Bytes of a node's parents in a table: 14 × u32. */
export const PARENTS_BYTES = 4 * (BASE_DEGREE + EXPANDER_DEGREE);
/** Parent labels that enter a label, repetitions counted. */
export const LABEL_PARENTS = 37;

export type SectorParams = {
  readonly sectorBytes: number;
  readonly nodes: number;
  readonly layers: number;
  /** Arities of Poseidon trees above the 8-ary base trees, from below; empty for one base tree. */
  readonly upper: readonly number[];
  /** Partitions of an interactive PoRep proof, and challenges in each. */
  readonly porepPartitions: number;
  readonly porepChallenges: number;
  /** Partitions of a non-interactive PoRep proof, with as many challenges in each. */
  readonly niPartitions: number;
  /** Sectors in a partition of WindowPoSt. */
  readonly windowSectors: number;
};

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

function params(
  sectorBytes: number,
  upper: readonly number[],
  large?: { readonly windowSectors: number },
): SectorParams {
  const common = { sectorBytes, nodes: sectorBytes / NODE_BYTES, upper };
  return large === undefined
    ? { ...common, layers: 2, porepPartitions: 1, porepChallenges: 2, niPartitions: 13, windowSectors: 2 }
    : { ...common, layers: 11, porepPartitions: 10, porepChallenges: 18, niPartitions: 126, ...large };
}

/** All sector sizes, published ones and stand-ins. */
export const SECTOR_PARAMS: readonly SectorParams[] = [
  params(2 * KIB, []),
  params(4 * KIB, [2]),
  params(16 * KIB, [8]),
  params(32 * KIB, [8, 2]),
  params(8 * MIB, []),
  params(16 * MIB, [2]),
  params(512 * MIB, []),
  params(1 * GIB, [2]),
  params(32 * GIB, [8], { windowSectors: 2349 }),
  params(64 * GIB, [8, 2], { windowSectors: 2300 }),
];

/** A size as people write it: "2KiB", "32GiB"; another number of bytes as it is. */
export function sectorSizeText(bytes: number): string {
  for (const [unit, name] of [[GIB, "GiB"] as const, [MIB, "MiB"] as const, [KIB, "KiB"] as const])
    if (bytes % unit === 0 && bytes > 0) return `${bytes / unit}${name}`;
  return `${bytes}`;
}

/** Parameters of a sector size. Throws `UNKNOWN_SECTOR_SIZE`. */
export function sectorParams(sectorBytes: number): SectorParams {
  const found = SECTOR_PARAMS.find((one) => one.sectorBytes === sectorBytes);
  if (found === undefined)
    throw new SectorError(
      { code: "UNKNOWN_SECTOR_SIZE", sectorBytes: numberOr(sectorBytes) },
      `no sectors of ${describeValue(sectorBytes)} bytes; there are ${SECTOR_PARAMS.map((one) => sectorSizeText(one.sectorBytes)).join(", ")}`,
    );
  return found;
}

/** A number for an error's data, whatever was given. */
function numberOr(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

/** How the challenges of a PoRep come about. */
export type PoRepFeature = "interactive" | "synthetic" | "non-interactive";

export type SealProof = {
  /** Number of the registered seal proof. */
  readonly number: number;
  readonly sectorBytes: number;
  /** API 1.0.0, the order of base parents before November 2020. */
  readonly legacy: boolean;
  readonly feature: PoRepFeature;
};

const SEAL_GROUPS: readonly { readonly legacy: boolean; readonly feature: PoRepFeature }[] = [
  { legacy: true, feature: "interactive" },
  { legacy: false, feature: "interactive" },
  { legacy: false, feature: "synthetic" },
  { legacy: false, feature: "non-interactive" },
];

/** The registered seal proof of a number: five sizes in each of the groups V1, V1_1, synthetic, non-interactive. */
export function sealProof(number: number): SealProof {
  const whole = Number.isInteger(number) && number >= 0;
  const group = whole ? SEAL_GROUPS[Math.floor(number / SECTOR_SIZES.length)] : undefined;
  const sectorBytes = whole ? sectorSizeOf(number) : undefined;
  if (group === undefined || sectorBytes === undefined)
    throw new SectorError(
      { code: "UNKNOWN_SEAL_PROOF", proof: numberOr(number) },
      `no registered seal proof ${describeValue(number)}`,
    );
  return { number, sectorBytes, ...group };
}

/** PoRep id: the proof's number as u64 LE, a nonce of zero, 16 zeros. Throws `UNKNOWN_SEAL_PROOF`. */
export function porepId(proof: SealProof): Uint8Array {
  sealProof(proof?.number);
  const out = new Uint8Array(32);
  out[0] = proof.number;
  return out;
}

/**
 * The prover id of a miner: its actor id as unsigned varint, followed by zeros to 32 bytes. Throws `OUT_OF_RANGE` unless
 * the id is one of 64 bits.
 */
export function proverId(actorId: bigint): Uint8Array {
  if (typeof actorId !== "bigint" || BigInt.asUintN(64, actorId) !== actorId)
    throw new SectorError(
      { code: "OUT_OF_RANGE", what: "actor id", value: numberOr(actorId) },
      `${describeValue(actorId)} is no actor id`,
    );
  const out = new Uint8Array(32);
  let rest = actorId;
  for (let i = 0; ; i++) {
    out[i] = Number(rest & 0x7fn) | (rest >= 0x80n ? 0x80 : 0);
    rest >>= 7n;
    if (rest === 0n) return out;
  }
}
