/**
 * Jobs and results as JSON, their bytes in a store. What JSON lacks is spelled as an object of one key:
 *
 *   { "$hex": text }      up to 64 bytes              { "$blob": name }          more, in the store
 *   { "$big": text }      a bigint                     { "$map": [[key, value]] }  a map
 *   { "$range": [path, from, length] }                  a range of a file below the store (a job's source)
 *   { "$path": path }                                   a folder below the store
 */
import { platform } from "#platform";
import { fromHex, toHex } from "../base/bytes.ts";
import { type BlobStore, getBlob, putBlob, StoreError } from "./store.ts";

/** Bytes that may stand in the text itself: a digest, a number. */
const INLINE_BYTES = 64;
/** Depth of objects in a job; none has more than a few. */
const MAX_DEPTH = 16;
/** Fields that hold a folder's path. */
const PATH_FIELDS: ReadonlySet<string> = new Set(["directory", "parents"]);

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The path below the store's folder, null if it is not below. */
function inside(store: BlobStore, path: string): string | null {
  if (store.folder === null || !path.startsWith(`${store.folder}/`)) return null;
  const rest = path.slice(store.folder.length + 1);
  return isRelative(rest) ? rest : null;
}

function isRelative(path: string): boolean {
  return path !== "" && !path.split(/[/\\]/).some((part) => part === "" || part === "." || part === "..");
}

/** Spells a job or a result; its larger bytes go to the store first. Throws `NOT_SHARED` for folders outside of the store. */
export async function pack(store: BlobStore, value: unknown, depth = 0): Promise<Json> {
  if (depth > MAX_DEPTH) throw new RangeError("a job nested too deep");
  if (value === null || typeof value === "boolean" || typeof value === "string" || typeof value === "number")
    return value;
  if (typeof value === "bigint") return { $big: value.toString() };
  if (value instanceof Uint8Array)
    return value.length <= INLINE_BYTES ? { $hex: toHex(value) } : { $blob: await putBlob(store, value) };
  if (Array.isArray(value)) return Promise.all(value.map((one) => pack(store, one, depth + 1)));
  if (value instanceof Map) return { $map: await pack(store, [...value], depth + 1) };
  if (typeof value !== "object") throw new TypeError(`a ${typeof value} in a job`);
  const { file, from, length } = value as { file?: unknown; from?: unknown; length?: unknown };
  if (typeof file === "string" && typeof from === "number" && typeof length === "number") {
    const path = inside(store, file);
    if (path !== null) return { $range: [path, from, length] };
    // Bytes that only this machine sees go by the store, under their digest, so once only.
    return { bytes: await pack(store, await platform.readRange(file, from, length), depth + 1) };
  }
  const out: Record<string, Json> = {};
  for (const [key, one] of Object.entries(value)) {
    if (one === undefined) continue;
    if (PATH_FIELDS.has(key) && typeof one === "string") {
      const path = inside(store, one);
      if (path === null)
        throw new StoreError(
          { code: "NOT_SHARED", path: one },
          `${one} does not lie in the store that the machines share`,
        );
      out[key] = { $path: path };
    } else out[key] = await pack(store, one, depth + 1);
  }
  return out;
}

/** Reads what `pack` spelled. Throws `NOT_STORED`, `STORE_CHANGED`, `NOT_SHARED`; `TypeError` for what it never spells. */
export async function unpack(store: BlobStore, value: unknown, depth = 0): Promise<unknown> {
  if (depth > MAX_DEPTH) throw new RangeError("a job nested too deep");
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return Promise.all(value.map((one) => unpack(store, one, depth + 1)));
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0].startsWith("$") === true) return special(store, first[0], first[1], depth);
  const out: Record<string, unknown> = {};
  for (const [key, one] of entries) out[key] = await unpack(store, one, depth + 1);
  return out;
}

async function special(store: BlobStore, key: string, value: unknown, depth: number): Promise<unknown> {
  if (key === "$hex" && typeof value === "string") return fromHex(value);
  if (key === "$big" && typeof value === "string") return BigInt(value);
  if (key === "$blob" && typeof value === "string" && /^blobs\/[0-9a-f]{64}$/.test(value)) return getBlob(store, value);
  if (key === "$map") return new Map((await unpack(store, value, depth + 1)) as [unknown, unknown][]);
  if (key === "$path" && typeof value === "string" && isRelative(value)) {
    if (store.folder === null)
      throw new StoreError({ code: "NOT_SHARED", path: value }, `this machine does not see the folder of ${value}`);
    return `${store.folder}/${value}`;
  }
  if (key === "$range" && Array.isArray(value)) {
    const [path, from, length] = value as [unknown, unknown, unknown];
    if (typeof path === "string" && isRelative(path) && Number.isSafeInteger(from) && Number.isSafeInteger(length)) {
      if (store.folder !== null) return { file: `${store.folder}/${path}`, from, length };
      const bytes = await store.read(path, { from: from as number, length: length as number });
      if (bytes === null) throw new StoreError({ code: "NOT_STORED", name: path }, `the store has no ${path}`);
      return { bytes };
    }
  }
  throw new TypeError(`${key} is nothing that a job is spelled with`);
}
