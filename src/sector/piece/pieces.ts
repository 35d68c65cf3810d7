/**
 * Pieces: streaming commitments (CommP), Fr32, data commitments (CommD) and zero pieces, over the proof module.
 *
 * Sizes: the payload is what a client has; a padded size is a power of two of at least 128 bytes, of which 127/128 carry
 * payload and zeros. Commitments are 32 bytes, little-endian field elements.
 */
import { FilError } from "../../base/errors.ts";
import type { ProofModule } from "../../core/proof-module.ts";
import type { PieceCommitment } from "./cid.ts";
import { MIN_PADDED_BYTES, paddedBytesOf, unpaddedBytesOf } from "./cid.ts";

export type PieceErrorData =
  /** A padded size that is no power of two, or below 128 bytes, or beyond what can be held. */
  | { readonly code: "BAD_PIECE_SIZE"; readonly size: number }
  /** The pieces, each aligned to its own size, do not fit the sector. */
  | { readonly code: "PIECES_TOO_LARGE"; readonly sectorBytes: number }
  /** A commitment that is not 32 bytes with its two top bits zero. */
  | { readonly code: "BAD_COMMITMENT" }
  /** Bytes that are no whole number of quads. */
  | { readonly code: "BAD_LENGTH"; readonly length: number }
  /** A CID of another kind, or malformed. */
  | { readonly code: "BAD_PIECE_CID"; readonly text: string }
  /** A piece stream used after its commitment was taken. */
  | { readonly code: "STREAM_SPENT" };

/** Wrong arguments to a function about pieces. */
export class PieceError extends FilError<PieceErrorData> {}

/** What `assembly/entry/proofs-pieces.ts` exports. */
export type PieceExports = {
  hashNode(input: number, out: number): void;
  hashLevel(input: number, out: number, count: number): void;
  zeroNode(level: number): number;
  fr32Pad(raw: number, padded: number, quads: number): void;
  fr32Unpad(padded: number, raw: number, quads: number): void;
  stackInit(stack: number): void;
  stackPush(stack: number, node: number, level: number): void;
  stackLevel(stack: number, least: number): number;
  stackRoot(stack: number, level: number, out: number): void;
  pieceInit(context: number): void;
  pieceInput(context: number): number;
  pieceAbsorb(context: number): void;
  pieceFinish(context: number, held: number, out: number): number;
  dataCommitment(sectorBytes: bigint, pieces: number, count: number, out: number): number;
  readonly PIECE_CONTEXT_BYTES: WebAssembly.Global;
  readonly MERKLE_STACK_BYTES: WebAssembly.Global;
  readonly WINDOW_BYTES: WebAssembly.Global;
  readonly WINDOW_LEVEL: WebAssembly.Global;
};

/** A piece of a sector: its padded size and commitment. */
export type PieceInfo = { readonly paddedSize: number; readonly commP: Uint8Array };

type Module = ProofModule<PieceExports>;

/** Largest padded size handled: 2^52 bytes, so that every size is an exact number. */
const MAX_PADDED_BYTES = 2 ** 52;
const PIECE_ENTRY_BYTES = 40;
/** Pieces that one call takes at most; a 64 GiB sector holds 2^29 of the smallest, a real one some hundreds. */
const MAX_PIECES = 1 << 20;

/**
 * A piece commitment in progress. It holds about 1 MiB of the module's memory until `digest` or `discard`, whatever the
 * size of the piece; any way of cutting the payload into updates gives the same commitment.
 */
export class PieceHasher {
  readonly #module: Module;
  readonly #context: number;
  readonly #contextBytes: number;
  readonly #windowBytes: number;
  #held = 0;
  #payloadSize = 0;
  #spent = false;

