/**
 * Vanilla proofs of spacetime: replica nodes opened against CommRLast, for many sectors in partitions.
 *
 *   WinningPoSt  one sector, 66 leaves; index of the n-th leaf: n
 *   WindowPoSt   10 leaves of every sector, `SectorParams.windowSectors` sectors in a partition, the last one repeated to
 *                fill it; index of the n-th leaf: n, or, before the fix of its grindability ("legacy", API 1.0 and 1.1),
 *                10 · (place of the sector in the whole list) + n
 *
 * A WindowPoSt is of a set of sectors: they are proved in the order of their numbers, each once. The miner actor names a
 * good sector in the place of every faulty one, so lists that arrive from it hold the same sector several times. The place
 * counts the sectors that are proved; skipped (faulty) sectors are left out of the list on both sides.
 * Source: rust-fil-proofs storage-proofs-post fallback/vanilla.rs, filecoin-proofs api/{post_util,window_post}.rs.
 */
import { equal } from "../../base/bytes.ts";
import type { Proofs } from "../../core/proofs.ts";
import { leafChallenges } from "../challenges.ts";
import { u64Of } from "../kernel.ts";
import { canonical, isPath, KnownParents, type MerklePath, verifyPath } from "../merkle-path.ts";
import { checkBytes, SectorError, type SectorParams } from "../params.ts";
import { commROf } from "../seal/seal.ts";
import { badType, checkParams, checkProofs, checkRecord, checkRecords, isBytes, isList, isRecord } from "../shape.ts";
import { P_AUX_FILE, type SectorStore } from "../store.ts";
import { SectorTree, treeArities, treeRLastShape } from "../tree.ts";

export const WINNING_LEAVES = 66;
export const WINDOW_LEAVES = 10;

export type PoStKind = "winning" | "window" | "window-legacy";

const KINDS: readonly PoStKind[] = ["winning", "window", "window-legacy"];

/** Throws `BAD_TYPE` for a kind that is none: it must not pass for the kind that is left. */
function checkKind(kind: unknown): asserts kind is PoStKind {
  if (!KINDS.includes(kind as PoStKind)) badType("kind", KINDS.join(", "));
}

/** A sector as the chain knows it. */
export type PublicSector = { readonly sectorNumber: number | bigint; readonly commR: Uint8Array };

/** The openings of one sector. */
export type SectorPoSt = {
  readonly sectorNumber: number | bigint;
  readonly commC: Uint8Array;
  readonly commRLast: Uint8Array;
  readonly paths: readonly MerklePath[];
};

/** A partition: openings of its sectors in order, the last repeated up to the partition's size. */
export type PoStPartitionProof = readonly SectorPoSt[];

/** A sector that can be proved: its public side and its files. */
export type PrivateSector = PublicSector & { readonly store: SectorStore };

/**
 * The sectors as a proof takes them: for a WindowPoSt by ascending number, each once, for a WinningPoSt as they are.
 * Throws `OUT_OF_RANGE` for a number that is none, `CONFLICTING_SECTORS` for one number with two CommRs, `BAD_TYPE`,
 * `BAD_LENGTH`.
 */
export function provedSectors<Sector extends PublicSector>(kind: PoStKind, sectors: readonly Sector[]): Sector[] {
  checkKind(kind);
  checkRecords("sectors", sectors);
  for (const { commR } of sectors) checkBytes("CommR", commR);
  const keyed = sectors.map((sector) => ({ sector, number: u64Of(sector.sectorNumber) }));
  if (kind === "winning") return [...sectors];
  keyed.sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : 0));
  const once = keyed.filter(({ sector, number }, i) => {
    const next = keyed[i + 1];
    if (next?.number !== number) return true;
    if (equal(next.sector.commR, sector.commR)) return false;
    throw new SectorError({ code: "CONFLICTING_SECTORS", sector: number }, `sector ${number} has two CommRs`);
  });
  return once.map(({ sector }) => sector);
}

/** What a PoSt is about: its kind, 32 bytes of chain randomness, and the sectors of one size. */
export type PoStStatement<Sector extends PublicSector = PublicSector> = {
  readonly params: SectorParams;
  readonly kind: PoStKind;
  readonly randomness: Uint8Array;
  readonly sectors: readonly Sector[];
};

