/** Folders of sectors, for Node and Deno. */
import { access, constants, mkdtemp, readdir, realpath, rm, rmdir, statfs } from "node:fs/promises";
import path from "node:path";
import type { ClassicLevel } from "classic-level";
import { BAD_LOCK, type Folders } from "./folders.ts";
import { kindOfFile } from "./node-files.ts";
import { makeFolder } from "./node-folder.ts";

/** Beside what a folder holds: LevelDB's lock is the system's own (fcntl) and known to go with its process. */
const LOCK = "lock";

/** Folders that this process has. */
const held = new Set<string>();

const isMissing = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === "ENOENT";

export const folders: Folders = {
  absolute: async (folder) => path.resolve(folder),
  make: (folder) => makeFolder(folder),
  async list(folder) {
    try {
      return await readdir(folder);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },
  remove: (folder) => rm(folder, { recursive: true, force: true }),
  async isWritable(folder) {
    try {
      // Deno reads the mode alone, which does not bind root: what it refuses is tried.
      await access(folder, constants.W_OK | constants.X_OK).catch(async () =>
        rmdir(await mkdtemp(path.join(folder, ".filigree-"))),
      );
      return true;
    } catch {
      return false;
    }
  },
  async freeBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  async lock(folder) {
    // LevelDB that fails to lock a file which this process has already would give the system's lock up.
    const real = await realpath(folder);
    if (held.has(real)) return null;
    held.add(real);
    const place = path.join(real, LOCK);
    let level: ClassicLevel;
    try {
      // Before it is made: a level begins to open itself.
      await refusePipes(place);
      level = new (await import("classic-level")).ClassicLevel(place);
      await level.open();
    } catch (error) {
      held.delete(real);
      const { cause = error } = error as { cause?: unknown };
      const { code, message = "" } = cause as { code?: unknown; message?: string };
      if (code === "LEVEL_LOCKED" || /lock .*(held|unavailable)|already held/i.test(message)) return null;
      // LevelDB passes on what the system says in words.
      if (/permission denied|read-only file system/i.test(message))
        throw Object.assign(new Error(message), { code: "EACCES" });
      if (/no space left|quota exceeded/i.test(message)) throw Object.assign(new Error(message), { code: "ENOSPC" });
      throw Object.assign(new Error(message, { cause: error }), { code: BAD_LOCK });
    }
    return async () => {
      await level.close();
      held.delete(real);
    };
  },
};

/** LevelDB opens what lies in the place of its files, and whoever opens a pipe waits for a writer, at the end of the process too. */
async function refusePipes(lock: string): Promise<void> {
  for (const name of (await folders.list(lock)) ?? [])
    if ((await kindOfFile(path.join(lock, name))) === "other") throw new Error(`${name} is no regular file`);
}
