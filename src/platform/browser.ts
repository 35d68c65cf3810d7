/** Browsers: pages and workers. */
import { utf8 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { openTable } from "./browser-table.ts";
import type { Platform } from "./platform.ts";
import { fetchAsset, now, randomBytes } from "./web.ts";
import { openWebPool } from "./web-workers.ts";

/** A page was asked for a file by its path. */
class NoFilesError extends FilError<{ readonly code: "NO_FILES" }> {}

const noFiles = (): Promise<never> =>
  Promise.reject(new NoFilesError({ code: "NO_FILES" }, "a page has no files; give the bytes as a Blob"));

export const platform: Platform = {
  environment: "browser",
  cores: navigator.hardwareConcurrency,
  readAsset: fetchAsset,
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
  openPool: ({ size, startWorker }) => openWebPool(size, startWorker),
  readRange: noFiles,
  writeRange: noFiles,
  fileSize: noFiles,
  fileKind: noFiles,
  createFile: noFiles,
  listFolder: noFiles,
  makeFolder: noFiles,
  replaceFile: noFiles,
  removeFile: noFiles,
  removeEmptyFolder: noFiles,
  folders: null,
};
