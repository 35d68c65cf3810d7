/**
 * All folders that a miner has its sectors in: where a new sector goes, and where one is that was moved while nobody
 * looked.
 */
import { describeError, isFilError } from "../../base/errors.ts";
import { FolderError } from "./errors.ts";
import type { SectorFiles, SectorFolder, SectorName } from "./folder.ts";
import { nameText } from "./folder.ts";

/** Whether a folder holds a sector. One that is away is as one that is not attached, unless the sector is said to be in it. */
export async function hasNow(folder: SectorFolder, sector: SectorName, expected: string): Promise<boolean> {
  try {
    return await folder.has(sector);
  } catch (error) {
    if (folder.id !== expected && isFilError(error, "NO_FOLDER")) return false;
    throw error;
  }
}

/** Folders that one miner can have. */
const MAX_FOLDERS = 256;

/** A folder that cannot be used now, such as that of a disk that is not mounted, and why. */
export type AwayFolder = { readonly path: string; readonly why: string };

/** Away folders that one error names. */
const MAX_NAMED = 3;

export class SectorFolders {
  private readonly folders: SectorFolder[] = [];
  private noted: () => readonly AwayFolder[] = () => [];

  constructor(folders: readonly SectorFolder[] = []) {
    for (const folder of folders) this.attach(folder);
  }

  get all(): readonly SectorFolder[] {
    return this.folders;
  }

  /** Adds a folder. Throws `FolderError` SAME_FOLDER for one that is there already, by another path or as a copy. */
  attach(folder: SectorFolder): void {
    const other = this.folders.find(({ id }) => id === folder.id);
    if (other !== undefined)
      throw new FolderError(
        { code: "SAME_FOLDER", folder: `${folder.path ?? folder.id}`, other: `${other.path ?? other.id}` },
        `${folder.path ?? folder.id} and ${other.path ?? other.id} are one folder, or one is a copy of the other`,
      );
    if (this.folders.length >= MAX_FOLDERS) throw new RangeError(`${MAX_FOLDERS} folders are as many as can be`);
    this.folders.push(folder);
  }

  /**
   * Takes a folder out and closes it, unless `check` throws, which may look at all that holds in that moment. `note` writes it down; where
   * that fails the folder is there as before.
   */
  async detach(folder: SectorFolder, check: () => void, note: () => Promise<void>): Promise<void> {
    check();
    const at = this.folders.indexOf(folder);
    this.folders.splice(at, 1);
    try {
      await note();
    } catch (error) {
      this.folders.splice(at, 0, folder);
      throw error;
    }
    await folder.close();
  }

  /**
   * Chooses the folder of a new sector that will need so many bytes, and promises them: the one with most room among
   * those that take new sectors. Throws `FolderError` NO_ROOM.
   */
  async choose(sector: SectorName, bytes: number): Promise<SectorFolder> {
    const rooms: { readonly folder: SectorFolder; readonly available: number }[] = [];
    for (const folder of this.folders) {
      if (!folder.limits.canSeal || folder.isReadOnly) continue;
      // One that went away while it was attached keeps no sector from another.
      const room = await folder.room().catch(() => null);
      if (room !== null) rooms.push({ folder, available: room.available });
    }
    rooms.sort((a, b) => b.available - a.available);
    const [best] = rooms;
    if (best === undefined)
      throw new FolderError(
        { code: "NO_ROOM", bytes },
        "no folder takes new sectors: all are read-only, not for sealing, or not there",
      );
    await best.folder.reserve(sector, bytes);
    if (this.folders.includes(best.folder)) return best.folder;
    // It was given up meanwhile.
    best.folder.release(sector);
    return this.choose(sector, bytes);
  }

  /** Whether there are files under a sector's name in any folder. */
  async holds(sector: SectorName): Promise<boolean> {
    return (await this.find(sector, "")) !== null;
  }

  /** The folder that holds a sector: the one it is said to be in, or any other that it was moved to. Null if none does. */
  async find(sector: SectorName, expected: string): Promise<SectorFolder | null> {
    const first = this.folders.filter(({ id }) => id === expected);
    let unreadable: unknown;
    for (const folder of [...first, ...this.folders.filter(({ id }) => id !== expected)])
      try {
        if (await hasNow(folder, sector, expected)) return folder;
      } catch (error) {
        unreadable ??= error;
      }
    // It may be in the one that could not be looked into.
    if (unreadable !== undefined) throw unreadable;
    return null;
  }

  /** From now on `away` tells of attached folders that are not among these because they cannot be opened. */
  noteAway(away: () => readonly AwayFolder[]): void {
    this.noted = away;
  }

  /** Folders that cannot be used now: those that could not be opened, and those that went away after that. */
  async away(): Promise<readonly AwayFolder[]> {
    return [...this.noted(), ...(await this.gone())];
  }

  /** Of these folders those that cannot be used now. */
  async gone(): Promise<readonly AwayFolder[]> {
    const gone: AwayFolder[] = [];
    for (const folder of this.folders)
      try {
        await folder.reach?.();
      } catch (error) {
        gone.push({ path: folder.path ?? folder.id, why: describeError(error) });
      }
    return gone;
  }

  /**
   * Throws `FolderError` NO_FOLDER if the folder that a sector is said to be in is not among these and some folder is away: that no files
   * are found then does not mean that there are none.
   */
  async refuseAway(sector: SectorName, expected: string): Promise<void> {
    if (this.folders.some(({ id }) => id === expected)) return;
    const away = await this.away();
    if (away.length === 0) return;
    throw new FolderError(
      { code: "NO_FOLDER", folder: away[0]?.path ?? expected },
      `no folder holds ${nameText(sector)}${this.whereElse(away)}`,
    );
  }

  /** Folder of an id. Throws `FolderError` NO_FOLDER. */
  folder(id: string): SectorFolder {
    const found = this.folders.find((folder) => folder.id === id);
    if (found === undefined)
      throw new FolderError({ code: "NO_FOLDER", folder: id }, `the folder with the id ${id} is not attached`);
    return found;
  }

  /** A sector's files, wherever they are now. Throws `FolderError` NO_SECTOR. */
  async files(sector: SectorName, expected: string): Promise<SectorFiles & { readonly folder: string }> {
    const folder = await this.find(sector, expected);
    if (folder === null)
      throw new FolderError(
        { code: "NO_SECTOR", sector: sector.number },
        `no folder holds ${nameText(sector)}${this.whereElse(await this.away())}`,
      );
    return { ...folder.files(sector), folder: folder.id };
  }

  private whereElse(away: readonly AwayFolder[]): string {
    if (away.length === 0) return "; attach the one that it was moved to";
    const named = away.slice(0, MAX_NAMED).map(({ path, why }) => `${path}: ${why}`);
    const more = away.length > MAX_NAMED ? `; and ${away.length - MAX_NAMED} more` : "";
    const [one, it] = away.length === 1 ? ["a folder of sectors is", "it"] : ["folders of sectors are", "them"];
    return ` that is there, and ${one} not there (${named.join("; ")}${more}): mount the disk or move ${it} back`;
  }

  async close(): Promise<void> {
    for (const folder of this.folders) await folder.close();
  }
}
