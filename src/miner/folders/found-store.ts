/** A sector's files wherever they are: looked for at the first use, and again when they are gone from there. */
import { isFilError } from "../../base/errors.ts";
import type { SectorStore } from "../../sector/store.ts";
import type { SectorName } from "./folder.ts";
import type { SectorFolders } from "./folders.ts";

/** A sector's files as it is proven from them: `store`, and the directory that they are in now. */
export function foundFiles(
  folders: SectorFolders,
  sector: SectorName,
  expected: string,
): { readonly store: SectorStore; readonly directory: () => Promise<string | null> } {
  return {
    store: foundStore(folders, sector, expected),
    directory: async () => (await folders.files(sector, expected)).directory,
  };
}

/** `expected`: id of the folder that is looked into first. */
function foundStore(folders: SectorFolders, sector: SectorName, expected: string): SectorStore {
  let found: SectorStore | null = null;
  const open = async (): Promise<SectorStore> => {
    found ??= (await folders.files(sector, expected)).store;
    return found;
  };
  const use = async <Result>(work: (store: SectorStore) => Promise<Result>): Promise<Result> => {
    const before = found;
    try {
      return await work(await open());
    } catch (error) {
      if (before === null || !isFilError(error, "MISSING_FILE")) throw error;
      found = null;
      return work(await open());
    }
  };
  return {
    read: (name, from, length) => use((store) => store.read(name, from, length)),
    write: (name, from, bytes) => use((store) => store.write(name, from, bytes)),
    async size(name) {
      const before = found;
      const size = await (await open()).size(name);
      if (size !== null || before === null) return size;
      // That a file is not there is no error here, and may mean that the sector is elsewhere now.
      found = null;
      return (await open()).size(name);
    },
    remove: (name) => use((store) => store.remove(name)),
  };
}
