/**
 * The folder of sectors that a data folder has of its own. It may lie on another disk; where it was made once it is never made anew by
 * itself: an empty place is one whose disk is not mounted, and sectors that the records tell of would be taken for lost.
 */
import { platform } from "#platform";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { DiskFolder } from "../miner/folders/disk-folder.ts";
import type { SectorFolder } from "../miner/folders/folder.ts";
import { MemoryFolder } from "../miner/folders/memory-folder.ts";
import { TableFolder } from "../miner/folders/table-folder.ts";
import type { RecordStore } from "../miner/sealing/records.ts";

/** Id of the folder, in the store of the data folder that it is of. */
export const HOME_FACT = "miner/own-folder";
/** What records of sectors begin with (`src/miner/sealing/records.ts`). */
const RECORDS = "sealing/";

/** Folder of new sectors in the data folder; a reset takes it away (`src/platform/node-folder.ts`). */
const SECTORS = "sectors";

/** Null: it is in memory. */
async function homePath(data: string | null): Promise<string | null> {
  // As one who attaches it names it, however the data folder was given.
  return data === null || platform.folders === null ? null : platform.folders.absolute(`${data}/${SECTORS}`);
}

type HomeOptions = {
  /** CID of the genesis of the network that it must be of. */
  readonly network?: string;
  /** Knows whether there was one before. */
  readonly store?: RecordStore;
  /** There was one for certain, whatever an earlier version noted. */
  readonly wasMade?: boolean;
};

/**
 * The folder of sectors in a data folder; where there are no folders, in a table beside the network's; null: in memory. Throws `FolderError`
 * NO_FOLDER where there was one before and it is not there.
 */
export async function openSectorFolder(
  data: string | null,
  { network, store, wasMade = false }: HomeOptions = {},
): Promise<SectorFolder> {
  if (data === null) return new MemoryFolder();
  const path = await homePath(data);
  if (path === null) return TableFolder.open(await platform.openTable(`${data}/${SECTORS}`));
  const before = (store === undefined ? null : await homeBefore(store)) ?? (wasMade ? "" : null);
  return DiskFolder.open(path, {
    create: before === null,
    isKnown: before !== null,
    ...(before === null || before === "" ? {} : { id: before }),
    ...(network === undefined ? {} : { network }),
  });
}

/** Notes that a data folder has its folder from now on. */
export async function noteHome(store: RecordStore, { id, path }: SectorFolder): Promise<void> {
  if (path === null) return;
  const before = await store.metadata(HOME_FACT);
  if (before === undefined || fromUtf8(before) !== id)
    await store.write({ metadata: [[HOME_FACT, utf8(id)]] }, { sync: true });
}

/** Its id; "" where earlier versions did not note it, and sectors tell that it was there; null: there was none. */
async function homeBefore(store: RecordStore): Promise<string | null> {
  const noted = await store.metadata(HOME_FACT);
  if (noted !== undefined) return fromUtf8(noted);
  // Asked once for each data folder: from then on its folder is noted.
  return (await store.metadataWith(RECORDS)).length === 0 ? null : "";
}
