/** Files and folders of Node and Deno. */
import { mkdir, readdir, rmdir, stat } from "node:fs/promises";
import type { FileKind } from "./platform.ts";

export async function kindOfFile(path: string): Promise<FileKind | null> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  if (info === null) return null;
  return info.isFile() ? "file" : info.isDirectory() ? "folder" : "other";
}

export function listFolder(path: string): Promise<string[]> {
  return readdir(path);
}

export async function makeFolder(path: string): Promise<void> {
  await mkdir(path);
}

export async function removeEmptyFolder(path: string): Promise<void> {
  await rmdir(path);
}
