/** Secrets of Node and Deno: files for their owner alone, in a folder for its owner alone. */
import { chmod, readFile } from "node:fs/promises";
import path from "node:path";
import { folderError, makeFolder, SECRETS, writeWhole } from "./node-folder.ts";
import { checkSecretName, type OpenSecrets } from "./secrets.ts";

export const openSecrets: OpenSecrets = async (place) => {
  const folder = path.join(place, SECRETS);
  await makeFolder(folder).catch((cause: unknown) => {
    throw folderError("FAILED", place, `cannot make the folder ${folder}: ${(cause as Error).message}`, cause);
  });
  await chmod(folder, 0o700).catch(() => undefined);
  const fileOf = (name: string): string => {
    checkSecretName(name);
    return path.join(folder, name);
  };
  return {
    async read(name) {
      const file = fileOf(name);
      try {
        return new Uint8Array(await readFile(file));
      } catch (cause) {
        if ((cause as { code?: unknown }).code === "ENOENT") return null;
        throw folderError("FAILED", place, `cannot read ${file}: ${(cause as Error).message}`, cause);
      }
    },
    async write(name, bytes) {
      const file = fileOf(name);
      await writeWhole(file, bytes).catch((cause: unknown) => {
        throw folderError("FAILED", place, `cannot write ${file}: ${(cause as Error).message}`, cause);
      });
    },
  };
};
