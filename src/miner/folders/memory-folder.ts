/** A folder of sectors in memory, for networks that keep nothing. */
import { MemorySectorStore } from "../../sector/store.ts";
import { FolderError } from "./errors.ts";
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

/** Bytes that sectors in memory may take unless something else is said: 1 GiB. */
const DEFAULT_MAX = 2 ** 30;

export class MemoryFolder implements SectorFolder {
  readonly id: string;
  readonly path = null;
  readonly limits: FolderLimits;
  readonly isReadOnly = false;
  private readonly stores = new Map<string, MemorySectorStore>();
  private readonly reservations = new Reservations();

  constructor(id = "memory", limits: FolderLimits = { ...NO_LIMITS, maxBytes: DEFAULT_MAX }) {
    this.id = id;
    this.limits = limits;
  }

  files(sector: SectorName): SectorFiles {
    const name = nameText(sector);
    const store = this.stores.get(name) ?? new MemorySectorStore();
    this.stores.set(name, store);
    return { store, directory: null };
  }

  async sectors(): Promise<readonly SectorName[]> {
    return [...this.stores].filter(([, { files }]) => files.size > 0).map(([name]) => parseName(name) as SectorName);
  }

  async has(sector: SectorName): Promise<boolean> {
    return (this.stores.get(nameText(sector))?.files.size ?? 0) > 0;
  }

  async names(sector: SectorName): Promise<readonly string[]> {
    return [...(this.stores.get(nameText(sector))?.files.keys() ?? [])];
  }

  async remove(sector: SectorName): Promise<void> {
    this.stores.get(nameText(sector))?.files.clear();
    this.stores.delete(nameText(sector));
  }

  async room(but?: SectorName): Promise<Room> {
    const taken = new Map<string, number>();
    let used = 0;
    for (const [name, { files }] of this.stores) {
      const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
      taken.set(name, bytes);
      used += bytes;
    }
    const reserved = this.reservations.outstanding(taken, but);
    const most = this.limits.maxBytes === 0 ? DEFAULT_MAX : this.limits.maxBytes;
    return { used, reserved, available: Math.max(0, most - used - reserved) };
  }

  async reserve(sector: SectorName, bytes: number): Promise<void> {
    const own = [...(this.stores.get(nameText(sector))?.files.values() ?? [])].reduce(
      (sum, { length }) => sum + length,
      0,
    );
    const { available } = await this.room(sector);
    if (bytes - own > available)
      throw new FolderError(
        { code: "NO_ROOM", bytes },
        `a sector needs ${bytes} bytes in memory, and ${available} are left`,
      );
    this.reservations.set(sector, bytes);
  }

  release(sector: SectorName): void {
    this.reservations.delete(sector);
  }

  get promised(): readonly string[] {
    return this.reservations.names;
  }

  async close(): Promise<void> {}
}
