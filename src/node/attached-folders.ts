/**
 * The folders of a node's sectors: the data folder's own and those that were attached, which are there again after a start. What cannot be
 * used now, such as the folder of a disk that is not mounted, is told and taken up again when it can.
 */
import { platform } from "#platform";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { describeError, isFilError } from "../base/errors.ts";
import { Turns } from "../base/turns.ts";
import { DiskFolder } from "../miner/folders/disk-folder.ts";
import { FolderError } from "../miner/folders/errors.ts";
import { type FolderLimits, nameText, type SectorFolder, type SectorName } from "../miner/folders/folder.ts";
import { type AwayFolder, SectorFolders } from "../miner/folders/folders.ts";
import type { HeldMiner } from "../miner/own-sectors.ts";
import { isOwn } from "../miner/sealing/own-files.ts";
import type { RecordStore, SectorRecords } from "../miner/sealing/records.ts";
import { SECTOR_STATES } from "../miner/sealing/states.ts";
import { noteHome } from "./sector-home.ts";

/** Paths of attached folders in the store, as a JSON list. */
export const ATTACHED_FACT = "miner/folders";

/** Sectors of one miner that are known here. */
type KnownSectors = { readonly miner: HeldMiner; readonly machine: { readonly records: SectorRecords } };

export type AttachedFoldersOptions = {
  readonly store: RecordStore;
  /** CID of the network's genesis, by which its folders know it. */
  readonly genesis: () => Promise<string>;
  /** Opens the folder that new sectors go to. Throws `FolderError` NO_FOLDER where it is not there now, though it was. */
  readonly openHome: (genesis: string) => Promise<SectorFolder>;
  readonly known: () => Iterable<KnownSectors>;
  /** Called when other folders are away than before. */
  readonly onChange: () => void;
};

function isAbsolute(path: string): boolean {
  return /^(\/|[A-Za-z]:[\\/])/.test(path);
}

/** The folder that an error says is away now; throws any other. */
function awayIn(error: unknown): AwayFolder {
  if (!isFilError(error, "NO_FOLDER")) throw error;
  const { folder } = (error as FolderError).data as { readonly folder: string };
  return { path: folder, why: describeError(error) };
}

export class AttachedFolders {
  private readonly options: AttachedFoldersOptions;
  private readonly turns = new Turns();
  private folders: SectorFolders | null = null;
  /** Folders that could not be opened, by their paths, and why. */
  private readonly missing = new Map<string, string>();
  /** Those that went away after they were opened, by the last look at them. */
  private gone: readonly AwayFolder[] = [];
  /** Path of the data folder's own folder, whether it is there or not. */
  private home: string | null = null;
  private closed = false;

  constructor(options: AttachedFoldersOptions) {
    this.options = options;
  }

  /** Null before `start`. */
  get open(): SectorFolders | null {
    return this.folders;
  }

  /** The folders; throws before `start`. */
  get storage(): SectorFolders {
    if (this.folders === null) throw new Error("the sealing has not started");
    return this.folders;
  }

  /** Opens the data folder's own folder and what was attached before; what cannot be opened is told. */
  async start(): Promise<SectorFolders> {
    const { openHome, genesis, store } = this.options;
    const folders = new SectorFolders();
    folders.noteAway(() => this.noted());
    const opened = await openHome(await genesis()).catch(awayIn);
    this.home = opened.path;
    // One that is away is as an attached one that is.
    if ("why" in opened) this.missing.set(opened.path, opened.why);
    else {
      folders.attach(opened);
      await noteHome(store, opened);
    }
    this.folders = folders;
    if (platform.folders !== null) for (const path of await this.paths()) await this.openOne(path);
    return folders;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.turns.idle();
    await this.folders?.close();
  }

  /** Adds a folder by its absolute path, and notes it for later starts. Throws `FolderError`. */
  attach(given: string, limits: FolderLimits): Promise<void> {
    return this.turns.run(async () => {
      const { storage } = this;
      const path = await pathOf(given);
      if (storage.all.some((folder) => folder.path === path))
        throw new FolderError({ code: "SAME_FOLDER", folder: path, other: path }, `${path} is attached already`);
      const network = await this.options.genesis();
      const check = (folder: SectorFolder): Promise<void> => this.refuseOthers(folder);
      const folder = await DiskFolder.open(path, { create: true, limits, network, check });
      try {
        storage.attach(folder);
      } catch (error) {
        await folder.close();
        throw error;
      }
      if (path === this.home) await noteHome(this.options.store, folder);
      else await this.note([...new Set([...(await this.paths()), path])]);
      // One that was away is there again.
      if (this.missing.delete(path)) this.options.onChange();
    });
  }

  /**
   * Gives up a folder by its absolute path, be it there or away: nothing in it is touched, and sectors in it are proven again once it is
   * attached again. Throws `FolderError` NOT_ATTACHED, or IN_USE while a sector is being made or updated in it.
   */
  detach(given: string): Promise<void> {
    return this.turns.run(async () => {
      const { storage } = this;
      const path = await pathOf(given);
      if (path === this.home)
        throw new FolderError({ code: "IN_USE", folder: path }, `${path} is the data folder's own, and stays`);
      const isAway = (await this.lookNow()).some((one) => one.path === path);
      const folder = storage.all.find((one) => one.path === path);
      if (folder === undefined && !isAway)
        throw new FolderError({ code: "NOT_ATTACHED", folder: path }, `${path} is not attached`);
      const paths = (await this.paths()).filter((one) => one !== path);
      if (folder === undefined) await this.note(paths);
      else {
        // Of one that is away nothing is written to; what was begun there goes on once it is attached again.
        const names = isAway ? null : await folder.sectors();
        const check = (): void => (names === null ? undefined : this.refuseInUse(folder, names));
        await storage.detach(folder, check, () => this.note(paths));
      }
      this.missing.delete(path);
      this.gone = this.gone.filter((one) => one.path !== path);
      this.options.onChange();
    });
  }

