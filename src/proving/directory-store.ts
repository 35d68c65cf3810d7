/** A sector's files in a directory of this machine. */
import { platform } from "#platform";
import { NO_REGULAR_FILE } from "../platform/platform.ts";
import { SectorError } from "../sector/params.ts";
import { type SectorStore, shortFile } from "../sector/store.ts";

export function directoryStore(directory: string): SectorStore {
  const pathOf = (name: string): string => `${directory}/${name}`;
  const size = (name: string): Promise<number | null> => regular(name, platform.fileSize(pathOf(name)));
  return {
    read: async (name, from, length) => {
      const held = await size(name);
      if (held === null) throw new SectorError({ code: "MISSING_FILE", name }, `${directory} has no file ${name}`);
      const bytes = await regular(name, platform.readRange(pathOf(name), from, length));
      if (bytes.length < length) throw shortFile(name, held, from + length);
      return bytes;
    },
    write: (name, from, bytes) => platform.writeRange(pathOf(name), from, bytes),
    size,
    remove: (name) => platform.removeFile(pathOf(name)),
  };
}

/** Throws `SectorError` NOT_A_FILE for what nobody knows when it answers. */
async function regular<Result>(name: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== NO_REGULAR_FILE) throw cause;
    throw new SectorError({ code: "NOT_A_FILE", name }, `${name} is no regular file`, { cause });
  }
}
