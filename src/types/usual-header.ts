/**
 * Reads the headers that nearly all are, in a tenth of the time that a reader of any DAG-CBOR takes and comparison with a
 * second encoding. It takes nothing that the careful reader of `block-header.ts` refuses, and reads the same from what it
 * takes; whatever is unusual (integers of 64 bits, links of another kind, anything wrong) it leaves to that one, which
 * knows what is the matter. A test holds the two against each other.
 */
import { Address } from "./address.ts";
import { bytesToBig } from "./amount.ts";
import { type CID, cidFromChainBytes, isChainCid } from "./cid.ts";
import { decodeSignature, type Signature } from "./message.ts";

const UNSIGNED = 0;
const BYTES = 2;
const ARRAY = 4;
const NULL = 0xf6;
/** A link: tag 42, a byte string of 39, of which the first is 0. */
const LINK_HEAD = [0xd8, 0x2a, 0x58, 0x27, 0x00] as const;
const CID_BYTES = 38;

/** Thrown, and caught again below, where a header is left to the careful reader. */
const UNUSUAL = new Error("an unusual header");

class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isDone(): boolean {
    return this.at === this.bytes.length;
  }

  tuple(length: number): void {
    if (this.head(ARRAY) !== length) throw UNUSUAL;
  }

  list<T>(read: () => T): T[] {
    const out: T[] = [];
    for (let left = this.head(ARRAY); left > 0; left--) out.push(read());
    return out;
  }

  optional<T>(read: () => T): T | null {
    if (this.bytes[this.at] !== NULL) return read();
    this.at++;
    return null;
  }

  /** Unsigned integer of at most 32 bits. */
  integer(): number {
    return this.head(UNSIGNED);
  }

  /** A view of the header's bytes. */
  string(): Uint8Array {
    const length = this.head(BYTES);
    return this.take(length);
  }

  link(): CID {
    for (const byte of LINK_HEAD) if (this.bytes[this.at++] !== byte) throw UNUSUAL;
    const bytes = this.take(CID_BYTES);
    if (!isChainCid(bytes)) throw UNUSUAL;
    return cidFromChainBytes(bytes);
  }

  private take(length: number): Uint8Array {
    const from = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw UNUSUAL;
    return this.bytes.subarray(from, this.at);
  }

  /** Value of a head of the shortest form, at most 32 bits. */
  private head(major: number): number {
    const { bytes } = this;
    const first = bytes[this.at++];
    if (first === undefined || first >> 5 !== major) throw UNUSUAL;
    const info = first & 31;
    if (info < 24) return info;
    if (info > 26) throw UNUSUAL;
    let value = 0;
    for (let left = 1 << (info - 24); left > 0; left--) value = value * 256 + (bytes[this.at++] ?? Number.NaN);
    const least = info === 24 ? 24 : info === 25 ? 0x100 : 0x10000;
    if (!(value >= least)) throw UNUSUAL;
    return value;
  }
}

/** The key of a tipset, or null for one that the careful reader has to look at. Its CIDs are views of `bytes`, which must stay. */
export function readUsualKey(bytes: Uint8Array): CID[] | null {
  const reader = new Reader(bytes);
  try {
    const key = reader.list(() => reader.link());
    return reader.isDone ? key : null;
  } catch {
    return null;
  }
}

/** A header, or null for one that the careful reader has to look at. Its byte strings are views of `bytes`, which must stay. */
export function readUsualHeader(bytes: Uint8Array) {
  const reader = new Reader(bytes);
  const string = (): Uint8Array => reader.string();
  const signature = (): Signature => decodeSignature(string());
  const link = (): CID => reader.link();
  try {
    reader.tuple(16);
    const header = {
      miner: Address.fromBytes(string()),
      ticket: reader.optional(() => {
        reader.tuple(1);
        return string();
      }),
      electionProof: reader.optional(() => {
        reader.tuple(2);
        return { winCount: BigInt(reader.integer()), vrfProof: string() };
      }),
      beaconEntries: reader.list(() => {
        reader.tuple(2);
        return { round: BigInt(reader.integer()), data: string() };
      }),
      winPoStProof: reader.list(() => {
        reader.tuple(2);
        return { postProof: BigInt(reader.integer()), proofBytes: string() };
      }),
      parents: reader.list(link),
      parentWeight: bytesToBig(string()),
      height: reader.integer(),
      parentStateRoot: link(),
      parentMessageReceipts: link(),
      messages: link(),
      blsAggregate: reader.optional(signature),
      timestamp: BigInt(reader.integer()),
      blockSig: reader.optional(signature),
      forkSignaling: BigInt(reader.integer()),
      parentBaseFee: bytesToBig(string()),
    };
    return reader.isDone ? header : null;
  } catch {
    return null;
  }
}
