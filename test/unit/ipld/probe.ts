/** The core's pieces behind `probe.wasm`, for tests. Rebuild it with `npm run build:wasm -- probe`. */
import { fromHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Exports = {
  PROBE_SCRATCH_BYTES: WebAssembly.Global;
  __collect(): void;
  probeScratch(): number;
  probeBig(operation: number, a: number, b: number): number;
  probeRead(kind: number, length: number): number;
  probeCidOf(length: number): number;
  probeParseCid(length: number): number;
  probeParseAddress(length: number): number;
  probeBitField(length: number): number;
  probeIpldNode(kind: number, at: number, length: number, version: number, width: number): number;
};

/** Faults of the core's CBOR reader. */
export const FAULT = { truncated: 1, notMinimal: 2, wrongType: 3, tooLong: 4, tooDeep: 5, badValue: 6, trailing: 7 };

/** Kinds of items that `read` knows. */
export const KIND = {
  u64: 0,
  i64: 1,
  bytes: 2,
  text: 3,
  big: 4,
  bool: 5,
  cid: 6,
  raw: 7,
  address: 8,
  bitfield: 9,
  message: 10,
  signedMessage: 11,
  blockHeader: 12,
  array: 13,
  map: 14,
  nil: 15,
} as const;

/** Operations of `big`. */
export const BIG_OPERATIONS = [
  "add",
  "sub",
  "mul",
  "quo",
  "rem",
  "div",
  "mod",
  "lsh",
  "rsh",
  "compare",
  "neg",
  "text",
  "min",
  "max",
  "lowI64",
  "lowU64",
  "fits",
  "parse",
  "abs",
  "times",
] as const;
export type BigOperation = (typeof BIG_OPERATIONS)[number];

/** A sign byte and a big-endian magnitude. */
export function bigBytes(value: bigint): Uint8Array {
  let hex = (value < 0n ? -value : value).toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  const magnitude = value === 0n ? [] : [...fromHex(hex)];
  return Uint8Array.from([value < 0n ? 1 : 0, ...magnitude]);
}

export class Probe {
  readonly instance: Instance<Exports>;
  readonly #scratch: number;
  #calls = 0;

  private constructor(instance: Instance<Exports>) {
    this.instance = instance;
    this.#scratch = instance.exports.probeScratch();
  }

  static async load(): Promise<Probe> {
    return new Probe(await Instance.create<Exports>(await compileModule("probe.wasm"), { name: "probe" }));
  }

  #write(...parts: Uint8Array[]): void {
    if (++this.#calls % 1000 === 0) this.instance.exports.__collect();
    let at = this.#scratch;
    for (const part of parts) {
      this.instance.write(at, part);
      at += part.length;
    }
  }

  big(operation: BigOperation, a: bigint, b = 0n): Uint8Array {
    const [x, y] = [bigBytes(a), bigBytes(b)];
    this.#write(x, y);
    return this.instance.read(
      this.#scratch,
      this.instance.exports.probeBig(BIG_OPERATIONS.indexOf(operation), x.length, y.length),
    );
  }

  /** The item as the core writes it again, or the fault it reports. */
  read(kind: number, bytes: Uint8Array): Uint8Array | number {
    this.#write(bytes);
    const result = this.instance.exports.probeRead(kind, bytes.length);
    return result > 0 ? result : this.instance.read(this.#scratch, -result);
  }

  cidOf(block: Uint8Array): Uint8Array {
    this.#write(block);
    return this.instance.read(this.#scratch, this.instance.exports.probeCidOf(block.length));
  }

  /** Codec and hash as varints and the digest, or null for no CID. */
  parseCid(bytes: Uint8Array): Uint8Array | null {
    this.#write(bytes);
    const length = this.instance.exports.probeParseCid(bytes.length);
    return length === 0 ? null : this.instance.read(this.#scratch, length);
  }

  parseAddress(bytes: Uint8Array): boolean {
    this.#write(bytes);
    return this.instance.exports.probeParseAddress(bytes.length) === 1;
  }

  bitField(bytes: Uint8Array): "refused" | "invalid" | "valid" {
    this.#write(bytes);
    return (["refused", "invalid", "valid"] as const)[this.instance.exports.probeBitField(bytes.length)] ?? "refused";
  }

  /** Uses a block as a HAMT or AMT whose links lead back to it; the reason if the core refuses it. */
  node(kind: "hamt" | "amt", bytes: Uint8Array, version: number, width: number): string | null {
    this.#write(bytes);
    try {
      this.instance.exports.probeIpldNode(kind === "hamt" ? 0 : 1, this.#scratch, bytes.length, version, width);
      return null;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const reason = /refused: ([^(]*)/.exec(text)?.[1];
      if (reason === undefined) throw error;
      return reason.trim();
    }
  }
}
