/**
 * Where the bytes of queued jobs lie: a folder that all machines see, or a server of such a folder (`filigree store`).
 *
 * Names are paths of a few words below the store. Content under `blobs/` is named by its SHA-256, so it never changes and is
 * checked when it is read; what is written twice is the same.
 */
import { platform } from "#platform";
import { AnswerSizeError, readBytes } from "../base/answer-text.ts";
import { toHex } from "../base/bytes.ts";
import { sha256 } from "../base/digests.ts";
import { FilError } from "../base/errors.ts";

export type StoreErrorData =
  /** No such content. */
  | { readonly code: "NOT_STORED"; readonly name: string }
  /** The content is not what its name says. */
  | { readonly code: "STORE_CHANGED"; readonly name: string }
  /** The server refused, or answered what no store answers. */
  | { readonly code: "STORE_REFUSED"; readonly name: string; readonly status: number }
  /** A store that is neither a folder nor an HTTP address. */
  | { readonly code: "BAD_STORE"; readonly url: string }
  /** A path of this machine that other machines cannot see. */
  | { readonly code: "NOT_SHARED"; readonly path: string };

export class StoreError extends FilError<StoreErrorData> {}

export type BlobStore = {
  /** The folder, if this machine can read it as one; otherwise bytes come by `read` only. */
  readonly folder: string | null;
  /** Bytes `[from, from + length)`, fewer at the end; all without a range. Null if there is no such content. */
  read(name: string, range?: { readonly from: number; readonly length: number }): Promise<Uint8Array | null>;
  write(name: string, bytes: Uint8Array): Promise<void>;
  has(name: string): Promise<boolean>;
};

/** Most bytes that are read or written at once. */
const MAX_BYTES = 2 ** 30;

/** The store at a URL (`file:`, `http:`, `https:`) or path. `token` goes with every request to a server. */
export function openStore(url: string, token?: string): BlobStore {
  if (/^https?:/.test(url)) return serverStore(url.replace(/\/+$/, ""), token);
  if (/^file:/.test(url)) return folderStore(decodeURIComponent(new URL(url).pathname));
  if (/^[a-z][a-z0-9+.-]+:/i.test(url))
    throw new StoreError({ code: "BAD_STORE", url }, `${url} is no folder and no HTTP address`);
  return folderStore(url);
}

function folderStore(folder: string): BlobStore {
  const pathOf = (name: string): string => `${folder}/${name}`;
  return {
    folder,
    read: async (name, range) => {
      const size = await platform.fileSize(pathOf(name));
      if (size === null) return null;
      const { from, length } = range ?? { from: 0, length: size };
      return platform.readRange(pathOf(name), from, Math.min(length, Math.max(0, size - from)));
    },
    write: async (name, bytes) => {
      // Content named by its digest is there, or is not.
      if (name.startsWith("blobs/") && (await platform.fileSize(pathOf(name))) === bytes.length) return;
      await platform.replaceFile(pathOf(name), bytes);
    },
    has: async (name) => (await platform.fileSize(pathOf(name))) !== null,
  };
}

function serverStore(url: string, token: string | undefined): BlobStore {
  const request = async (name: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return fetch(`${url}/${name.split("/").map(encodeURIComponent).join("/")}`, { ...init, headers });
  };
  const refused = (name: string, response: Response): StoreError =>
    new StoreError(
      { code: "STORE_REFUSED", name, status: response.status },
      `the store answers ${response.status} for ${name}${response.status === 401 ? ": give its token" : ""}`,
    );
  return {
    folder: null,
    read: async (name, range) => {
      const headers: Record<string, string> =
        range === undefined ? {} : { range: `bytes=${range.from}-${range.from + range.length - 1}` };
      const response = await request(name, { headers });
      if (response.status === 404) return null;
      // A range that begins behind the end.
      if (response.status === 416) return new Uint8Array(0);
      if (response.status !== (range === undefined ? 200 : 206)) throw refused(name, response);
      const most = Math.min(range?.length ?? MAX_BYTES, MAX_BYTES);
      // Counted as they come: what the head says is of no use where the body is packed.
      return readBytes(response, most).catch((cause: unknown) => {
        if (!(cause instanceof AnswerSizeError)) throw cause;
        const { status } = response;
        throw new StoreError({ code: "STORE_REFUSED", name, status }, `the store gives ${cause.message} for ${name}`);
      });
    },
    write: async (name, bytes) => {
      const response = await request(name, { method: "PUT", body: bytes.slice() });
      if (!response.ok) throw refused(name, response);
    },
    has: async (name) => {
      const response = await request(name, { method: "HEAD" });
      if (response.status !== 404 && !response.ok) throw refused(name, response);
      return response.ok;
    },
  };
}

/** Puts bytes under their own digest and returns their name. */
export async function putBlob(store: BlobStore, bytes: Uint8Array): Promise<string> {
  const name = `blobs/${toHex(sha256(bytes))}`;
  await store.write(name, bytes);
  return name;
}

/** The bytes of a blob, compared with their name. Throws `NOT_STORED`, `STORE_CHANGED`. */
export async function getBlob(store: BlobStore, name: string): Promise<Uint8Array> {
  const bytes = await store.read(name);
  if (bytes === null) throw new StoreError({ code: "NOT_STORED", name }, `the store has no ${name}`);
  if (`blobs/${toHex(sha256(bytes))}` !== name)
    throw new StoreError({ code: "STORE_CHANGED", name }, `${name} in the store is not what it was`);
  return bytes;
}
