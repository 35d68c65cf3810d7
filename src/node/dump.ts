/**
 * A local network of one process as one CAR file, and back: everything that a snapshot has (`snapshots.ts`), with all blocks.
 *
 * Form 1, or form 2 of a network with actors of a bundle. The root is the block of DAG-CBOR that says the rest:
 *
 *   filigree, form   what this is
 *   options          what the network was made with; what of it is an amount, as decimal text
 *   facts            links to lists of [name, value]: the store's facts, at most 1,000 a block
 *   files            links to lists of [miner, sector, name, bytes]: files of new sectors, a file a block
 *   wallet           keys in the clear (they are a local network's, and public), and which is the default
 *   pool             signed messages of others that wait; those of the network's own user are among the facts
 *   clock, miners    how epochs pass; what the laboratory plays
 *   bundles          form 2: published actors whose code is left out, by network, version and root (`dump-actors.ts`)
 *
 * Blocks of the store follow in the order of their CIDs, so that the same network gives the same file on every runtime.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { encodeVarint } from "../base/varint.ts";
import type { KeyType } from "../keys/keys.ts";
import type { SectorCopy } from "../miner/folders/copies.ts";
import type { ActorBundle } from "../params/actor-codes.ts";
import { WINDOW_POST } from "../params/proving.ts";
import type { ScheduledVersion } from "../params/upgrades.ts";
import { carHeader } from "../storage/car.ts";
import { type ByteSource, CarReader } from "../storage/car-reader.ts";
import { type BlockHashes, checkBlock } from "../storage/check-block.ts";
import type { Block, BlockStore } from "../storage/contract.ts";
import { CID, cidFromBytes, cidKey, cidOfBlock } from "../types/cid.ts";
import { type NamedBundle, namesOf, publishedAs } from "./dump-actors.ts";
import type { ProofMode } from "./proof-mode.ts";

export type DumpErrorData =
  /** The file is no dump, or one of another form. */
  | { readonly code: "BAD_DUMP"; readonly why: string }
  /** A fork: what it never asked the other node for is not here. */
  | { readonly code: "OF_FORK" }
  /** There is a network in the folder already. */
  | { readonly code: "NOT_EMPTY" }
  /** What a file was loaded into is not whole: that was interrupted. */
  | { readonly code: "HALF_LOADED" };
export class DumpError extends FilError<DumpErrorData> {}

/** What a network was made with. */
export type DumpedOptions = {
  readonly accounts: number;
  readonly balance: string;
  readonly seed: string;
  readonly mnemonic: string;
  readonly blockTime: number;
  readonly genesisTime: number;
  readonly miners: number;
  readonly sectors: number;
  readonly proofs: ProofMode;
  /** Of networks with actors of a bundle. */
  readonly networkVersion?: number;
  readonly predeploy?: boolean;
  /** Versions that come while it runs. */
  readonly upgrades?: readonly ScheduledVersion[];
};
export type DumpedMiner = {
  readonly miner: string;
  readonly on: boolean;
  /** Deadlines whose proofs are left out; null: all. */
  readonly skipped: readonly number[] | null;
  readonly faults: readonly (readonly [sector: number, fault: "lost" | "changed"])[];
};
/** All but blocks, facts and files. */
export type DumpedRest = {
  readonly options: DumpedOptions;
  readonly wallet: {
    readonly chosen: string | null;
    readonly keys: readonly (readonly [type: KeyType, secret: Uint8Array])[];
  };
  readonly pool: readonly Uint8Array[];
  readonly clock: { readonly automine: boolean; readonly blockTime: number };
  readonly miners: readonly DumpedMiner[];
  /** Published actors whose code is not in the file. */
  readonly bundles?: readonly NamedBundle[];
};
export type Dumped = DumpedRest & {
  readonly facts: readonly (readonly [name: string, value: Uint8Array])[];
  readonly sectors: readonly SectorCopy[];
};

