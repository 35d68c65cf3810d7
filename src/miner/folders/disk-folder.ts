/**
 * A folder of sectors on a disk:
 *
 *   filigree-sectors.json   the mark: the folder's id, its network and limits
 *   lock/                   held by the process that has the folder
 *   s-t0<miner>-<number>/   the files of one sector
 *
 * A folder belongs to one process at a time. One that cannot be written to when it is opened, for want of leave or of room, is
 * read: its sectors are proven, none is sealed there. What a folder holds that is not ours is never touched.
 */
import { platform } from "#platform";
import { fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import { Turns } from "../../base/turns.ts";
import { BAD_LOCK, type Folders } from "../../platform/folders.ts";
import { directoryStore } from "../../proving/directory-store.ts";
import type { SectorStore } from "../../sector/store.ts";
import { FolderError, fullOrReadOnly } from "./errors.ts";
import {
  type FolderLimits,
  NO_LIMITS,
  nameText,
  parseName,
  Reservations,
  type Room,
  type SectorFiles,
  type SectorFolder,
  type SectorName,
} from "./folder.ts";

const MARK = "filigree-sectors.json";
const LOCK = "lock";
const FORM = 1;
const MAX_MARK_BYTES = 4096;
/** Bytes of a disk that sectors leave to everything else. */
const LEFT_FREE = 32 << 20;

type Mark = {
  readonly filigree: "sectors";
  readonly form: number;
  readonly id: string;
  /** CID of the genesis of the network that the sectors are of; folders of earlier versions do not say it. */
  readonly network?: string;
} & FolderLimits;

type FolderOptions = {
  readonly create?: boolean;
  /** It has been a folder of sectors before: one without a mark is the place where its disk is not mounted. */
  readonly isKnown?: boolean;
  /** Its id then: another folder in its place is another disk's. */
  readonly id?: string;
  /** Of a new folder. */
  readonly limits?: FolderLimits;
  /** CID of a genesis: a folder of another network is refused, and one that names none becomes this one's. */
  readonly network?: string;
  /** Throws if the folder cannot be taken, before anything of it is changed. */
  readonly check?: (folder: DiskFolder) => Promise<void>;
};

/** The system's folders. Throws `TypeError` where there are none. */
function system(): Folders {
  if (platform.folders === null) throw new TypeError("a page has no folders");
  return platform.folders;
}

export class DiskFolder implements SectorFolder {
  readonly id: string;
  readonly path: string;
  readonly limits: FolderLimits;
  readonly isReadOnly: boolean;
  private readonly unlock: () => Promise<void>;
  private readonly reservations = new Reservations();
  private readonly turns = new Turns();

  private constructor(path: string, { id, ...limits }: Mark, unlock: (() => Promise<void>) | null) {
    this.path = path;
    this.id = id;
    this.limits = { maxBytes: limits.maxBytes, canSeal: limits.canSeal, canStore: limits.canStore };
    this.isReadOnly = unlock === null;
    this.unlock = unlock ?? (async () => undefined);
  }

  /**
   * Opens a folder, and with `create` makes it where there is none, or where it is empty. `limits` are those of a new
   * folder; a folder that is there keeps its own. Throws `FolderError`.
   */
  static async open(path: string, options: FolderOptions = {}): Promise<DiskFolder> {
    const { create = false, isKnown = false, id, limits = NO_LIMITS, network, check } = options;
    const found = await guarded(path, () => system().list(path));
    if (found === null && isKnown) throw gone(path);
    if (found === null && !create)
      throw new FolderError({ code: "NO_FOLDER", folder: path }, `there is no folder ${path}`);
    if (found === null) await guarded(path, () => system().make(path));
    else if (!found.includes(MARK)) {
      if (isKnown) throw withoutMark(path);
      // A mark that was being written when its process was killed is another name behind this one.
      const foreign = found.find((name) => name !== LOCK && !name.startsWith(`${MARK}.`));
      if (foreign !== undefined)
        throw new FolderError(
          { code: "FOREIGN", folder: path },
          `${path} is no folder of sectors: it holds ${foreign}, and no ${MARK}; give an empty or a new folder`,
        );
    }
    const unlock = await take(path);
    try {
      const mark = await markOf(path, network === undefined ? limits : { ...limits, network });
      if (id !== undefined && mark.id !== id) throw otherAt(path);
      if (network !== undefined && mark.network !== undefined && mark.network !== network)
        throw new FolderError(
          { code: "FOREIGN", folder: path },
          `${path} holds sectors of another network, the one that begins with ${mark.network}, and this one begins ` +
            `with ${network}: nothing in it was touched; give an empty or a new folder`,
        );
      const folder = new DiskFolder(path, mark, unlock);
      await check?.(folder);
      if (network !== undefined && mark.network === undefined && unlock !== null)
        await writeMark(path, { ...mark, network });
      return folder;
    } catch (error) {
      await unlock?.();
      throw error;
    }
  }

  files(sector: SectorName): SectorFiles {
    const directory = `${this.path}/${nameText(sector)}`;
    return { directory, store: guardedStore(this.path, directoryStore(directory), () => this.reach()) };
  }

  async sectors(): Promise<readonly SectorName[]> {
    await this.reach();
    const names = (await system().list(this.path)) ?? [];
    return names.map(parseName).filter((name) => name !== null);
  }

  async has(sector: SectorName): Promise<boolean> {
    const names = await this.namesOf(sector);
    return names === "other" || names.length > 0;
  }

  async names(sector: SectorName): Promise<readonly string[]> {
    const names = await this.namesOf(sector);
    return names === "other" ? [] : names;
  }

  private async namesOf(sector: SectorName): Promise<readonly string[] | "other"> {
    await this.reach();
    return namesIn(`${this.path}/${nameText(sector)}`);
  }

  async remove(sector: SectorName): Promise<void> {
    await this.reach();
    await guarded(this.path, () => system().remove(`${this.path}/${nameText(sector)}`));
  }

  /**
   * Throws `FolderError` NO_FOLDER if the folder went away after it was opened: where a disk was is an empty place, or another disk. What
   * would be written there would be hidden once the disk is back, what is not found there is not lost, and what is found is another's.
   */
  async reach(): Promise<void> {
    const mark = await readMark(this.path);
    if (mark === null) throw withoutMark(this.path);
    if (mark.id !== this.id) throw otherAt(this.path);
  }

  room(but?: SectorName): Promise<Room> {
    return this.look(but);
  }

  /** One at a time: two that look before either is noted would be promised the same room. */
  reserve(sector: SectorName, bytes: number): Promise<void> {
    return this.turns.run(async () => {
      if (this.isReadOnly)
        throw new FolderError({ code: "READ_ONLY", folder: this.path }, `${this.path} cannot be written to`);
      const { available } = await this.look(sector);
      const own = await bytesIn(`${this.path}/${nameText(sector)}`);
      if (bytes - own > available)
        throw new FolderError(
          { code: "NO_ROOM", bytes },
          `a sector needs ${bytes} bytes in ${this.path}, and ${available + own} are left for it`,
        );
      this.reservations.set(sector, bytes);
    });
  }

  release(sector: SectorName): void {
    this.reservations.delete(sector);
  }

  get promised(): readonly string[] {
    return this.reservations.names;
  }

  close(): Promise<void> {
    return this.unlock();
  }

  private async look(but?: SectorName): Promise<Room> {
    const taken = new Map<string, number>();
    let used = 0;
    for (const sector of await this.sectors()) {
      const bytes = await bytesIn(`${this.path}/${nameText(sector)}`);
      taken.set(nameText(sector), bytes);
      used += bytes;
    }
    const reserved = this.reservations.outstanding(taken, but);
    const free = Math.max(0, (await system().freeBytes(this.path)) - LEFT_FREE - reserved);
    const { maxBytes } = this.limits;
    const allowed = maxBytes === 0 ? free : Math.min(free, Math.max(0, maxBytes - used - reserved));
    return { used, reserved, available: this.isReadOnly ? 0 : allowed };
  }
}

/** Takes the lock; null where the folder cannot be written to, be it that its disk is full. */
async function take(path: string): Promise<(() => Promise<void>) | null> {
  let unlock: (() => Promise<void>) | null;
  try {
    unlock = await system().lock(path);
  } catch (error) {
    const known = fullOrReadOnly(error, path);
    if (known?.code === "READ_ONLY" || known?.code === "DISK_FULL") return null;
    if ((error as { code?: unknown }).code !== BAD_LOCK) throw known ?? error;
    const lock = `${path}/${LOCK}`;
    throw new FolderError(
      { code: "DAMAGED", folder: path },
      `the lock of ${path} cannot be taken: ${(error as Error).message}; no sector is in ${lock}: remove it, and try again`,
      { cause: error },
    );
  }
  if (unlock !== null) return unlock;
  throw new FolderError(
    { code: "LOCKED", folder: path },
    `${path} is in use by another process; stop that one, or name another folder`,
  );
}

async function writeMark(path: string, mark: Mark): Promise<Mark> {
  await guarded(path, () => platform.replaceFile(`${path}/${MARK}`, utf8(`${JSON.stringify(mark)}\n`)));
  return mark;
}

/** The mark of a folder; one with what is given where there is none. */
async function markOf(path: string, given: FolderLimits & Pick<Mark, "network">): Promise<Mark> {
  const found = await readMark(path);
  if (found !== null) return found;
  const id = toHex(platform.randomBytes(16));
  return writeMark(path, { filigree: "sectors", form: FORM, id, ...given });
}

/** The mark of a folder; null if there is none. Throws `FolderError` DAMAGED. */
async function readMark(path: string): Promise<Mark | null> {
  const file = `${path}/${MARK}`;
  // Something else than a file is a damaged mark.
  const size = await platform.fileSize(file).catch(() => 0);
  if (size === null) return null;
  try {
    const bytes = await platform.readRange(file, 0, Math.min(size, MAX_MARK_BYTES));
    const mark = JSON.parse(fromUtf8(bytes)) as Mark;
    const { maxBytes, canSeal, canStore, network } = mark;
    const isSound =
      mark.filigree === "sectors" &&
      mark.form === FORM &&
      /^[0-9a-f]{32}$/.test(mark.id) &&
      (network === undefined || /^[0-9A-Za-z]{1,200}$/.test(network)) &&
      Number.isSafeInteger(maxBytes) &&
      maxBytes >= 0 &&
      typeof canSeal === "boolean" &&
      typeof canStore === "boolean";
    if (isSound) return mark;
  } catch {
    // Said below.
  }
  throw new FolderError(
    { code: "DAMAGED", folder: path },
    `${file} is damaged and no mark of a folder of sectors; restore it from a copy`,
  );
}

function withoutMark(path: string): FolderError {
  return new FolderError(
    { code: "NO_FOLDER", folder: path },
    `${path} has no ${MARK}, which it had before: its disk may not be mounted, or the folder was emptied`,
  );
}

function gone(path: string): FolderError {
  return new FolderError(
    { code: "NO_FOLDER", folder: path },
    `there is no folder ${path}, and there was one: its disk may not be mounted, or it was moved or removed`,
  );
}

function otherAt(path: string): FolderError {
  return new FolderError(
    { code: "NO_FOLDER", folder: path },
    `another folder of sectors is at ${path} now: attach that one after a new start, or bring the earlier one back`,
  );
}

/** Names in a sector's directory, none if there is no such; "other": something else has its name, such as a file. */
async function namesIn(directory: string): Promise<readonly string[] | "other"> {
  try {
    return (await system().list(directory)) ?? [];
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOTDIR" || code === "ELOOP") return "other";
    throw error;
  }
}

async function bytesIn(directory: string): Promise<number> {
  let sum = 0;
  const names = await namesIn(directory);
  for (const name of names === "other" ? [] : names) {
    const file = `${directory}/${name}`;
    // What else lies there takes no room that could be told.
    if ((await platform.fileKind(file)) === "file") sum += (await platform.fileSize(file)) ?? 0;
  }
  return sum;
}

async function guarded<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw fullOrReadOnly(error, path) ?? error;
  }
}

/** A store that changes files where its folder is alone, and says in our words that the disk is full or read-only. */
function guardedStore(path: string, store: SectorStore, reach: () => Promise<void>): SectorStore {
  const changed = async (work: () => Promise<void>): Promise<void> => {
    await reach();
    await guarded(path, work);
  };
  return {
    read: (name, from, length) => store.read(name, from, length),
    size: (name) => store.size(name),
    write: (name, from, bytes) => changed(() => store.write(name, from, bytes)),
    remove: (name) => changed(() => store.remove(name)),
  };
}
