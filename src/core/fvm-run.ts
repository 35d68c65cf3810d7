/**
 * One instance of `fvm.wasm` at work: what its imports answer from, the guests under way, and when its garbage is collected.
 */
import { type Block, cidFromBytes, cidKey } from "../types/cid.ts";
import { EngineFault } from "./errors.ts";
import type { FvmExports, FvmImports, Generation } from "./fvm-abi.ts";
import type { Instance } from "./instance.ts";

/** What the kernel asks its host for while it runs. */
export type FvmHost = {
  /** A block by its binary CID, codes of actors among them; undefined if it is not at hand. */
  peek(cid: Uint8Array): Uint8Array | undefined;
  /** 32 bytes that the chain's tickets, or its beacon, have for an epoch; null if there are none. */
  ticketDigest(epoch: number): Uint8Array | null;
  beaconDigest(epoch: number): Uint8Array | null;
  /** Binary CID of the tipset at an epoch; null if it is not known. */
  tipsetCid(epoch: number): Uint8Array | null;
  /** Verdicts on proofs; `info` is the CBOR that the actor gave. */
  verifyPoSt(info: Uint8Array): boolean;
  verifySeal(info: Uint8Array): boolean;
  verifyAggregate(info: Uint8Array): boolean;
  verifyReplicaUpdate(info: Uint8Array): boolean;
  /** The fault that two headers prove, null if they prove none, undefined if they cannot be judged. */
  consensusFault(first: Uint8Array, second: Uint8Array, extra: Uint8Array): ProvenFault | null | undefined;
};

export type ProvenFault = { readonly kind: 1 | 2 | 3; readonly epoch: number; readonly miner: bigint };

/**
 * Garbage of the kernel is collected when about as much of it is there as memory may be wasted on it, between messages and behind any
 * syscall, and between messages also when the memory has grown above so many bytes, then at every doubling. How much there
 * is can only be estimated: so much a syscall, the bytes that it took from its guest, and so much a byte of the blocks that went
 * over the border.
 */
const HEAVY_BYTES = 32 << 20;
export const MIN_GARBAGE = 8 << 20;
export const GARBAGE_PER_SYSCALL = 512;
const GARBAGE_PER_BLOCK_BYTE = 8;
/** Of what is asked, and of messages that are refused: as read, and as copied out of that. */
const GARBAGE_PER_ARGUMENT_BYTE = 4;
const GARBAGE_PER_CALL = 256;
/** Bytes of a page of memory. */
export const PAGE = 65536;

/** A guest's instance. */
export type Guest = {
  readonly invoke: (params: number) => number;
  readonly start: (() => void) | undefined;
  readonly memory: WebAssembly.Memory;
  readonly gas: WebAssembly.Global<"i64">;
  readonly stack: WebAssembly.Global<"i32">;
  /** Pages that the memory may have, those that the guest is told it has (it may have more), and those at first. */
  readonly pages: WebAssembly.Global<"i32">;
  readonly size: WebAssembly.Global<"i32">;
  readonly firstPages: number;
  /** Its own mutable globals, and their values at first. */
  readonly own: readonly { readonly global: WebAssembly.Global; readonly value: unknown }[];
  /** What its table counts for, and the elements of one that it exports as `table`. */
  readonly tableBytes: number;
  readonly table: number;
  view: Uint8Array;
};

/** What the imports of one instance work on. */
export class Run {
  readonly host: FvmHost;
  readonly made = new Map<string, Block>();
  /** Guests under way, innermost last. */
  readonly guests: Guest[] = [];
  instance: Instance<FvmExports> | null = null;
  generation: Generation = 3;
  spent = false;
  /** Kernel or host failed while a guest ran. */
  broken = false;
  /** The block looked up last. */
  found: Uint8Array = new Uint8Array(0);
  /** Bytes of garbage in the kernel since it was collected, estimated. */
  garbage = 0;
  private collectedAt = HEAVY_BYTES;

  constructor(host: FvmHost) {
    this.host = host;
  }

  get core(): Instance<FvmExports> {
    if (this.instance === null) throw new EngineFault({ code: "NOT_OPEN" }, "the core asked before it was ready");
    return this.instance;
  }

  get kernel(): FvmExports {
    return this.core.exports;
  }

  /** The guest that runs now. */
  get guest(): Guest {
    const guest = this.guests.at(-1);
    if (guest === undefined) throw new EngineFault({ code: "NOT_OPEN" }, "a syscall without a guest");
    return guest;
  }

