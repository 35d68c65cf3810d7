/** Deno. */
import { openTable } from "./node-level.ts";
import { serve } from "./node-server.ts";
import { openThreadPool, readFileRange } from "./node-threads.ts";
import type { Platform } from "./platform.ts";
import { assetUrl, fetchAsset, now, randomBytes } from "./web.ts";

/** What this file uses of Deno's global object. */
declare const Deno: { readFile(path: URL): Promise<Uint8Array> };

export const platform: Platform = {
  environment: "deno",
  cores: navigator.hardwareConcurrency,
  readAsset: (name) => {
    const url = assetUrl(name);
    return url.protocol === "file:" ? Deno.readFile(url) : fetchAsset(url);
  },
  randomBytes,
  now,
  openTable,
  serve,
  openPool: openThreadPool,
  readRange: readFileRange,
};
