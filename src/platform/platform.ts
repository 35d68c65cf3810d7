/**
 * What the host asks of the place it runs in. One object per platform implements it; code imports that object from
 * `#platform`, which package conditions (Deno, Node, browser) resolve, and never looks for a platform itself.
 */

import type { Folders } from "./folders.ts";
import type { PeerToPeer } from "./peer-to-peer.ts";
import type { OpenSecrets } from "./secrets.ts";
import type { Serve } from "./server.ts";
import type { OpenTable } from "./table.ts";

export type Environment = "node" | "deno" | "browser";

export type Platform = {
  readonly environment: Environment;
  /** Hardware threads that this process may use, at least 1. */
  readonly cores: number;
  /** Bytes of a file of the package, or of another place. Rejects with the platform's own error when it cannot be read. */
  readAsset(url: URL): Promise<Uint8Array>;
  /** `length` bytes from the system's cryptographic generator, any length. */
  randomBytes(length: number): Uint8Array;
  /** Wall clock: milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Opens an ordered table of bytes that outlives the process. */
  readonly openTable: OpenTable;
  /** Opens the secrets beside a table that is open. */
  readonly openSecrets: OpenSecrets;
  /** Serves texts over HTTP and WebSocket; rejects where a platform cannot (browsers). */
  readonly serve: Serve;
  /** Transports of the peer-to-peer network; loaded on first use. */
  peerToPeer(): Promise<PeerToPeer>;
  /** Starts worker threads that run the module `entry`. */
  openPool(options: PoolOptions): WorkerPool;
  /**
   * Bytes `[from, from + length)` of a file, into a new array; fewer if the file ends before. Rejects with `TypeError`
   * where there are no files (browsers hand out `Blob`s), and with the code `NO_REGULAR_FILE` for a pipe.
   */
  readRange(path: string, from: number, length: number): Promise<Uint8Array>;
  /** Writes `bytes` into a file at `from`, making the file and its folders, and zeros before `from`, as needed. */
  writeRange(path: string, from: number, bytes: Uint8Array): Promise<void>;
  /** Writes a whole file so that readers see the old one or the new one, never a part. Rejects like `readRange`. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Bytes of a file, or null if there is none. Rejects like `readRange`, also for a folder or a device. */
  fileSize(path: string): Promise<number | null>;
  /** What is at a path, links followed; null if nothing is. Rejects like `readRange`. */
  fileKind(path: string): Promise<FileKind | null>;
  /** Makes an empty file, and the folders above it; false if anything is at the path. Rejects like `readRange`. */
  createFile(path: string): Promise<boolean>;
  /** Names in a folder, in no order. Rejects like `readRange`. */
  listFolder(path: string): Promise<readonly string[]>;
  /** Makes a folder that is not there, and those above it. Rejects like `readRange`. */
  makeFolder(path: string): Promise<void>;
  /** Removes a file if there is one. Rejects like `readRange`. */
  removeFile(path: string): Promise<void>;
  /** Removes a folder; rejects if something is in it, and like `readRange`. */
  removeEmptyFolder(path: string): Promise<void>;
  /** What sectors need of folders; null where there are none (browsers). */
  readonly folders: Folders | null;
};

/** Code of an error about a path that has a folder, a pipe or a device: nobody knows when one answers. */
export const NO_REGULAR_FILE = "NO_REGULAR_FILE";

export type FileKind = "file" | "folder" | "other";

/** A file that the package brings: its name ("crypto.wasm"), and where it lies unless somebody says otherwise. */
export type Asset = { readonly name: string; readonly url: () => URL };

/** As much of a Web Worker as a pool needs; every platform's `Worker` fits. */
export type WebWorker = {
  postMessage(message: unknown, transfer: Transferable[]): void;
  terminate(): void;
  onmessage: unknown;
  onerror: unknown;
};

/** Most workers of a pool. */
export const MAX_WORKERS = 256;

export type PoolOptions = {
  /** A module that exports `work(message)` and calls `answerMessages` of `worker-scope.ts`; asked for where there are files. */
  readonly entry: () => URL;
  /**
   * Starts a Web Worker of the same module, in browsers. Spelled `new Worker(new URL("./worker.js", import.meta.url), …)`
   * beside the module, it is what bundlers follow.
   */
  readonly startWorker: () => WebWorker;
  /** Threads, at least 1. */
  readonly size: number;
  /** Stack of each thread, MiB, where a platform lets that be chosen (Node); the others give what they have. */
  readonly stackMib?: number;
};

/** The worker died or was ended while it held the job; nothing of the job's result is known. */
export class WorkerLostError extends Error {}

export type WorkerPool = {
  readonly size: number;
  /**
   * Runs `work(message)` of the pool's entry in a free worker, waiting for one, and resolves to its result.
   * `transfer` is moved instead of copied. Rejects with what the work threw, with `WorkerLostError`, or with the
   * signal's reason; an aborted job's worker is ended and replaced, so that it costs no more time.
   */
  run(message: unknown, options?: { transfer?: readonly Transferable[]; signal?: AbortSignal }): Promise<unknown>;
  /** Ends one worker that is at work, as a crash would; for tests of what callers do then. Tells whether there was one. */
  killOne(): Promise<boolean>;
  /** Ends all workers; jobs in them are lost. */
  close(): Promise<void>;
};

/** Workers that a job may lose before it is given up. */
const MAX_LOST = 3;

/** Runs `attempt` again whose worker died; after `MAX_LOST` deaths the fault is the job's own, and `lost` says so. */
export async function retryLost<Result>(
  attempt: () => Promise<Result>,
  lost: (attempts: number, options: ErrorOptions) => Error,
): Promise<Result> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (cause) {
      if (!(cause instanceof WorkerLostError)) throw cause;
      if (attempts === MAX_LOST) throw lost(attempts, { cause });
    }
  }
}
