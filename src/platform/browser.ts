/** Browsers: pages and workers. */
import { utf8 } from "../base/bytes.ts";
import { openTable } from "./browser-table.ts";
import type { Platform } from "./platform.ts";
import { assetUrl, fetchAsset, now, randomBytes } from "./web.ts";
import { openWebPool } from "./web-workers.ts";

/** The published assets, each spelled out because bundlers follow only a `new URL` of constant text. */
const ASSETS: Readonly<Record<string, () => URL>> = {
  "crypto.wasm": () => new URL("../../dist/wasm/crypto.wasm", import.meta.url),
  "proofs.wasm": () => new URL("../../dist/wasm/proofs.wasm", import.meta.url),
  "proofs-simd.wasm": () => new URL("../../dist/wasm/proofs-simd.wasm", import.meta.url),
  "vm.wasm": () => new URL("../../dist/wasm/vm.wasm", import.meta.url),
};

const noFiles = (): Promise<never> => Promise.reject(new TypeError("a page has no files; give the bytes as a Blob"));

export const platform: Platform = {
  environment: "browser",
  cores: navigator.hardwareConcurrency,
  readAsset: (name) => fetchAsset(ASSETS[name]?.() ?? assetUrl(name)),
  randomBytes,
  now,
  openTable,
  openSecrets: async (place) => {
    const table = await openTable(`${place}/secrets`);
    return {
      read: async (name) => (await table.get(utf8(name))) ?? null,
      write: (name, bytes) => table.change([{ key: utf8(name), value: bytes }], { sync: true }),
    };
  },
  serve: () => Promise.reject(new Error("a browser cannot serve; call the dispatcher directly")),
  peerToPeer: async () => {
    const { webSockets } = await import("@libp2p/websockets");
    return { transports: [webSockets()], encrypters: [] };
  },
  openPool: openWebPool,
  readRange: noFiles,
  writeRange: noFiles,
  fileSize: noFiles,
  replaceFile: noFiles,
  removeFile: noFiles,
};
