/** Tables on disk for Node and Deno: LevelDB, by classic-level (prebuilt for the usual systems). */
import { mkdir } from "node:fs/promises";
import { ClassicLevel } from "classic-level";
import { afterPrefix, type OpenTable } from "./table.ts";

const VIEW = { keyEncoding: "view", valueEncoding: "view" } as const;

/** LevelDB answers with Buffers; the host knows plain byte arrays only. */
function plain(bytes: Uint8Array): Uint8Array;
function plain(bytes: Uint8Array | undefined): Uint8Array | undefined;
function plain(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export const openTable: OpenTable = async (place) => {
  await mkdir(place, { recursive: true });
  const level = new ClassicLevel<Uint8Array, Uint8Array>(place, VIEW);
  await level.open();
  return {
    peek: (key) => plain(level.getSync(key)),
    get: async (key) => plain(await level.get(key)),
    async range(prefix) {
      const end = afterPrefix(prefix);
      const bounds = end === undefined ? { gte: prefix } : { gte: prefix, lt: end };
      const found = await level.iterator(bounds).all();
      return found.map(([key, value]) => [plain(key), plain(value)] as const);
    },
    change: (changes, sync) =>
      level.batch(
        changes.map(({ key, value }) => (value === null ? { type: "del", key } : { type: "put", key, value })),
        { sync },
      ),
    close: () => level.close(),
  };
};