/** One sector of a PoSt, at `place` in the list of proved sectors. */
export type SectorInPoSt = Omit<PoStStatement, "sectors"> & {
  readonly sectorNumber: number | bigint;
  readonly place: number;
};

/** Challenged leaves of a sector. Throws `BAD_TYPE`, `BAD_LENGTH`, `OUT_OF_RANGE`. */
export function postChallenges(proofs: Proofs, sector: SectorInPoSt): number[] {
  checkRecord("sector", sector);
  const { params, kind, randomness, sectorNumber, place } = sector;
  checkKind(kind);
  const count = kind === "winning" ? WINNING_LEAVES : WINDOW_LEAVES;
  const first = kind === "window-legacy" ? place * count : 0;
  return leafChallenges(proofs, { params, randomness, sectorNumber, index: first }, count);
}

/**
 * Opens the challenged leaves of one sector. `known`: parents that were computed before, of trees so small that every proof opens most
 * of them; what is looked up is found by all bytes of its children, so changed files are found as without it.
 * Throws `FAULTY_SECTORS` if its files do not prove its CommR.
 */
export async function proveSectorPoSt(
  proofs: Proofs,
  params: SectorParams,
  sector: PrivateSector,
  challenges: readonly number[],
  known: KnownParents = new KnownParents(),
): Promise<SectorPoSt> {
  const { sectorNumber, store } = sector;
  try {
    const aux = (await store.read(P_AUX_FILE, 0, 64)).slice();
    const [commC, commRLast] = [aux.subarray(0, 32), aux.subarray(32)];
    const tree = await SectorTree.open(proofs, treeRLastShape(params), store, { known });
    // Small sectors are asked for some leaves more than once.
    const opened = new Map<number, MerklePath>();
    for (const leaf of challenges) if (!opened.has(leaf)) opened.set(leaf, await tree.path(leaf));
    const paths = challenges.map((leaf) => opened.get(leaf) as MerklePath);
    const proof: SectorPoSt = { sectorNumber, commC, commRLast, paths };
    if (verifySector(proofs, params, sector, proof, challenges, known)) return proof;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw faulty(Number(sectorNumber), reason, cause);
  }
  throw faulty(Number(sectorNumber), "its files do not have its CommR");
}

function faulty(sector: number, reason: string, cause?: unknown): SectorError {
  const text = `sector ${sector} cannot be proved: ${reason}`;
  return new SectorError({ code: "FAULTY_SECTORS", sectors: [sector] }, text, { cause });
}

/** What is thrown when some of many sectors failed: the error of the one, or of all with the first one's reason. */
export function faultySectors(sectors: readonly number[], first: Error): Error {
  if (sectors.length === 1) return first;
  const text = `sectors ${sectors.join(", ")} cannot be proved; ${first.message}`;
  return new SectorError({ code: "FAULTY_SECTORS", sectors }, text, { cause: first });
}

/** Sectors per partition of a kind of proof. */
export function partitionSectors(params: SectorParams, kind: PoStKind): number {
  return kind === "winning" ? 1 : params.windowSectors;
}

/**
 * Proves all sectors, in partitions, in the order of `provedSectors`. A WinningPoSt takes exactly one.
 * Throws `FAULTY_SECTORS` that names every sector that could not be proved; the caller may skip them and prove again.
 * `known`: see `proveSectorPoSt`.
 */
export async function provePoSt(
  proofs: Proofs,
  request: PoStStatement<PrivateSector> & { readonly signal?: AbortSignal; readonly known?: KnownParents },
): Promise<PoStPartitionProof[]> {
  checkRecord("request", request);
  const { signal, known, ...statement } = request;
  checkPoStStatement(proofs, statement);
  const { params, kind, randomness, sectors } = statement;
  checkCount(kind, sectors.length);
  const size = partitionSectors(params, kind);
  const partitions: SectorPoSt[][] = [];
  const faults: number[] = [];
  let first: Error | null = null;
  for (const [place, sector] of provedSectors(kind, sectors).entries()) {
    signal?.throwIfAborted();
    if (place % size === 0) partitions.push([]);
    const challenges = postChallenges(proofs, { params, kind, randomness, sectorNumber: sector.sectorNumber, place });
    try {
      partitions.at(-1)?.push(await proveSectorPoSt(proofs, params, sector, challenges, known));
    } catch (error) {
      if (!(error instanceof SectorError) || error.data.code !== "FAULTY_SECTORS") throw error;
      faults.push(...error.data.sectors);
      first ??= error;
    }
  }
  if (first !== null) throw faultySectors(faults, first);
  for (const partition of partitions) while (partition.length < size) partition.push(partition.at(-1) as SectorPoSt);
  return partitions;
}

