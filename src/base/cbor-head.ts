/**
 * A cursor over the heads of canonical CBOR: the major type and the argument of one item after another, without decoding
 * what is in them.
 */
export class CborHeads {
  /** Position behind the last head. */
  at = 0;
  /** Major type of the last head: 0 integer, 1 negative, 2 bytes, 3 text, 4 array, 5 map, 6 tag, 7 simple. */
  major = 0;
  /** Argument of the last head: exact below 2^53. */
  argument = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** Major type of the next item; -1 at the end. */
  get next(): number {
    const first = this.bytes[this.at];
    return first === undefined ? -1 : first >> 5;
  }

  /** Reads a head. Throws `RangeError` if it is cut short, or reserved. */
  read(): void {
    const first = this.bytes[this.at];
    if (first === undefined) throw new RangeError("CBOR is cut short");
    this.major = first >> 5;
    const info = first & 31;
    if (info < 24) {
      this.argument = info;
      this.at += 1;
      return;
    }
    const size = sizeOf(info);
    if (this.at + size >= this.bytes.length) throw new RangeError("CBOR is cut short");
    let value = 0;
    for (let i = 1; i <= size; i++) value = value * 256 + (this.bytes[this.at + i] as number);
    this.argument = value;
    this.at += 1 + size;
  }

  /** Argument of the head that begins at `start`, exact. */
  exact(start: number): bigint {
    const info = (this.bytes[start] as number) & 31;
    if (info < 24) return BigInt(info);
    let value = 0n;
    for (let i = 1; i <= sizeOf(info); i++) value = (value << 8n) | BigInt(this.bytes[start + i] as number);
    return value;
  }
}

/** Bytes of the shortest head with an argument, 0 to 2^64 - 1. */
export function headLength(argument: number | bigint): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x10000) return 3;
  return argument < 0x100000000 ? 5 : 9;
}

/** Bytes of the argument behind a first byte. */
function sizeOf(info: number): number {
  if (info > 27) throw new RangeError("CBOR head is reserved or of indefinite length");
  return 1 << (info - 24);
}
