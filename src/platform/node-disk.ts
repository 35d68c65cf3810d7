/**
 * Files and folders of Node and Deno, whose code is loaded on first use: a machine, a hash or a check of a proof touches none,
 * and starts without it.
 */
import type { Folders } from "./folders.ts";
import type { Platform } from "./platform.ts";

const ranges = () => import("./node-ranges.ts");
const files = () => import("./node-files.ts");
const folders = async () => (await import("./node-folders.ts")).folders;

const lateFolders: Folders = {
  absolute: async (path) => (await folders()).absolute(path),
  make: async (path) => (await folders()).make(path),
  list: async (path) => (await folders()).list(path),
  remove: async (path) => (await folders()).remove(path),
  isWritable: async (path) => (await folders()).isWritable(path),
  freeBytes: async (path) => (await folders()).freeBytes(path),
  lock: async (path) => (await folders()).lock(path),
};

type FileNames = "readRange" | "writeRange" | "replaceFile" | "removeFile" | "fileSize" | "fileKind" | "createFile";
type FolderNames = "listFolder" | "makeFolder" | "removeEmptyFolder" | "folders";

export const disk: Pick<Platform, FileNames | FolderNames> = {
  readRange: async (path, from, length) => (await ranges()).readFileRange(path, from, length),
  writeRange: async (path, from, bytes) => (await ranges()).writeFileRange(path, from, bytes),
  replaceFile: async (path, bytes) => (await ranges()).replaceFile(path, bytes),
  removeFile: async (path) => (await ranges()).removeFile(path),
  fileSize: async (path) => (await ranges()).sizeOfFile(path),
  fileKind: async (path) => (await files()).kindOfFile(path),
  createFile: async (path) => (await files()).createFile(path),
  listFolder: async (path) => (await files()).listFolder(path),
  makeFolder: async (path) => (await files()).makeFolder(path),
  removeEmptyFolder: async (path) => (await files()).removeEmptyFolder(path),
  folders: lateFolders,
};