  /** Throws `FolderError` IN_USE for a folder in which a sector's files change. */
  private refuseInUse(folder: SectorFolder, names: readonly SectorName[]): void {
    const held = new Set(names.map(nameText));
    for (const { miner, machine } of this.options.known())
      for (const record of machine.records.all()) {
        const { number, state } = record;
        const name = nameText({ miner: miner.address.actorId as bigint, number });
        if (record.folder !== folder.id && !held.has(name)) continue;
        if (["held", "end"].includes(SECTOR_STATES[state].kind)) continue;
        throw new FolderError(
          { code: "IN_USE", folder: folder.path ?? folder.id },
          `${name} is ${state} in ${folder.path ?? folder.id}: detach it when that sector is proven, or has come to an end`,
        );
      }
    const [promised] = folder.promised;
    if (promised !== undefined)
      throw new FolderError(
        { code: "IN_USE", folder: folder.path ?? folder.id },
        `${folder.path ?? folder.id} has promised room to ${promised}: detach it when that sector is proven or removed`,
      );
  }

  /** Throws `FolderError` FOREIGN for a folder with a sector that no record here knows, or whose files are elsewhere. */
  private async refuseOthers(folder: SectorFolder): Promise<void> {
    const place = folder.path ?? folder.id;
    const refuse = (name: SectorName, why: string): never => {
      throw new FolderError(
        { code: "FOREIGN", folder: place },
        `${place} holds ${nameText(name)}, ${why}: nothing in it was touched; give an empty or a new folder`,
      );
    };
    for (const name of await folder.sectors()) {
      const line = [...this.options.known()].find(({ miner }) => miner.address.actorId === name.miner);
      const { number } = name;
      const isRecorded = line?.machine.records.has(number) === true;
      if (line === undefined || !(isRecorded || line.miner.sectors.has(number)))
        refuse(name, "a sector that this node has no record of");
      const other = await this.storage.find(name, "");
      if (other !== null) refuse(name, `a sector whose files are in ${other.path ?? other.id} already`);
      const record = isRecorded ? line?.machine.records.get(number) : undefined;
      // Where it is not sealed yet nothing tells it from another's; its folder was not attached anew before.
      if (record?.sealed && !(await isOwn(folder, name, { ...record, folder: folder.id })))
        refuse(name, "which is another sector than the one of that number here");
    }
  }

  private async openOne(path: string): Promise<void> {
    const { genesis, openHome, store } = this.options;
    try {
      const network = await genesis();
      const isHome = path === this.home;
      const folder = await (isHome ? openHome(network) : DiskFolder.open(path, { network, isKnown: true }));
      try {
        this.storage.attach(folder);
      } catch (error) {
        await folder.close();
        throw error;
      }
      this.missing.delete(path);
      if (isHome) await noteHome(store, folder);
    } catch (error) {
      this.missing.set(path, describeError(error));
    }
  }

  /** Folders that are away, after another look for them: one that is back is taken up again. */
  look(): Promise<readonly AwayFolder[]> {
    return this.turns.run(() => this.lookNow());
  }

  private async lookNow(): Promise<readonly AwayFolder[]> {
    const paths = (): string =>
      this.away()
        .map(({ path }) => path)
        .join("\n");
    const before = paths();
    for (const path of [...this.missing.keys()]) if (!this.closed) await this.openOne(path);
    this.gone = await this.storage.gone();
    if (paths() !== before) this.options.onChange();
    return this.away();
  }

  /** Those that were away at the last look. */
  away(): readonly AwayFolder[] {
    return [...this.noted(), ...this.gone];
  }

  /** Those that could not be opened; what went away after that is told by the folders themselves. */
  private noted(): readonly AwayFolder[] {
    return [...this.missing].map(([path, why]) => ({ path, why }));
  }

  private async paths(): Promise<readonly string[]> {
    const found = await this.options.store.metadata(ATTACHED_FACT);
    if (found === undefined) return [];
    const paths: unknown = JSON.parse(fromUtf8(found));
    // Earlier versions noted a folder twice that was attached again.
    return Array.isArray(paths) ? [...new Set(paths.filter((path) => typeof path === "string"))] : [];
  }

  private async note(paths: readonly string[]): Promise<void> {
    await this.options.store.write({ metadata: [[ATTACHED_FACT, utf8(JSON.stringify(paths))]] }, { sync: true });
  }
}

/** As folders are known here. Throws `FolderError` NO_FOLDER for what is no absolute path. */
async function pathOf(given: string): Promise<string> {
  if (platform.folders === null || !isAbsolute(given))
    throw new FolderError(
      { code: "NO_FOLDER", folder: given },
      platform.folders === null ? "there are no folders on this platform" : `${given}: an absolute path is expected`,
    );
  return platform.folders.absolute(given);
}
