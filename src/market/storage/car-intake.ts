/**
 * A deal's data that comes block by block, as the CAR file that its piece is made of: header, then each block once, in the
 * order of the walk that brings it. What a file holds already is found again after a restart; a section that was cut short is
 * written over, as the same walk brings the same block there.
 */
import { concat } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { Turns } from "../../base/turns.ts";
import { encodeVarint } from "../../base/varint.ts";
import { carHeader } from "../../storage/car.ts";
import { CarReader } from "../../storage/car-reader.ts";
import { type CID, type CidKey, cidKey } from "../../types/cid.ts";
import type { RequestStore } from "../graphsync/requester.ts";
import { Selection } from "../graphsync/selector.ts";
import { inlineBlock, Traversal } from "../graphsync/traversal.ts";
import { DealError } from "./errors.ts";
import type { PayloadFiles } from "./pull.ts";

/** Bytes that are gathered before they are written. */
const WRITE_BYTES = 1 << 20;

export class CarIntake implements RequestStore {
  private readonly files: PayloadFiles;
  private readonly name: string;
  private readonly room: number;
  private readonly turns = new Turns();
  /** Where blocks lie in the file. */
  private readonly places = new Map<CidKey, readonly [at: number, length: number]>();
  private waiting = new Map<CidKey, Uint8Array>();
  private parts: Uint8Array[] = [];
  private held = 0;
  /** Bytes of whole sections on the disk. */
  private written = 0;

  private constructor(files: PayloadFiles, name: string, room: number) {
    this.files = files;
    this.name = name;
    this.room = room;
  }

  /** `room`: bytes that the file may come to. */
  static async open(files: PayloadFiles, name: string, root: CID, room: number): Promise<CarIntake> {
    const intake = new CarIntake(files, name, room);
    const size = (await files.size(name)) ?? 0;
    const header = carHeader([root]);
    try {
      const read = (from: number, length: number): Promise<Uint8Array> =>
        files.read(name, from, Math.max(0, Math.min(length, size - from)));
      const reader = size < header.length ? null : await CarReader.open({ size, read });
      intake.written = reader?.at ?? 0;
      for (let next = await reader?.next(); next != null; next = await reader?.next()) {
        const { cid, bytes } = next.block;
        intake.written = reader?.at ?? 0;
        intake.places.set(cidKey(cid), [intake.written - bytes.length, bytes.length]);
      }
    } catch (error) {
      // The last section is cut short; or it is no CAR file, and begun again.
      if (!isFilError(error)) throw error;
    }
    if (intake.written === 0) intake.add(header);
    return intake;
  }

  /** Bytes of all that has come. */
  get size(): number {
    return this.written + this.held;
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    const key = cidKey(cid);
    const place = this.places.get(key);
    if (place !== undefined) return this.files.read(this.name, ...place);
    return this.waiting.get(key);
  }

  /** Throws `DealError` TRANSFER TOO_LONG. */
  put(cid: CID, bytes: Uint8Array): Promise<void> {
    return this.turns.run(() => this.take(cid, bytes));
  }

  private async take(cid: CID, bytes: Uint8Array): Promise<void> {
    const key = cidKey(cid);
    if (this.places.has(key) || this.waiting.has(key)) return;
    this.add(encodeVarint(cid.bytes.length + bytes.length), cid.bytes, bytes);
    if (this.size > this.room)
      throw new DealError({ code: "TRANSFER", reason: "TOO_LONG" }, `the data has more than ${this.room} bytes`);
    this.waiting.set(key, bytes);
    if (this.held >= WRITE_BYTES) await this.write();
  }

  private add(...parts: readonly Uint8Array[]): void {
    this.parts.push(...parts);
    for (const { length } of parts) this.held += length;
  }

  /** Resolves when all that has come is written. */
  flush(): Promise<void> {
    return this.turns.run(() => this.write());
  }

  private async write(): Promise<void> {
    const whole = concat(...this.parts);
    const { written, waiting } = this;
    await this.files.write(this.name, written, whole);
    // Blocks end their sections: from the end backwards, their places follow from their lengths.
    let end = written + whole.length;
    for (const [key, bytes] of [...waiting].reverse()) {
      this.places.set(key, [end - bytes.length, bytes.length]);
      const [cidBytes, prefix] = [key.length, encodeVarint(key.length + bytes.length).length];
      end -= bytes.length + cidBytes + prefix;
    }
    this.written = written + whole.length;
    [this.parts, this.held, this.waiting] = [[], 0, new Map()];
  }

  /** Links at the beginning of a walk whose blocks are here; `isWhole`: all of them are. */
  async links(root: CID, selector: Uint8Array): Promise<{ readonly count: number; readonly isWhole: boolean }> {
    const walk = new Traversal(root, new Selection(selector));
    let count = 0;
    for (let wanted = walk.next(); wanted !== null; wanted = walk.next()) {
      // Where the peer does not walk again, or does, is not known: the fewer links are the surer.
      if (wanted.isDone) walk.skip();
      else {
        const bytes = inlineBlock(wanted.cid) ?? (await this.get(wanted.cid.bytes));
        if (bytes === undefined) return { count, isWhole: false };
        walk.give(bytes);
      }
      count++;
    }
    return { count, isWhole: true };
  }
}
