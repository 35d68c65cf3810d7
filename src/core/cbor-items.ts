/**
 * Reading what the core wrote: a cursor over canonical CBOR, for the few flat forms that cross the ABI.
 * The writer is our own module, so a surprise here is a bug, not bad input: it throws `RangeError`.
 */
import { CborHeads } from "../base/cbor-head.ts";
import { bigIn } from "../types/amount.ts";

const DECODER = new TextDecoder();

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const TAG = 6;
const SIMPLE = 7;
const TRUE = 21;

export class CborItems {
  private readonly source: Uint8Array;
  private readonly heads: CborHeads;

  constructor(bytes: Uint8Array) {
    this.source = bytes;
    this.heads = new CborHeads(bytes);
  }

  get done(): boolean {
    return this.heads.done;
  }

  /** Number of elements of an array. */
  array(): number {
    return this.head(ARRAY);
  }

  /** An integer that a `number` holds exactly. */
  int(): number {
    const negative = this.heads.next === NEGATIVE;
    const value = this.head(negative ? NEGATIVE : UNSIGNED);
    return negative ? -1 - value : value;
  }

  /** Any 64-bit integer. */
  bigint(): bigint {
    const start = this.heads.at;
    const negative = this.heads.next === NEGATIVE;
    const rough = this.head(negative ? NEGATIVE : UNSIGNED);
    const value = Number.isSafeInteger(rough) ? BigInt(rough) : this.heads.exact(start);
    return negative ? -1n - value : value;
  }

  bytes(): Uint8Array {
    const at = this.pass(BYTES);
    return this.source.slice(at, this.heads.at);
  }

  text(): string {
    const at = this.pass(TEXT);
    return at === this.heads.at ? "" : DECODER.decode(this.source.subarray(at, this.heads.at));
  }

  /** A link: its binary CID. */
  link(): Uint8Array {
    this.head(TAG);
    return this.bytes().subarray(1);
  }

  bool(): boolean {
    return this.head(SIMPLE) === TRUE;
  }

  /** Whether the next item is null, which is then taken. */
  nil(): boolean {
    if (this.heads.next !== SIMPLE) return false;
    this.heads.read();
    return true;
  }

  /** A token amount. */
  big(): bigint {
    const at = this.pass(BYTES);
    return bigIn(this.source, at, this.heads.at);
  }

  /** Passes a string; where it begins. */
  private pass(major: number): number {
    const length = this.head(major);
    const at = this.heads.at;
    if (length > this.source.length - at) throw new RangeError(`a string of ${length} bytes where fewer follow`);
    this.heads.at += length;
    return at;
  }

  private head(major: number): number {
    this.heads.read();
    if (this.heads.major === major) return this.heads.argument;
    throw new RangeError(`major type ${this.heads.major} where ${major} was expected`);
  }
}