  /** Frees what the kernel no longer uses if there may be much of it. No call into the kernel may be under way. */
  tidy(betweenMessages: boolean): void {
    const bytes = this.core.memoryBytes;
    const grown = betweenMessages && bytes > this.collectedAt;
    if (grown || this.garbage > Math.max(MIN_GARBAGE, bytes / 4)) this.collect();
  }

  /** Before a call with so many bytes: reads and refused messages have no end that is always come to. */
  tidyFor(argumentBytes: number): void {
    this.garbage += GARBAGE_PER_CALL + argumentBytes * GARBAGE_PER_ARGUMENT_BYTE;
    if (this.guests.length === 0) this.tidy(true);
  }

  collect(): void {
    this.kernel.collect();
    this.garbage = 0;
    this.collectedAt = Math.max(HEAVY_BYTES, this.core.memoryBytes);
  }

  /** The bytes of the kernel's last answer. */
  read(length: number): Uint8Array {
    return this.core.read(this.kernel.resultPtr(), length);
  }

  block(cid: Uint8Array): Uint8Array {
    const block = this.made.get(cidKey(cid))?.bytes ?? this.host.peek(cid);
    if (block === undefined)
      throw new EngineFault({ code: "BLOCK_MISSING", cid }, `block ${cidFromBytes(cid)} is not at hand`);
    return block;
  }

  /** A view of the innermost guest's memory, renewed when it has grown. */
  view(): Uint8Array {
    const { guest } = this;
    if (guest.view.length === 0) guest.view = new Uint8Array(guest.memory.buffer);
    return guest.view;
  }
}

export function importsOf(run: Run): WebAssembly.Imports & FvmImports {
  const give = (bytes: Uint8Array | null, to: number): number => {
    if (bytes === null) return 1;
    if (bytes.length !== 32)
      throw new EngineFault({ code: "RUN_VOID", why: "randomness" }, `randomness of ${bytes.length} bytes`);
    run.core.write(to, bytes);
    return 0;
  };
  const read = (at: number, length: number): Uint8Array => run.core.read(at, length);
  return {
    chain: {
      block_length: (cid, cidLength) => {
        run.found = run.block(read(cid, cidLength));
        return run.found.length;
      },
      block_copy: (to) => {
        run.garbage += run.found.length * GARBAGE_PER_BLOCK_BYTE;
        run.core.write(to, run.found);
      },
      block_put: (cid, cidLength, block, length) => {
        run.garbage += length * GARBAGE_PER_BLOCK_BYTE;
        const key = read(cid, cidLength);
        run.made.set(cidKey(key), { cid: key, bytes: read(block, length) });
      },
      ticket_digest: (epoch, to) => give(run.host.ticketDigest(Number(epoch)), to),
      beacon_digest: (epoch, to) => give(run.host.beaconDigest(Number(epoch)), to),
      tipset_cid: (epoch, to) => {
        const cid = run.host.tipsetCid(Number(epoch));
        if (cid === null || cid.length > 100) return 0;
        run.core.write(to, cid);
        return cid.length;
      },
    },
    guest: {
      size: () => run.guest.size.value * PAGE,
      read: (from, to, length) => {
        run.garbage += length;
        run.core.write(to, run.view().subarray(from >>> 0, (from >>> 0) + length));
      },
      write: (to, from, length) => run.view().set(run.core.view(from, length), to >>> 0),
    },
    engine: {
      fault: (why, length) => {
        const text = new TextDecoder().decode(read(why, length));
        throw new EngineFault({ code: "RUN_VOID", why: text }, `no receipt can exist: ${text}`);
      },
      verify_post: (info, length) => (run.host.verifyPoSt(read(info, length)) ? 1 : 0),
      verify_seal: (info, length) => (run.host.verifySeal(read(info, length)) ? 1 : 0),
      verify_aggregate: (info, length) => (run.host.verifyAggregate(read(info, length)) ? 1 : 0),
      verify_update: (info, length) => (run.host.verifyReplicaUpdate(read(info, length)) ? 1 : 0),
      consensus_fault: (first, firstLength, second, secondLength, extra, extraLength, to) => {
        const fault = run.host.consensusFault(
          read(first, firstLength),
          read(second, secondLength),
          read(extra, extraLength),
        );
        if (fault === undefined) return -1;
        if (fault === null) return 0;
        const out = new DataView(new ArrayBuffer(16));
        out.setBigInt64(0, BigInt(fault.epoch), true);
        out.setBigUint64(8, fault.miner, true);
        run.core.write(to, new Uint8Array(out.buffer));
        return fault.kind;
      },
    },
  };
}
