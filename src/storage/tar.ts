/**
 * Reading a tar archive that lies in memory, or comes in parts: the names and bytes of its files. Folders, links and the extra
 * headers of newer formats are passed over. Source: POSIX.1-1988 ustar.
 */
import { concat } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";

export type TarErrorData = { readonly code: "BAD_TAR"; readonly at: number };
export class TarError extends FilError<TarErrorData> {}

export type TarFile = { readonly name: string; readonly bytes: Uint8Array };

const BLOCK = 512;
const SIZE_AT = 124;
const TYPE_AT = 156;
const PREFIX_AT = 345;
const CHECKSUM_AT = 148;

function bad(at: number, why: string): never {
  throw new TarError({ code: "BAD_TAR", at }, `not a tar archive at byte ${at}: ${why}`);
}

function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function octal(header: Uint8Array, from: number, length: number, at: number): number {
  const digits = text(header, from, length).trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : bad(at, "a number is no number");
}

/** What a header says of the bytes behind it; `name` is null for what is no file. */
type Entry = { readonly name: string | null; readonly size: number; readonly at: number };

function entryOf(header: Uint8Array, at: number): Entry {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) if (i < CHECKSUM_AT || i >= CHECKSUM_AT + 8) sum += header[i] as number;
  if (octal(header, CHECKSUM_AT, 8, at) !== sum) bad(at, "the header's checksum is wrong");
  const size = octal(header, SIZE_AT, 12, at);
  const type = header[TYPE_AT];
  if (type !== 0 && type !== 0x30) return { name: null, size, at };
  const prefix = text(header, PREFIX_AT, 155);
  const name = text(header, 0, 100);
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, at };
}

/** An archive that comes in parts. It holds the parts of the file that it is at; whoever gives them bounds them. */
export class TarReader {
  private parts: Uint8Array[] = [];
  /** Bytes held, and the place of the first in the archive. */
  private size = 0;
  private at = 0;
  private entry: Entry | null = null;
  /** Bytes up to the next header. */
  private padding = 0;
  private ended = false;

  /** Takes a part; the files that it completes, as views of it where it has all of them. Throws `BAD_TAR`. */
  push(part: Uint8Array): TarFile[] {
    const files: TarFile[] = [];
    if (this.ended) return files;
    this.parts.push(part);
    this.size += part.length;
    for (;;) {
      if (this.padding > 0) this.padding -= this.take(Math.min(this.padding, this.size)).length;
      if (this.entry === null) {
        if (this.padding > 0 || this.size < BLOCK) return files;
        const at = this.at;
        const header = this.take(BLOCK);
        if (header.every((byte) => byte === 0)) {
          this.ended = true;
          this.parts = [];
          return files;
        }
        this.entry = entryOf(header, at);
      }
      const { name, size } = this.entry;
      if (this.size < size) return files;
      const bytes = this.take(size);
      if (name !== null) files.push({ name, bytes });
      this.padding = Math.ceil(size / BLOCK) * BLOCK - size;
      this.entry = null;
    }
  }

  /** That no more comes. Throws `BAD_TAR` within a file. */
  end(): void {
    if (this.entry !== null) bad(this.entry.at, `a file of ${this.entry.size} bytes is cut short`);
  }

  /** The next `length` bytes, of which as many are held. */
  private take(length: number): Uint8Array {
    const taken: Uint8Array[] = [];
    this.size -= length;
    this.at += length;
    let parts = 0;
    for (let left = length; left > 0; ) {
      const part = this.parts[parts] as Uint8Array;
      taken.push(part.subarray(0, left));
      if (part.length > left) this.parts[parts] = part.subarray(left);
      else parts++;
      left -= Math.min(left, part.length);
    }
    this.parts.splice(0, parts);
    return taken.length === 1 ? (taken[0] as Uint8Array) : concat(...taken);
  }
}

/** The files of an archive, as views of it. Throws `BAD_TAR`. */
export function readTar(archive: Uint8Array): TarFile[] {
  const reader = new TarReader();
  const files = reader.push(archive);
  reader.end();
  return files;
}
