/**
 * CAR files from front to back, out of large reads: one section at a time, whatever the size of the file. Strict and
 * bounded as `readCar`.
 */
import {
  badCar,
  CAR_HEAD,
  carPayload,
  cidLength,
  cutShort,
  MAX_HEADER,
  MAX_SECTION,
  MAX_VARINT,
  readCarHeader,
  readVarint,
} from "./car.ts";
import type { Block } from "./contract.ts";

/** Bytes that can be read in any order: a file, or what was spooled into one. */
export type ByteSource = {
  readonly size: number;
  /** Bytes `[from, from + length)`; fewer at the end. */
  read(from: number, length: number): Promise<Uint8Array>;
  /** The same at once, of sources that can. */
  readNow?(from: number, length: number): Uint8Array;
};

/** Bytes read at a time; a section that is longer is read by itself. */
const WINDOW = 4 << 20;

/** A block and where its section begins. Its arrays are views that hold until the next is read. */
export type Section = { readonly block: Block; readonly at: number };

export class CarReader {
  /** Binary CIDs. */
  roots: readonly Uint8Array[] = [];
  /** Where the file's version 1 begins and ends. */
  readonly begin: number;
  readonly end: number;
  /** Where the next section begins. */
  at: number;
  private readonly source: ByteSource;
  private from = 0;
  private held: Uint8Array = new Uint8Array(0);

  private constructor(source: ByteSource, begin: number, end: number) {
    this.source = source;
    this.begin = begin;
    this.end = end;
    this.at = begin;
  }

  /** Reads the header. Throws `CarError`. */
  static async open(source: ByteSource): Promise<CarReader> {
    const [begin, end] = carPayload(await source.read(0, CAR_HEAD), source.size);
    const reader = new CarReader(source, begin, end);
    const [start, next] = await reader.bounds(MAX_HEADER, "header");
    reader.roots = readCarHeader(await reader.bytes(start, next - start), start).map((root) => root.slice());
    reader.at = next;
    return reader;
  }

  /** The next block, or null at the end. */
  async next(): Promise<Section | null> {
    const { at } = this;
    if (at >= this.end) return null;
    const [start, next] = await this.bounds(MAX_SECTION, "section");
    const bytes = await this.bytes(start, next - start);
    const length = cidLength(bytes, start);
    this.at = next;
    return { block: { cid: bytes.subarray(0, length), bytes: bytes.subarray(length) }, at };
  }

  /** The next section in pieces, of any length; null at the end. The last piece moves on to the section behind it. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const [start, next] = await this.bounds(Number.POSITIVE_INFINITY, "section");
    for (let from = start; from < next; from += WINDOW) yield this.bytes(from, Math.min(WINDOW, next - from));
    this.at = next;
  }

  private async bounds(most: number, name: string): Promise<[start: number, next: number]> {
    const { at, end } = this;
    const prefix = await this.bytes(at, Math.min(MAX_VARINT, end - at));
    // A length whose last byte is missing ends with the file.
    if (prefix.length < MAX_VARINT && prefix.every((byte) => byte >= 0x80)) cutShort(at, `a ${name}`);
    const [skip, length] = readVarint(prefix, 0, at);
    if (length > most) badCar(at, `${name} of ${length} bytes`);
    if (at + skip + length > end) cutShort(at, `a ${name}`);
    return [at + skip, at + skip + length];
  }

  private async bytes(at: number, length: number): Promise<Uint8Array> {
    if (at < this.from || at + length > this.from + this.held.length) {
      this.held = await this.source.read(at, Math.min(Math.max(WINDOW, length), this.end - at));
      this.from = at;
      if (this.held.length < length) cutShort(at, "a section");
    }
    return this.held.subarray(at - this.from, at - this.from + length);
  }
}
