/** Deno. */
import { disk } from "./node-disk.ts";
import type { Platform } from "./platform.ts";
import { fetchAsset, now, randomBytes } from "./web.ts";
import { openWebPool } from "./web-workers.ts";

/** What this file uses of Deno's global object. */
declare const Deno: { readFile(path: URL): Promise<Uint8Array> };

export const platform: Platform = {
  environment: "deno",
  cores: navigator.hardwareConcurrency,
  readAsset: (url) => (url.protocol === "file:" ? Deno.readFile(url) : fetchAsset(url)),
  randomBytes,
  now,
  // Loaded on first use: a program that only verifies starts without a database and a server.
  openTable: async (place, options) => (await import("./node-level.ts")).openTable(place, options),
  openSecrets: async (place) => (await import("./node-secrets.ts")).openSecrets(place),
  serve: async (options) => (await import("./node-server.ts")).serve(options),
  // Deno's own workers: its imitation of Node's threads walks every element of a typed array in a message (Deno 2.9 took
  // seconds for 8 MB and failed above 100 MB), and a thread that is ended there never says so.
  peerToPeer: async () => (await import("./node-peer-to-peer.ts")).openPeerToPeer(),
  openPool: ({ entry, size }) => openWebPool(size, () => new Worker(entry(), { type: "module" })),
  ...disk,
};
