/**
 * Is this what its type says? Proofs come from strangers, often through JSON, so a verifier looks before it uses: what has
 * another shape than a proof is no proof, and what has another shape than a statement is the caller's mistake.
 */
import { Proofs } from "../core/proofs.ts";
import { SectorError, type SectorParams } from "./params.ts";

/** A value of which nothing is known but that some of these fields may be there. */
export type Loose = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Loose {
  return typeof value === "object" && value !== null;
}

/** Bytes, exactly 32 of them unless told otherwise. */
export function isBytes(value: unknown, length = 32): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length;
}

/** A list of exactly `length` elements (any number if null), each of which `of` finds in order. */
export function isList(value: unknown, length: number | null, of: (element: unknown) => boolean): boolean {
  if (!Array.isArray(value) || (length !== null && value.length !== length)) return false;
  // A loop by index: `every` skips what a sparse array lacks.
  for (let i = 0; i < value.length; i++) if (!of(value[i])) return false;
  return true;
}

/** Throws `BAD_TYPE`: an argument that is not what its type says. */
export function badType(what: string, wanted: string): never {
  throw new SectorError({ code: "BAD_TYPE", what }, `${what}: ${wanted} expected`);
}

/** Throws `BAD_TYPE` unless the value is an object. */
export function checkRecord(what: string, value: unknown): asserts value is Loose {
  if (!isRecord(value)) badType(what, "an object");
}

/** Throws `BAD_TYPE` unless the value is a list of objects. */
export function checkRecords(what: string, value: unknown): void {
  if (!isList(value, null, isRecord)) badType(what, "a list of objects");
}

/** Throws `BAD_TYPE` unless the value is an instance of the proof module. */
export function checkProofs(value: unknown): void {
  if (!(value instanceof Proofs)) badType("proofs", "what loadProofs gives");
}

/** Numbers of `SectorParams` and the most that each may be, so that no loop over them is the caller's to choose. */
const COUNTS: Readonly<Record<keyof Omit<SectorParams, "upper">, number>> = {
  sectorBytes: 2 ** 37,
  nodes: 2 ** 32,
  layers: 64,
  porepPartitions: 1024,
  porepChallenges: 1024,
  niPartitions: 1024,
  windowSectors: 1 << 16,
};

/** Throws `BAD_TYPE` unless the parameters are those of a sector that this package can work on. */
export function checkParams(params: unknown): asserts params is SectorParams {
  checkRecord("params", params);
  for (const [name, most] of Object.entries(COUNTS)) {
    const value = params[name];
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most)
      badType(`params.${name}`, "a count");
  }
  const nodes = params["nodes"] as number;
  if (params["sectorBytes"] !== 32 * nodes || 2 ** Math.round(Math.log2(nodes)) !== nodes || nodes < 64)
    badType("params.nodes", "a power of two, 64 at least, that makes up the sector");
  if (!isList(params["upper"], null, (arity) => arity === 2 || arity === 8))
    badType("params.upper", "a list of arities");
}
