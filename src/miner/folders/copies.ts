/** Copies of all sectors of a folder, in memory: for networks with small ones, which are taken back to an earlier moment. */
import { equal } from "../../base/bytes.ts";
import { FolderError } from "./errors.ts";
import { nameText, type SectorFolder, type SectorName } from "./folder.ts";

/** Files of a sector by their names. */
export type SectorCopy = { readonly sector: SectorName; readonly files: ReadonlyMap<string, Uint8Array> };

/** Bytes of all files that are copied at the most. */
export const MAX_COPIED = 256 << 20;

/** Copies what a folder holds. Throws `FolderError` NO_ROOM for more than `MAX_COPIED`. */
export async function copySectors(folder: SectorFolder): Promise<readonly SectorCopy[]> {
  const copies: SectorCopy[] = [];
  let bytes = 0;
  for (const sector of await folder.sectors()) {
    const { store } = folder.files(sector);
    const files = new Map<string, Uint8Array>();
    for (const name of await folder.names(sector)) {
      const size = await store.size(name);
      if (size === null) continue;
      bytes += size;
      if (bytes > MAX_COPIED)
        throw new FolderError({ code: "NO_ROOM", bytes }, `the sectors' files are more than ${MAX_COPIED} bytes`);
      files.set(name, (await store.read(name, 0, size)).slice());
    }
    copies.push({ sector, files });
  }
  return copies;
}

/** Makes a folder hold what was copied, and nothing else of sectors. */
export async function putSectors(folder: SectorFolder, copies: readonly SectorCopy[]): Promise<void> {
  const wanted = new Map(copies.map((copy) => [nameText(copy.sector), copy]));
  for (const sector of await folder.sectors()) if (!wanted.has(nameText(sector))) await folder.remove(sector);
  for (const { sector, files } of copies) {
    const { store } = folder.files(sector);
    for (const name of await folder.names(sector)) if (!files.has(name)) await store.remove(name);
    for (const [name, bytes] of files) {
      const size = await store.size(name);
      if (size === bytes.length && equal(await store.read(name, 0, size), bytes)) continue;
      await store.remove(name);
      await store.write(name, 0, bytes);
    }
  }
}