function checkCount(kind: PoStKind, sectors: number): void {
  if (kind === "winning" ? sectors === 1 : sectors > 0) return;
  throw new SectorError(
    { code: "OUT_OF_RANGE", what: "sectors", value: sectors },
    `a ${kind} PoSt of ${sectors} sectors`,
  );
}

/** Throws `BAD_TYPE`, `BAD_LENGTH`: a statement, or a module, that is none. */
export function checkPoStStatement(proofs: Proofs, statement: PoStStatement): void {
  checkProofs(proofs);
  checkRecord("statement", statement);
  checkParams(statement.params);
  checkKind(statement.kind);
  checkBytes("randomness", statement.randomness);
  checkRecords("sectors", statement.sectors);
}

/**
 * Whether the partitions prove all sectors, in the order of `provedSectors`. False for a malformed proof, whatever it is.
 * Throws `BAD_TYPE` and `BAD_LENGTH` for a malformed statement, and what `provedSectors` throws.
 */
export function verifyPoSt(
  proofs: Proofs,
  statement: PoStStatement,
  partitions: readonly PoStPartitionProof[],
): boolean {
  checkPoStStatement(proofs, statement);
  const { params, kind, randomness, sectors } = statement;
  const size = partitionSectors(params, kind);
  if (sectors.length === 0 || (kind === "winning" && sectors.length !== 1)) return false;
  const proved = provedSectors(kind, sectors);
  const isPartition = (partition: unknown): boolean => isList(partition, size, isRecord);
  if (!isList(partitions, Math.ceil(proved.length / size), isPartition)) return false;
  for (const [k, partition] of partitions.entries()) {
    for (const [i, proof] of partition.entries()) {
      const place = Math.min(k * size + i, proved.length - 1);
      const sector = proved[place] as PublicSector;
      const challenges = postChallenges(proofs, { params, kind, randomness, sectorNumber: sector.sectorNumber, place });
      if (!verifySector(proofs, params, sector, proof, challenges)) return false;
    }
  }
  return true;
}

/** Whether a proof's number, which may be anything, is the sector's: 5 and 5n are equal, the text "5" is no number. */
function sameNumber(given: unknown, number: number | bigint): boolean {
  if (typeof given === "bigint") return given === BigInt(number);
  return typeof given === "number" && Number.isSafeInteger(given) && BigInt(given) === BigInt(number);
}

function verifySector(
  proofs: Proofs,
  params: SectorParams,
  sector: PublicSector,
  proof: SectorPoSt,
  challenges: readonly number[],
  known: KnownParents = new KnownParents(),
): boolean {
  const { commC, commRLast, paths } = proof;
  const arities = treeArities(treeRLastShape(params));
  if (!sameNumber(proof.sectorNumber, sector.sectorNumber)) return false;
  if (!isList(paths, challenges.length, (path) => isPath(path, arities))) return false;
  if (!isBytes(commC) || !isBytes(commRLast) || !isBytes(sector.commR)) return false;
  if (!canonical(proofs, commC) || !canonical(proofs, commRLast)) return false;
  if (!equal(commROf(proofs, commC, commRLast), sector.commR)) return false;
  // One path of one leaf, given again, is as right as the first time.
  const right = new Map<number, MerklePath>();
  return paths.every((path, i) => {
    const index = challenges[i] as number;
    if (right.get(index) === path) return true;
    right.set(index, path);
    return equal(path.root, commRLast) && verifyPath(proofs, path, { hash: "poseidon", arities, index, known });
  });
}
