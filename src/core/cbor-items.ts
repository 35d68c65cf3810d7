/**
 * Reading what the core wrote: a cursor over canonical CBOR, for the few flat forms that cross the border.
 * The writer is our own module, so a surprise here is a bug, not bad input: it throws `RangeError`.
 */
import { bytesToBig } from "../types/amount.ts";

const TEXT = new TextDecoder();

export class CborItems {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Number of elements of an array. */
  array(): number {
    return Number(this.#head(4));
  }

  /** An integer that a `number` holds exactly. */
  int(): number {
    return Number(this.bigint());
  }

  /** Any 64-bit integer. */
  bigint(): bigint {
    const negative = this.#byte(this.#at) >> 5 === 1;
    const value = this.#head(negative ? 1 : 0);
    return BigInt(negative ? -1n - BigInt(value) : value);
  }

  bytes(): Uint8Array {
    const length = Number(this.#head(2));
    const out = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return out;
  }

  text(): string {
    const length = Number(this.#head(3));
    const out = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return length === 0 ? "" : TEXT.decode(out);
  }

  /** A link: its binary CID. */
  link(): Uint8Array {
    this.#head(6);
    return this.bytes().subarray(1);
  }

  /** A token amount. */
  big(): bigint {
    const length = Number(this.#head(2));
    if (length === 0) return 0n;
    const out = bytesToBig(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return out;
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new RangeError("the core's answer is cut short");
    return byte;
  }

  #head(major: number): number | bigint {
    const first = this.#byte(this.#at);
    if (first >> 5 !== major) throw new RangeError(`major type ${first >> 5} where ${major} was expected`);
    const info = first & 31;
    if (info < 24) {
      this.#at += 1;
      return info;
    }
    const size = 1 << (info - 24);
    this.#byte(this.#at + size);
    let value: number | bigint = 0;
    if (size < 8) for (let i = 1; i <= size; i++) value = value * 256 + this.#byte(this.#at + i);
    else for (let i = 1; i <= size; i++) value = (BigInt(value) << 8n) | BigInt(this.#byte(this.#at + i));
    this.#at += 1 + size;
    return value;
  }
}