const KIND = "local network";
const [FORM, FORM_OF_BUNDLES] = [1, 2];
const FACTS_A_BLOCK = 1000;
/** Facts, files and messages of a dump at the most. */
const MOST = 10_000_000;
/** Upgrades of a network. */
const MOST_VERSIONS = 100;
/** Blocks that are written at once. */
const BATCH = 1000;

/** The sections of the file, its header first, without the code of `bundles`. Blocks are read from `store` as they are wanted. */
export async function* dumpSections(
  dumped: Dumped,
  store: BlockStore,
  bundles: readonly ActorBundle[],
): AsyncGenerator<Uint8Array> {
  const own: Block[] = [];
  const put = (value: unknown): CID => {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    own.push({ cid: cid.bytes, bytes });
    return cid;
  };
  const { facts, sectors, ...rest } = dumped;
  const sorted = [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
  const pieces: CID[] = [];
  for (let at = 0; at < sorted.length; at += FACTS_A_BLOCK) pieces.push(put(sorted.slice(at, at + FACTS_A_BLOCK)));
  const files = sectors.flatMap(({ sector, files: named }) =>
    [...named].sort().map(([name, bytes]) => put([`${sector.miner}`, sector.number, name, bytes])),
  );
  const isOfBundle = rest.options.networkVersion !== undefined;
  const named = isOfBundle ? { form: FORM_OF_BUNDLES, bundles: namesOf(bundles) } : { form: FORM };
  const root = put({ filigree: KIND, ...named, facts: pieces, files, ...rest });
  yield carHeader([root]);
  for (const block of own.reverse()) yield section(block);
  const cids: Uint8Array[] = [];
  const left = new Set(bundles.flatMap(({ codes }) => [...codes.values()].map(cidKey)));
  for await (const { cid } of store.everyBlock()) if (!left.has(cidKey(cid))) cids.push(cid.slice());
  cids.sort(compare);
  for (const cid of cids) {
    const bytes = store.peek(cid) ?? (await store.get(cid));
    if (bytes !== undefined) yield section({ cid, bytes });
  }
}

async function openDump(file: ByteSource): Promise<readonly [reader: CarReader, root: Uint8Array]> {
  const reader = await CarReader.open(file);
  const [root] = reader.roots;
  return root === undefined || reader.roots.length !== 1 ? bad("it does not have one root") : [reader, root];
}

/** What a file's network was made with, and published actors that it names. Throws as `readDump`. */
export async function readOptions(
  file: ByteSource,
  hashes: BlockHashes,
): Promise<{ readonly options: DumpedOptions; readonly bundles: readonly NamedBundle[] }> {
  const [reader, root] = await openDump(file);
  const first = (await reader.next())?.block;
  if (first === undefined || compare(first.cid, root) !== 0) return bad("the root is not its first block");
  if (checkBlock(first, hashes) !== "right") bad("the first block is not the one of its CID");
  const { options, bundles = [] } = restOf(first.bytes);
  return { options, bundles };
}

/** Writes a file's blocks into a store and gives the rest. Throws `DumpError` BAD_DUMP, `CarError`. */
export async function readDump(file: ByteSource, store: BlockStore, hashes: BlockHashes): Promise<Dumped> {
  const [reader, root] = await openDump(file);
  /** Blocks of the dump itself: those that come before the store's. */
  const own = new Map<string, Uint8Array>();
  let rest: (DumpedRest & { readonly facts: readonly CID[]; readonly files: readonly CID[] }) | null = null;
  let wanted = new Set<string>([`${cidFromBytes(root)}`]);
  let batch: Block[] = [];
  for (let next = await reader.next(); next !== null; next = await reader.next()) {
    const block = { cid: next.block.cid.slice(), bytes: next.block.bytes.slice() };
    if (checkBlock(block, hashes) !== "right") bad(`the block at byte ${next.at} is not the one of its CID`);
    const name = `${cidFromBytes(block.cid)}`;
    if (wanted.delete(name)) {
      if (rest !== null) own.set(name, block.bytes);
      else {
        rest = restOf(block.bytes);
        wanted = new Set([...rest.facts, ...rest.files].map(String));
        // Each is read once, so that what is read is no more than the file.
        if (wanted.size < rest.facts.length + rest.files.length) bad("its root names a block twice");
      }
      continue;
    }
    if (rest === null) bad("the root is not its first block");
    batch.push(block);
    if (batch.length < BATCH) continue;
    await store.write({ blocks: batch });
    batch = [];
  }
  await store.write({ blocks: batch });
  if (rest === null || wanted.size > 0) bad("blocks that its root names are missing");
  const { facts, files, ...others } = rest as NonNullable<typeof rest>;
  const decoded = (cid: CID): unknown => decode(own.get(`${cid}`) as Uint8Array, "a block that its root names");
  return { ...others, facts: facts.flatMap((cid) => factsOf(decoded(cid))), sectors: sectorsOf(files.map(decoded)) };
}

export function badDump(why: string, cause?: unknown): DumpError {
  return new DumpError({ code: "BAD_DUMP", why }, `not a dump of a local network: ${why}`, { cause });
}

function bad(why: string): never {
  throw badDump(why);
}

function section({ cid, bytes }: Block): Uint8Array {
  return concat(encodeVarint(BigInt(cid.length + bytes.length)), cid, bytes);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

// Reading, with every shape checked.

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isDeadline = (value: unknown): boolean =>
  isCount(value) && value < WINDOW_POST.provingPeriod / WINDOW_POST.challengeWindow;

function object(value: unknown, what: string): Fields {
  return isObject(value) ? value : bad(`${what} is no map`);
}

function list<T>(value: unknown, what: string, is: (one: unknown) => boolean): readonly T[] {
  if (!Array.isArray(value) || value.length > MOST || !value.every(is)) bad(`${what} is no list of what it should be`);
  return value as T[];
}

function decode(bytes: Uint8Array, what: string): unknown {
  try {
    return dagCbor.decode(bytes);
  } catch {
    return bad(`${what} is no DAG-CBOR`);
  }
}

function restOf(bytes: Uint8Array) {
  const { filigree, form, ...fields } = object(decode(bytes, "its root"), "the root");
  if (filigree !== KIND) bad("its root says something else");
  if (form !== FORM && form !== FORM_OF_BUNDLES)
    bad(`it has form ${String(form).slice(0, 20)}, and this version reads forms ${FORM} and ${FORM_OF_BUNDLES}`);
  const options = object(fields["options"], "options");
  const ofBundle = form === FORM_OF_BUNDLES ? ofBundles(options, fields["bundles"]) : null;
  for (const name of ["accounts", "genesisTime", "miners", "sectors"])
    if (!isCount(options[name])) bad(`options.${name} is no count`);
  for (const name of ["seed", "mnemonic", "balance", "proofs"])
    if (typeof options[name] !== "string") bad(`options.${name} is no text`);
  if (!/^\d{1,40}$/.test(options["balance"] as string)) bad("options.balance is no amount");
  const wallet = object(fields["wallet"], "wallet");
  const isKey = (one: unknown): boolean =>
    Array.isArray(one) &&
    ["secp256k1", "bls"].includes(one[0] as string) &&
    one[1] instanceof Uint8Array &&
    one[1].length === 32;
  const clock = object(fields["clock"], "clock");
  if (typeof clock["automine"] !== "boolean" || typeof clock["blockTime"] !== "number") bad("clock is not one");
  if (typeof options["blockTime"] !== "number") bad("options.blockTime is no number");
  const isBytes = (one: unknown): boolean => one instanceof Uint8Array;
  const isLink = (one: unknown): boolean => CID.asCID(one) !== null;
  return {
    // Those that are known, and no others: where a network runs and keeps its keys is for whoever loads the file to say.
    options: { ...pick(options), ...ofBundle?.options },
    ...(ofBundle === null ? {} : { bundles: ofBundle.bundles }),
    wallet: {
      chosen: typeof wallet["chosen"] === "string" ? wallet["chosen"] : null,
      keys: list<readonly [KeyType, Uint8Array]>(wallet["keys"], "wallet.keys", isKey),
    },
    pool: list<Uint8Array>(fields["pool"], "pool", isBytes),
    clock: clock as DumpedRest["clock"],
    miners: list<DumpedMiner>(fields["miners"], "miners", isMiner),
    facts: list<CID>(fields["facts"], "facts", isLink),
    files: list<CID>(fields["files"], "files", isLink),
  };
}

function pick(options: Fields): DumpedOptions {
  const { accounts, balance, seed, mnemonic, blockTime, genesisTime, miners, sectors, proofs } =
    options as DumpedOptions;
  return { accounts, balance, seed, mnemonic, blockTime, genesisTime, miners, sectors, proofs };
}

/** What form 2 has beyond form 1. */
function ofBundles({ networkVersion, predeploy = false, upgrades = [] }: Fields, bundles: unknown) {
  if (!isCount(networkVersion)) return bad("options.networkVersion is no count");
  if (typeof predeploy !== "boolean") return bad("options.predeploy is neither true nor false");
  const isUpgrade = (one: unknown): boolean => isObject(one) && isCount(one["epoch"]) && isCount(one["networkVersion"]);
  const later = list<ScheduledVersion>(upgrades, "options.upgrades", isUpgrade);
  if (later.length > MOST_VERSIONS)
    bad(`options.upgrades has ${later.length} upgrades, and ${MOST_VERSIONS} are allowed`);
  const isNamed = (one: unknown): boolean => isObject(one) && CID.asCID(one["root"]) !== null;
  const named = list<NamedBundle>(bundles, "bundles", isNamed);
  for (const one of named)
    if (publishedAs(one) === undefined)
      bad(`it names a bundle of actors with the root ${one.root}, and this version knows no such one`);
  // Each is known, so that there are no more than this version knows.
  if (new Set(named.map(({ root }) => `${root}`)).size < named.length) bad("its root names a bundle twice");
  return { options: { networkVersion, predeploy, upgrades: later }, bundles: named };
}

function isMiner(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { miner, on, skipped, faults } = value;
  const isFault = (one: unknown): boolean =>
    Array.isArray(one) && isCount(one[0]) && ["lost", "changed"].includes(one[1] as string);
  return (
    typeof miner === "string" &&
    typeof on === "boolean" &&
    (skipped === null || (Array.isArray(skipped) && skipped.every(isDeadline))) &&
    Array.isArray(faults) &&
    faults.every(isFault)
  );
}

function factsOf(value: unknown): readonly (readonly [string, Uint8Array])[] {
  const isFact = (one: unknown): boolean =>
    Array.isArray(one) && typeof one[0] === "string" && one[1] instanceof Uint8Array;
  return list(value, "a block of facts", isFact);
}

function sectorsOf(files: readonly unknown[]): readonly SectorCopy[] {
  const sectors = new Map<string, { sector: SectorCopy["sector"]; files: Map<string, Uint8Array> }>();
  for (const file of files) {
    const [miner, number, name, bytes] = Array.isArray(file) ? (file as unknown[]) : [];
    const isFile =
      typeof miner === "string" &&
      /^\d{1,20}$/.test(miner) &&
      isCount(number) &&
      // A name of a file and of nothing else, wherever it is written.
      typeof name === "string" &&
      /^[\w-][\w.-]{0,99}$/.test(name) &&
      bytes instanceof Uint8Array;
    if (!isFile) bad("a file of a sector is not one");
    const key = `${miner}/${number}`;
    const found = sectors.get(key) ?? {
      sector: { miner: BigInt(miner as string), number: number as number },
      files: new Map(),
    };
    sectors.set(key, found);
    found.files.set(name as string, bytes as Uint8Array);
  }
  return [...sectors.values()];
}
