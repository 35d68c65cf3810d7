/**
 * A folder of sectors where there are no folders: files of a browser's networks, in memory, and every change in a table too, from
 * which a later page begins. For small sectors: all files are in memory while it is open.
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { Turns } from "../../base/turns.ts";
import type { Table, TableChange } from "../../platform/table.ts";
import type { SectorStore } from "../../sector/store.ts";
import { nameText, parseName, type SectorFiles, type SectorName } from "./folder.ts";
import { MemoryFolder } from "./memory-folder.ts";

/** Bytes of one entry: what a write costs beside what it writes. */
const CHUNK = 1 << 16;

/** Key of a part of a file; file names hold no slash, and ten digits keep the parts in their order. */
const keyOf = (sector: string, file: string, part: number): Uint8Array =>
  utf8(`${sector}/${file}/${String(part).padStart(10, "0")}`);

export class TableFolder extends MemoryFolder {
  private readonly table: Table;
  /** The table follows what is in memory: of two writes to one place the last one's bytes are kept. */
  private readonly turns = new Turns();

  private constructor(table: Table) {
    // The records of sectors name their folder; a table is the only one of its network.
    super("table");
    this.table = table;
  }

  static async open(table: Table): Promise<TableFolder> {
    const folder = new TableFolder(table);
    for (const [key, bytes] of await table.range(utf8("s-"))) {
      const [name = "", file = "", part = ""] = fromUtf8(key).split("/");
      const sector = parseName(name);
      if (sector !== null) await folder.inMemory(sector).write(file, Number(part) * CHUNK, bytes);
    }
    return folder;
  }

  private inMemory(sector: SectorName): SectorStore {
    return super.files(sector).store;
  }

  override files(sector: SectorName): SectorFiles {
    const memory = this.inMemory(sector);
    const name = nameText(sector);
    const keep = async (file: string, from: number, to: number): Promise<void> => {
      const size = (await memory.size(file)) ?? 0;
      const changes: TableChange[] = [];
      for (let part = Math.floor(from / CHUNK); part * CHUNK < to; part++) {
        const length = Math.min(CHUNK, size - part * CHUNK);
        // A copy: the file in memory goes on changing.
        const value = (await memory.read(file, part * CHUNK, length)).slice();
        changes.push({ key: keyOf(name, file, part), value });
      }
      await this.table.change(changes);
    };
    const store: SectorStore = {
      read: (file, from, length) => memory.read(file, from, length),
      size: (file) => memory.size(file),
      write: (file, from, bytes) =>
        this.turns.run(async () => {
          const before = (await memory.size(file)) ?? 0;
          await memory.write(file, from, bytes);
          // Growing fills with zeros what is between the old end and the new bytes.
          await keep(file, Math.min(from, before), from + bytes.length);
        }),
      remove: (file) =>
        this.turns.run(async () => {
          const size = (await memory.size(file)) ?? 0;
          await memory.remove(file);
          const parts = Math.ceil(size / CHUNK);
          await this.table.change(
            Array.from({ length: parts }, (_, part) => ({ key: keyOf(name, file, part), value: null })),
          );
        }),
    };
    return { store, directory: null };
  }

  override async remove(sector: SectorName): Promise<void> {
    const { store } = this.files(sector);
    for (const file of await this.names(sector)) await store.remove(file);
    await super.remove(sector);
  }

  override async close(): Promise<void> {
    await this.table.close();
  }
}
