/**
 * Reading a tar archive that lies in memory: the names and bytes of its files. Folders, links and the extra headers of newer
 * formats are passed over. Source: POSIX.1-1988 ustar.
 */
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

/** The files of an archive, as views of it. Throws `BAD_TAR`. */
export function readTar(archive: Uint8Array): TarFile[] {
  const files: TarFile[] = [];
  let at = 0;
  while (at + BLOCK <= archive.length) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    let sum = 8 * 32;
    for (let i = 0; i < BLOCK; i++) if (i < CHECKSUM_AT || i >= CHECKSUM_AT + 8) sum += header[i] as number;
    if (octal(header, CHECKSUM_AT, 8, at) !== sum) bad(at, "the header's checksum is wrong");
    const size = octal(header, SIZE_AT, 12, at);
    const start = at + BLOCK;
    if (start + size > archive.length) bad(at, `a file of ${size} bytes is cut short`);
    const type = header[TYPE_AT];
    if (type === 0 || type === 0x30) {
      const prefix = text(header, PREFIX_AT, 155);
      const name = text(header, 0, 100);
      files.push({ name: prefix === "" ? name : `${prefix}/${name}`, bytes: archive.subarray(start, start + size) });
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
