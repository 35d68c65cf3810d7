/** What keeping sectors in folders can fail of. */
import { FilError } from "../../base/errors.ts";

export type FolderErrorData =
  /** There is no such folder. */
  | { readonly code: "NO_FOLDER"; readonly folder: string }
  /** Another process, or this one, has it. */
  | { readonly code: "LOCKED"; readonly folder: string }
  /** The folder holds other things than sectors, or another's sectors. */
  | { readonly code: "FOREIGN"; readonly folder: string }
  /** Its mark cannot be read, or its lock not be taken. */
  | { readonly code: "DAMAGED"; readonly folder: string }
  /** Two paths have the same id: they are one folder seen twice, or a copy. */
  | { readonly code: "SAME_FOLDER"; readonly folder: string; readonly other: string }
  /** A sector is being made or updated in it, or it is one that stays. */
  | { readonly code: "IN_USE"; readonly folder: string }
  | { readonly code: "NOT_ATTACHED"; readonly folder: string }
  /** Too little room for what a sector needs. */
  | { readonly code: "NO_ROOM"; readonly bytes: number }
  | { readonly code: "DISK_FULL"; readonly folder: string }
  | { readonly code: "READ_ONLY"; readonly folder: string }
  /** No folder holds the sector. */
  | { readonly code: "NO_SECTOR"; readonly sector: number };
export class FolderError extends FilError<FolderErrorData> {}

/** What a system's error means for a folder; null for what means nothing particular. */
export function fullOrReadOnly(error: unknown, folder: string): FolderError | null {
  const { code, data } = (error ?? {}) as { readonly code?: unknown; readonly data?: { readonly code?: unknown } };
  // A job's error comes from its worker with the system's code in its data.
  const name = data?.code ?? code;
  if (name === "ENOSPC" || name === "EDQUOT")
    return new FolderError({ code: "DISK_FULL", folder }, `the disk of ${folder} is full`, { cause: error });
  if (name === "EROFS" || name === "EACCES" || name === "EPERM")
    return new FolderError({ code: "READ_ONLY", folder }, `${folder} cannot be written to`, { cause: error });
  if (name === "ENOTDIR" || name === "ENOENT" || name === "ENAMETOOLONG")
    return new FolderError({ code: "NO_FOLDER", folder }, `there is no folder ${folder}, and none can be made there`, {
      cause: error,
    });
  return null;
}
