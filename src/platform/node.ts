/** Node.js. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { disk } from "./node-disk.ts";
import { openThreadPool } from "./node-threads.ts";
import type { Platform } from "./platform.ts";
import { fetchAsset, now, randomBytes } from "./web.ts";

export const platform: Platform = {
  environment: "node",
  cores: availableParallelism(),
  readAsset: async (url) =>
    url.protocol === "http:" || url.protocol === "https:" ? fetchAsset(url) : new Uint8Array(await readFile(url)),
  randomBytes,
  now,
  // Loaded on first use: a program that only verifies starts without a database and a server.
  openTable: async (place, options) => (await import("./node-level.ts")).openTable(place, options),
  openSecrets: async (place) => (await import("./node-secrets.ts")).openSecrets(place),
  serve: async (options) => (await import("./node-server.ts")).serve(options),
  peerToPeer: async () => (await import("./node-peer-to-peer.ts")).openPeerToPeer(),
  openPool: openThreadPool,
  ...disk,
};
