/**
 * Hashes over `crypto.wasm`: in one call, or as streams of any size through a window of bounded memory.
 *
 * A stream's context is a small block of bytes without pointers. The one worked on last lies in the module; when another
 * takes its turn it is copied out, so streams are plain objects: any number, cloned at will, nothing to free.
 */
import { FilError } from "../base/errors.ts";
import type { Instance } from "./instance.ts";

export type CryptoErrorData =
  /** A digest, key, signature or message of a length that the function does not take. */
  | { readonly code: "BAD_LENGTH"; readonly what: string; readonly length: number }
  /** A secret key that is zero or not below the group's order. */
  | { readonly code: "BAD_SECRET_KEY" }
  /** Bytes that encode no point of the group of prime order. */
  | { readonly code: "BAD_POINT"; readonly what: string }
  /** A stream used after its digest was taken. */
  | { readonly code: "HASHER_SPENT" };

/** Wrong arguments to a hash or a signature scheme. */
export class CryptoError extends FilError<CryptoErrorData> {}

/** A hash in progress. */
export type Hasher = {
  /** Absorbs bytes; any way of cutting a message into updates gives the same digest. */
  update(bytes: Uint8Array): Hasher;
  /** Ends the stream and returns the digest; afterwards the stream refuses work with `HASHER_SPENT`. */
  digest(): Uint8Array;
  /** An independent stream that has absorbed the same bytes. */
  clone(): Hasher;
};

export type Hashes = {
  /** SHA-256: 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** Keccak-256 with Ethereum's padding: 32 bytes. */
  keccak256(bytes: Uint8Array): Uint8Array;
  /** BLAKE2b with a digest of `outLength` bytes (1 … 64) and optionally a key (1 … 64 bytes). */
  blake2b(bytes: Uint8Array, outLength: number, key?: Uint8Array): Uint8Array;
  /** BLAKE2b-256: the hash of CIDs and signed digests. */
  blake2b256(bytes: Uint8Array): Uint8Array;
  /** BLAKE2b-160: the hash of addresses. */
  blake2b160(bytes: Uint8Array): Uint8Array;
  createSha256(): Hasher;
  createKeccak256(): Hasher;
  createBlake2b(outLength: number, key?: Uint8Array): Hasher;
};

/** What the hash half of `crypto.wasm` exports; see `assembly/entry/crypto.ts`. */
export type HashExports = {
  scratchPtr(): number;
  contextPtr(): number;
  sha256(input: number, length: number, out: number): void;
  sha256Init(context: number): void;
  sha256Update(context: number, input: number, length: number): void;
  sha256Final(context: number, out: number): void;
  keccak256(input: number, length: number, out: number): void;
  keccak256Init(context: number): void;
  keccak256Update(context: number, input: number, length: number): void;
  keccak256Final(context: number, out: number): void;
  blake2b(input: number, length: number, outLength: number, out: number): void;
  blake2bInit(context: number, outLength: number): void;
  blake2bInitKeyed(context: number, outLength: number, key: number, keyLength: number): void;
  blake2bUpdate(context: number, input: number, length: number): void;
  blake2bFinal(context: number, out: number): void;
};

/**
 * Bytes copied in at a time by streams: small enough to be still in the first-level caches when they are hashed, large
 * enough that the calls do not count.
 */
const WINDOW_BYTES = 16384;
/** Room for any of the three contexts. */
const CONTEXT_BYTES = 208;
/** A digest is written to the scratch region's beginning, input lies behind it. */
const INPUT_OFFSET = 64;

type Algorithm = {
  readonly outLength: number;
  readonly update: (context: number, input: number, length: number) => void;
  readonly final: (context: number, out: number) => void;
};

/** The module, and whose context lies in it now. */
type Bench = {
  readonly instance: Instance<HashExports>;
  readonly scratch: number;
  readonly context: number;
  resident: StreamHasher | null;
};

class StreamHasher implements Hasher {
  private readonly bench: Bench;
  private readonly algorithm: Algorithm;
  /** The context while it is not in the module. */
  private saved: Uint8Array | null = null;
  private spent = false;

  constructor(bench: Bench, algorithm: Algorithm, begin: ((context: number) => void) | Uint8Array) {
    this.bench = bench;
    this.algorithm = algorithm;
    if (typeof begin !== "function") {
      this.saved = begin;
      return;
    }
    this.enter();
    begin(bench.context);
  }

