/** Node.js. */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { openTable } from "./node-level.ts";
import { serve } from "./node-server.ts";
import { openThreadPool, readFileRange } from "./node-threads.ts";
import type { Platform } from "./platform.ts";
import { assetUrl, now, randomBytes } from "./web.ts";

export const platform: Platform = {
  environment: "node",
  cores: availableParallelism(),
  readAsset: async (name) => new Uint8Array(await readFile(assetUrl(name))),
  randomBytes,
  now,
  openTable,
  serve,
  openPool: openThreadPool,
  readRange: readFileRange,
};