  constructor(module: Module) {
    this.#module = module;
    this.#contextBytes = module.exports.PIECE_CONTEXT_BYTES.value as number;
    this.#windowBytes = module.exports.WINDOW_BYTES.value as number;
    this.#context = module.take(this.#contextBytes);
    module.exports.pieceInit(this.#context);
  }

  /** Payload bytes absorbed so far. */
  get payloadSize(): number {
    return this.#payloadSize;
  }

  /** Absorbs payload bytes. */
  update(bytes: Uint8Array): this {
    this.#check();
    const { instance, exports } = this.#module;
    const input = exports.pieceInput(this.#context);
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(this.#windowBytes - this.#held, bytes.length - at);
      instance.write(input + this.#held, bytes.subarray(at, at + length));
      this.#held += length;
      at += length;
      if (this.#held === this.#windowBytes) {
        exports.pieceAbsorb(this.#context);
        this.#held = 0;
      }
    }
    this.#payloadSize += bytes.length;
    return this;
  }

  /** Ends the piece: its commitment and sizes. An empty payload counts as 127 zero bytes. */
  digest(): PieceCommitment {
    this.#check();
    const { instance, exports } = this.#module;
    const out = exports.pieceInput(this.#context);
    const height = exports.pieceFinish(this.#context, this.#held, out);
    const commP = instance.read(out, 32);
    this.discard();
    return { commP, payloadSize: this.#payloadSize, paddedSize: 32 * 2 ** height, height };
  }

  /** Gives the memory back without a commitment. */
  discard(): void {
    if (this.#spent) return;
    this.#spent = true;
    this.#module.give(this.#context, this.#contextBytes);
  }

  #check(): void {
    if (this.#spent) throw new PieceError({ code: "STREAM_SPENT" }, "piece stream used after its commitment was taken");
  }
}

/** Commitment of a payload that lies in memory. */
export function commitPiece(module: Module, payload: Uint8Array): PieceCommitment {
  return new PieceHasher(module).update(payload).digest();
}

/**
 * Joins the commitments of the consecutive slices of one payload, as several workers make them: each but the last holds
 * the same number of bytes, 127 · 2^k. Throws `BAD_PIECE_SIZE`, `BAD_COMMITMENT`.
 */
export function joinSlices(module: Module, slices: readonly PieceCommitment[]): PieceCommitment {
  const { instance, exports } = module;
  const first = slices[0];
  if (first === undefined) throw new PieceError({ code: "BAD_PIECE_SIZE", size: 0 }, "no slices to join");
  const stackBytes = exports.MERKLE_STACK_BYTES.value as number;
  return module.with(stackBytes + 32, (stack) => {
    const node = stack + stackBytes;
    exports.stackInit(stack);
    let payloadSize = 0;
    slices.forEach((slice, i) => {
      checkPaddedSize(slice.paddedSize);
      checkCommitment(slice.commP);
      const most = unpaddedBytesOf(slice.paddedSize);
      if (slice.paddedSize !== 32 * 2 ** slice.height || !(slice.payloadSize >= 0 && slice.payloadSize <= most))
        throw new PieceError(
          { code: "BAD_PIECE_SIZE", size: slice.paddedSize },
          `slice ${i}: ${slice.payloadSize} bytes do not make a tree of height ${slice.height}`,
        );
      const full = slice.payloadSize === most && slice.paddedSize === first.paddedSize;
      if (i < slices.length - 1 ? !full : slice.paddedSize > first.paddedSize)
        throw new PieceError(
          { code: "BAD_PIECE_SIZE", size: slice.payloadSize },
          `slice ${i} has ${slice.payloadSize} bytes`,
        );
      instance.write(node, slice.commP);
      exports.stackPush(stack, node, slice.height);
      payloadSize += slice.payloadSize;
    });
    const height = exports.stackLevel(stack, 2);
    exports.stackRoot(stack, height, node);
    return { commP: instance.read(node, 32), payloadSize, paddedSize: 32 * 2 ** height, height };
  });
}

/** Commitment of a piece of `paddedSize` bytes that is all zeros. */
export function zeroPieceCommitment(module: Module, paddedSize: number): Uint8Array {
  checkPaddedSize(paddedSize);
  return module.instance.read(module.exports.zeroNode(Math.log2(paddedSize) - 5), 32);
}

/**
 * CommD of a sector of `sectorBytes` with `pieces` in order, each at the next multiple of its size, gaps zero.
 * Throws `BAD_PIECE_SIZE`, `BAD_COMMITMENT`, `PIECES_TOO_LARGE`.
 */
export function dataCommitment(module: Module, sectorBytes: number, pieces: readonly PieceInfo[]): Uint8Array {
  checkPaddedSize(sectorBytes);
  if (pieces.length > MAX_PIECES)
    throw new PieceError({ code: "PIECES_TOO_LARGE", sectorBytes }, `${pieces.length} pieces in one sector`);
  const table = new Uint8Array(PIECE_ENTRY_BYTES * pieces.length);
  const view = new DataView(table.buffer);
  pieces.forEach(({ paddedSize, commP }, i) => {
    checkPaddedSize(paddedSize);
    checkCommitment(commP);
    view.setBigUint64(PIECE_ENTRY_BYTES * i, BigInt(paddedSize), true);
    table.set(commP, PIECE_ENTRY_BYTES * i + 8);
  });
  return module.with(table.length + 32, (out) => {
    module.instance.write(out + 32, table);
    const code = module.exports.dataCommitment(BigInt(sectorBytes), out + 32, pieces.length, out);
    if (code < 0)
      throw new PieceError({ code: "PIECES_TOO_LARGE", sectorBytes }, `the pieces do not fit ${sectorBytes} bytes`);
    return module.instance.read(out, 32);
  });
}

/** Fr32-pads `raw`, whose length is a multiple of 127, to 128/127 of its length. */
export function fr32Pad(module: Module, raw: Uint8Array): Uint8Array {
  return convert(module, raw, 127, 128, module.exports.fr32Pad);
}

/** Takes Fr32 padding out: `padded` has a multiple of 128 bytes, the result 127/128 of its length. */
export function fr32Unpad(module: Module, padded: Uint8Array): Uint8Array {
  return convert(module, padded, 128, 127, module.exports.fr32Unpad);
}

/** The node of two children. */
export function hashPair(module: Module, left: Uint8Array, right: Uint8Array): Uint8Array {
  checkCommitment(left);
  checkCommitment(right);
  return module.with(64, (at) => {
    module.instance.write(at, left);
    module.instance.write(at + 32, right);
    module.exports.hashNode(at, at);
    return module.instance.read(at, 32);
  });
}

/** Throws `BAD_PIECE_SIZE` unless `size` is a power of two from 128 bytes to 2^52. */
export function checkPaddedSize(size: number): void {
  if (size >= MIN_PADDED_BYTES && size <= MAX_PADDED_BYTES && size === paddedBytesOf((size / 128) * 127)) return;
  throw new PieceError({ code: "BAD_PIECE_SIZE", size }, `padded size ${size} is no power of two of 128 bytes or more`);
}

/** Throws `BAD_COMMITMENT` unless `commitment` is 32 bytes below 2^254. */
export function checkCommitment(commitment: Uint8Array): void {
  if (commitment.length === 32 && (commitment[31] as number) < 0x40) return;
  throw new PieceError({ code: "BAD_COMMITMENT" }, "a commitment is 32 bytes with its two top bits zero");
}

function convert(
  module: Module,
  input: Uint8Array,
  from: number,
  to: number,
  kernel: (input: number, out: number, quads: number) => void,
): Uint8Array {
  if (input.length % from !== 0)
    throw new PieceError(
      { code: "BAD_LENGTH", length: input.length },
      `${input.length} bytes are no multiple of ${from}`,
    );
  const out = new Uint8Array((input.length / from) * to);
  const quads = 1024;
  module.with(quads * 256, (at) => {
    for (let done = 0; done * from < input.length; done += quads) {
      const part = input.subarray(done * from, (done + quads) * from);
      const count = part.length / from;
      module.instance.write(at, part);
      kernel(at, at + quads * 128, count);
      out.set(module.instance.view(at + quads * 128, count * to), done * to);
    }
  });
  return out;
}