  update(bytes: Uint8Array): this {
    this.enter();
    const { instance, scratch, context } = this.bench;
    const { update } = this.algorithm;
    for (let at = 0; at < bytes.length; at += WINDOW_BYTES) {
      const length = Math.min(WINDOW_BYTES, bytes.length - at);
      instance.write(scratch, length === bytes.length ? bytes : bytes.subarray(at, at + length));
      update(context, scratch, length);
    }
    return this;
  }

  digest(): Uint8Array {
    this.enter();
    const { instance, scratch, context } = this.bench;
    this.algorithm.final(context, scratch);
    this.spent = true;
    this.bench.resident = null;
    return instance.read(scratch, this.algorithm.outLength);
  }

  clone(): Hasher {
    this.enter();
    return new StreamHasher(this.bench, this.algorithm, this.bench.instance.read(this.bench.context, CONTEXT_BYTES));
  }

  /** Brings the context into the module. */
  private enter(): void {
    if (this.spent) throw new CryptoError({ code: "HASHER_SPENT" }, "hash stream used after its digest was taken");
    const bench = this.bench;
    if (bench.resident === this) return;
    if (bench.resident !== null) bench.resident.leave();
    if (this.saved !== null) bench.instance.write(bench.context, this.saved);
    this.saved = null;
    bench.resident = this;
  }

  private leave(): void {
    this.saved = this.bench.instance.read(this.bench.context, CONTEXT_BYTES);
  }
}

/** Throws `BAD_LENGTH` unless `low <= length <= high`. */
export function checkLength(what: string, length: number, low: number, high: number = low): void {
  if (Number.isInteger(length) && length >= low && length <= high) return;
  const range = low === high ? `${low}` : `${low} to ${high}`;
  throw new CryptoError({ code: "BAD_LENGTH", what, length }, `${what} of ${length} bytes, expected ${range}`);
}

/** The hash functions of an instance of `crypto.wasm`. */
export function hashesOf(instance: Instance<HashExports>): Hashes {
  const core = instance.exports;
  const scratch = core.scratchPtr();
  const input = scratch + INPUT_OFFSET;
  const bench: Bench = { instance, scratch, context: core.contextPtr(), resident: null };
  const sha: Algorithm = { outLength: 32, update: core.sha256Update, final: core.sha256Final };
  const keccak: Algorithm = { outLength: 32, update: core.keccak256Update, final: core.keccak256Final };

  const createSha256 = (): Hasher => new StreamHasher(bench, sha, core.sha256Init);
  const createKeccak256 = (): Hasher => new StreamHasher(bench, keccak, core.keccak256Init);
  const createBlake2b = (outLength: number, key?: Uint8Array): Hasher => {
    checkLength("blake2b digest", outLength, 1, 64);
    const algorithm: Algorithm = { outLength, update: core.blake2bUpdate, final: core.blake2bFinal };
    if (key === undefined) return new StreamHasher(bench, algorithm, (context) => core.blake2bInit(context, outLength));
    checkLength("blake2b key", key.length, 1, 64);
    return new StreamHasher(bench, algorithm, (context) => {
      instance.write(scratch, key);
      core.blake2bInitKeyed(context, outLength, scratch, key.length);
      instance.wipe(scratch, key.length);
    });
  };

  const blake2b = (bytes: Uint8Array, outLength: number, key?: Uint8Array): Uint8Array => {
    if (key !== undefined || bytes.length > WINDOW_BYTES) return createBlake2b(outLength, key).update(bytes).digest();
    checkLength("blake2b digest", outLength, 1, 64);
    instance.write(input, bytes);
    core.blake2b(input, bytes.length, outLength, scratch);
    return instance.read(scratch, outLength);
  };

  return {
    sha256: (bytes) => {
      if (bytes.length > WINDOW_BYTES) return createSha256().update(bytes).digest();
      instance.write(input, bytes);
      core.sha256(input, bytes.length, scratch);
      return instance.read(scratch, 32);
    },
    keccak256: (bytes) => {
      if (bytes.length > WINDOW_BYTES) return createKeccak256().update(bytes).digest();
      instance.write(input, bytes);
      core.keccak256(input, bytes.length, scratch);
      return instance.read(scratch, 32);
    },
    blake2b,
    blake2b256: (bytes) => blake2b(bytes, 32),
    blake2b160: (bytes) => blake2b(bytes, 20),
    createSha256,
    createKeccak256,
    createBlake2b,
  };
}
