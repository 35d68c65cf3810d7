/**
 * What the host asks of the place it runs in. One object per platform implements it; code imports that object from
 * `#platform`, which package conditions (Deno, Node, browser) resolve, and never looks for a platform itself.
 */

import type { OpenTable } from "./table.ts";

export type Environment = "node" | "deno" | "browser";

export type Platform = {
  readonly environment: Environment;
  /** Hardware threads that this process may use, at least 1. */
  readonly cores: number;
  /**
   * Bytes of a file of `dist/wasm`, by its name ("crypto.wasm").
   * Rejects with the platform's own error when it cannot be read.
   */
  readAsset(name: string): Promise<Uint8Array>;
  /** `length` bytes from the system's cryptographic generator, any length. */
  randomBytes(length: number): Uint8Array;
  /** Wall clock: milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Opens an ordered table of bytes that outlives the process. */
  readonly openTable: OpenTable;
};
