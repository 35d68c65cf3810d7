/**
 * Files and folders as UnixFS, and back. Version 1 with CIDv1: raw leaves of 1 MiB, 1,024 links a node, folders sharded above
 * 256 KiB of block: the profile `unixfs-v1-2025` of IPIP-499, so that CIDs are those of other tools.
 */
import type { UnixFSEntry } from "ipfs-unixfs-exporter";
import type { ImportCandidate } from "ipfs-unixfs-importer";
import type { BlockSource } from "../../storage/contract.ts";
import { CID } from "../../types/cid.ts";
import { DataError } from "./errors.ts";
import { blockOf } from "./links.ts";

/** Something to import: a file with its content, or an empty folder; the path has the names of the folders above it. */
export type InputEntry = { readonly path: string; readonly content?: AsyncIterable<Uint8Array> };

export type Put = (cid: CID, bytes: Uint8Array) => Promise<void>;

/** Blocks of one file that are hashed and written at once: 1 MiB each. */
const BLOCKS_AT_ONCE = 8;
const FILES_AT_ONCE = 4;
const PROFILE = "unixfs-v1-2025";
/** Deepest folder, and longest name in bytes. */
const MAX_DEPTH = 128;
const MAX_NAME = 255;

/** Imports entries that have one file or folder above all of them; gives its CID. */
export async function importUnixfs(entries: AsyncIterable<InputEntry>, put: Put): Promise<CID> {
  // Loaded on first use: most nodes import nothing.
  const { importer } = await import("ipfs-unixfs-importer");
  let root: CID | null = null;
  const store = {
    // The importer's libraries may have a class of CIDs of their own.
    put: async (cid: unknown, bytes: Uint8Array) => {
      await put(CID.asCID(cid) as CID, bytes);
      return cid;
    },
  };
  const options = {
    profile: PROFILE,
    blockWriteConcurrency: BLOCKS_AT_ONCE,
    fileImportConcurrency: FILES_AT_ONCE,
  } as const;
  for await (const { cid } of importer(entries as AsyncIterable<ImportCandidate>, store as never, options))
    root = CID.asCID(cid);
  if (root === null) throw new DataError({ code: "BAD_INPUT" }, "there is nothing to import");
  return root;
}

/** A file or folder of a DAG. `path` is below the root, "" for the root itself. */
export type OutputEntry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly size: bigint; content(): AsyncIterable<Uint8Array> };

type Exported = UnixFSEntry;

/** All files and folders of a UnixFS DAG, folders before what is in them. Throws `DataError` for names that lie elsewhere. */
export async function* exportUnixfs(blocks: BlockSource, root: CID): AsyncGenerator<OutputEntry> {
  const store = {
    async *get(cid: unknown) {
      yield await blockOf(blocks, CID.asCID(cid) as CID);
    },
  };
  const { exporter } = await import("ipfs-unixfs-exporter");
  const open = (cid: CID): Promise<Exported> => exporter(cid as never, store as never);
  const pending: { readonly cid: CID; readonly path: readonly string[] }[] = [{ cid: root, path: [] }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { cid, path } = next;
    const entry = await open(cid);
    const name = path.join("/");
    if (entry.type !== "directory") {
      yield fileOf(entry, name);
      continue;
    }
    yield { kind: "folder", path: name };
    if (path.length >= MAX_DEPTH) throw new DataError({ code: "LIMIT" }, `folders are deeper than ${MAX_DEPTH}`);
    for await (const child of (entry as { entries(): AsyncIterable<{ name: string; cid: unknown }> }).entries())
      pending.push({ cid: CID.asCID(child.cid) as CID, path: [...path, checkName(child.name)] });
  }
}

function fileOf(entry: Exported, path: string): OutputEntry {
  const isSymlink = (entry as { unixfs?: { type?: string } }).unixfs?.type === "symlink";
  if (isSymlink || (entry.type !== "file" && entry.type !== "raw" && entry.type !== "identity"))
    throw new DataError({ code: "BAD_INPUT" }, `${path === "" ? "the root" : path} is neither a file nor a folder`);
  return { kind: "file", path, size: BigInt(entry.size), content: () => entry.content() as AsyncIterable<Uint8Array> };
}

/** A name that stays in its folder; throws `DataError` BAD_NAME. */
function checkName(name: string): string {
  const isBad = name === "" || name === "." || name === ".." || /[/\\\0]/.test(name) || name.length > MAX_NAME;
  if (isBad)
    throw new DataError({ code: "BAD_NAME" }, `a file named ${JSON.stringify(name.slice(0, 80))} cannot be written`);
  return name;
}
