/**
 * Which directories under a sector's name hold its own files. A name says a miner and a number alone: the same network
 * laid again, and a second process of the miner, have other sectors under it, which are never written to or removed.
 */
import { equal } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { P_AUX_FILE } from "../../sector/store.ts";
import { FolderError } from "../folders/errors.ts";
import { nameText, type SectorFolder, type SectorName } from "../folders/folder.ts";
import { hasNow, type SectorFolders } from "../folders/folders.ts";
import type { SectorRecord } from "./record.ts";

type Known = Pick<SectorRecord, "folder" | "sealed">;
const P_AUX_BYTES = 64;

/** By the commitments beside a replica; where there are none, what is in the folder that the record names is its own. */
export async function isOwn(folder: SectorFolder, name: SectorName, { folder: expected, sealed }: Known) {
  const { store } = folder.files(name);
  const held = await store.size(P_AUX_FILE).catch((error: unknown) => {
    if (isFilError(error, "NOT_A_FILE")) return null;
    throw error;
  });
  if (sealed === null || held !== P_AUX_BYTES) return folder.id === expected;
  const aux = (await store.read(P_AUX_FILE, 0, P_AUX_BYTES)).slice();
  return equal(aux.subarray(0, 32), sealed.commC) && equal(aux.subarray(32), sealed.commRLast);
}

/**
 * All that hold a sector's files. Throws `FolderError` FOREIGN if one holds another sector's under its name, NO_FOLDER if none has them and
 * the one that they were in is away.
 */
export async function ownFolders(folders: SectorFolders, name: SectorName, known: Known) {
  const own: SectorFolder[] = [];
  for (const folder of folders.all) {
    if (!(await hasNow(folder, name, known.folder))) continue;
    if (!(await isOwn(folder, name, known))) throw foreign(folder, name);
    own.push(folder);
  }
  if (own.length === 0) await folders.refuseAway(name, known.folder);
  return own;
}

/** The one that a sector's files are to be written in; null: none is there yet. Throws `FolderError` FOREIGN, NO_FOLDER as `ownFolders`. */
export async function ownFolder(folders: SectorFolders, name: SectorName, known: Known): Promise<SectorFolder | null> {
  const found = await folders.find(name, known.folder);
  if (found === null) await folders.refuseAway(name, known.folder);
  else if (!(await isOwn(found, name, known))) throw foreign(found, name);
  return found;
}

/** The one that a sector's files are in. Throws `FolderError` NO_SECTOR if none has them, FOREIGN if they are another's. */
export async function heldFolder(folders: SectorFolders, name: SectorName, known: Known): Promise<SectorFolder> {
  const { folder } = await folders.files(name, known.folder);
  const found = folders.folder(folder);
  if (!(await isOwn(found, name, known))) throw foreign(found, name);
  return found;
}

function foreign(folder: SectorFolder, name: SectorName): FolderError {
  const place = folder.path ?? folder.id;
  return new FolderError(
    { code: "FOREIGN", folder: place },
    `${place}/${nameText(name)} holds files that are not known to be this sector's: nothing in it was touched; ` +
      "move it out of the folder if it is another's, or remove it by hand if it is not needed",
  );
}
