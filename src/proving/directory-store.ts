/** A sector's files in a directory of this machine. */
import { platform } from "#platform";
import { SectorError } from "../sector/params.ts";
import { type SectorStore, shortFile } from "../sector/store.ts";

export function directoryStore(directory: string): SectorStore {
  const pathOf = (name: string): string => `${directory}/${name}`;
  return {
    read: async (name, from, length) => {
      const size = await platform.fileSize(pathOf(name));
      if (size === null) throw new SectorError({ code: "MISSING_FILE", name }, `${directory} has no file ${name}`);
      const bytes = await platform.readRange(pathOf(name), from, length);
      if (bytes.length < length) throw shortFile(name, size, from + length);
      return bytes;
    },
    write: (name, from, bytes) => platform.writeRange(pathOf(name), from, bytes),
    size: (name) => platform.fileSize(pathOf(name)),
    remove: (name) => platform.removeFile(pathOf(name)),
  };
}
