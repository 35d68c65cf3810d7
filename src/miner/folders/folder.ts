/**
 * Where the files of sectors are: folders on disks, or in memory. What a folder is asked for is the same for both.
 */
import type { SectorStore } from "../../sector/store.ts";

/** A sector as its files are named: actor id of its miner, and its number. */
export type SectorName = { readonly miner: bigint; readonly number: number };

export const nameText = ({ miner, number }: SectorName): string => `s-t0${miner}-${number}`;

/** The sector of a name; null for what is none. */
export function parseName(text: string): SectorName | null {
  const [, miner, number] = /^s-t0(\d{1,20})-(\d{1,16})$/.exec(text) ?? [];
  if (miner === undefined || number === undefined) return null;
  const name = { miner: BigInt(miner), number: Number(number) };
  return nameText(name) === text && Number.isSafeInteger(name.number) ? name : null;
}

/** A sector's files. */
export type SectorFiles = {
  readonly store: SectorStore;
  /** The directory that they are in, for jobs of workers; null in memory. */
  readonly directory: string | null;
};

/** Bytes. */
export type Room = {
  /** What the files of sectors take. */
  readonly used: number;
  /** What is promised to sectors and not yet taken. */
  readonly reserved: number;
  /** What can still be promised. */
  readonly available: number;
};

export type FolderLimits = {
  /** Bytes that sectors may take; 0: as many as the disk has. */
  readonly maxBytes: number;
  /** Whether new sectors are sealed here, and whether sectors are kept here. */
  readonly canSeal: boolean;
  readonly canStore: boolean;
};

export const NO_LIMITS: FolderLimits = { maxBytes: 0, canSeal: true, canStore: true };

export type SectorFolder = {
  /** Stays the same wherever the folder is mounted. */
  readonly id: string;
  /** Null in memory. */
  readonly path: string | null;
  readonly limits: FolderLimits;
  readonly isReadOnly: boolean;
  /** The files of a sector, whether there are any or not. */
  files(sector: SectorName): SectorFiles;
  /** Sectors that have files here. */
  sectors(): Promise<readonly SectorName[]>;
  has(sector: SectorName): Promise<boolean>;
  /** Names of a sector's files. */
  names(sector: SectorName): Promise<readonly string[]>;
  /** Removes all files of a sector. */
  remove(sector: SectorName): Promise<void>;
  /** Throws if it cannot be used now, such as when its disk is not mounted any more. Absent: it always can. */
  reach?(): Promise<void>;
  room(): Promise<Room>;
  /** Promises room to a sector, all its files included, until `release`. Throws `FolderError` NO_ROOM, READ_ONLY. */
  reserve(sector: SectorName, bytes: number): Promise<void>;
  release(sector: SectorName): void;
  /** Names of the sectors that room is promised to. */
  readonly promised: readonly string[];
  close(): Promise<void>;
};

/** Room that sectors have been promised: of each the part that its files do not take yet counts. */
export class Reservations {
  private readonly promised = new Map<string, number>();

  set(sector: SectorName, bytes: number): void {
    this.promised.set(nameText(sector), bytes);
  }

  delete(sector: SectorName): void {
    this.promised.delete(nameText(sector));
  }

  get names(): readonly string[] {
    return [...this.promised.keys()];
  }

  /** `taken`: bytes of each sector's files. */
  outstanding(taken: ReadonlyMap<string, number>, but?: SectorName): number {
    let sum = 0;
    for (const [name, bytes] of this.promised)
      if (but === undefined || name !== nameText(but)) sum += Math.max(0, bytes - (taken.get(name) ?? 0));
    return sum;
  }
}
