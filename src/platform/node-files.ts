/** Files and folders of Node and Deno. */
import { mkdir, open, readdir, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import type { FileKind } from "./platform.ts";

export async function kindOfFile(place: string): Promise<FileKind | null> {
  const info = await stat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    if (error.code === "ELOOP") return "other";
    throw error;
  });
  if (info === null || info === "other") return info;
  return info.isFile() ? "file" : info.isDirectory() ? "folder" : "other";
}

export async function createFile(file: string): Promise<boolean> {
  await mkdir(path.dirname(file), { recursive: true });
  // Of several that make the same file one succeeds, and a link that leads nowhere is not followed.
  const made = await open(file, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return null;
    throw error;
  });
  await made?.close();
  return made !== null;
}

export function listFolder(folder: string): Promise<string[]> {
  return readdir(folder);
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(path.dirname(folder), { recursive: true });
  await mkdir(folder);
}

export async function removeEmptyFolder(folder: string): Promise<void> {
  await rmdir(folder);
}
