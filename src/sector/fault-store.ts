/** A sector's files whose loss or damage can be played: what is underneath is not touched. */
import { SectorError } from "./params.ts";
import type { SectorStore } from "./store.ts";

/** `lost`: no file is there; `changed`: every byte that is read is another. */
export type FileFault = "none" | "lost" | "changed";

export class FaultStore implements SectorStore {
  fault: FileFault = "none";
  private readonly files: SectorStore;

  constructor(files: SectorStore) {
    this.files = files;
  }

  async read(name: string, from: number, length: number): Promise<Uint8Array> {
    if (this.fault === "lost")
      throw new SectorError({ code: "MISSING_FILE", name }, `the sector has no file ${name} (the laboratory hides it)`);
    const bytes = await this.files.read(name, from, length);
    // The lowest bit keeps what is read inside the field.
    return this.fault === "none" ? bytes : bytes.map((byte) => byte ^ 1);
  }

  write(name: string, from: number, bytes: Uint8Array): Promise<void> {
    return this.files.write(name, from, bytes);
  }

  async size(name: string): Promise<number | null> {
    return this.fault === "lost" ? null : this.files.size(name);
  }

  remove(name: string): Promise<void> {
    return this.files.remove(name);
  }
}
