/**
 * Pieces: streaming commitments (CommP), Fr32, data commitments (CommD) and zero pieces, over the proof module.
 *
 * Sizes: the payload is what a client has; a padded size is a power of two of at least 128 bytes, of which 127/128 carry
 * payload and zeros. Commitments are 32 bytes, little-endian field elements.
 */
import { describeValue, FilError } from "../../base/errors.ts";
import type { Proofs } from "../../core/proofs.ts";
import { checkProofs, checkRecords, isBytes, isRecord } from "../shape.ts";
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
  /** A payload that is not bytes. */
  | { readonly code: "BAD_PAYLOAD" }
  /** A CID of another kind, or malformed. */
  | { readonly code: "BAD_PIECE_CID"; readonly text: string }
  /** A piece stream used after its commitment was taken. */
  | { readonly code: "STREAM_SPENT" };

/** Wrong arguments to a function about pieces. */
export class PieceError extends FilError<PieceErrorData> {}

/** A piece of a sector: its padded size and commitment. */
export type PieceInfo = { readonly paddedSize: number; readonly commP: Uint8Array };

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
  private readonly proofs: Proofs;
  private readonly context: number;
  private readonly contextBytes: number;
  private readonly windowBytes: number;
  private held = 0;
  private absorbed = 0;
  private spent = false;

  constructor(proofs: Proofs) {
    checkProofs(proofs);
    this.proofs = proofs;
    this.contextBytes = proofs.exports.PIECE_CONTEXT_BYTES.value as number;
    this.windowBytes = proofs.exports.WINDOW_BYTES.value as number;
    this.context = proofs.take(this.contextBytes);
    proofs.exports.pieceInit(this.context);
  }

  /** Payload bytes absorbed so far. */
  get payloadSize(): number {
    return this.absorbed;
  }

  /** Absorbs payload bytes. */
  update(bytes: Uint8Array): this {
    this.check();
    checkPayload(bytes);
    const { instance, exports } = this.proofs;
    const input = exports.pieceInput(this.context);
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(this.windowBytes - this.held, bytes.length - at);
      instance.write(input + this.held, bytes.subarray(at, at + length));
      this.held += length;
      at += length;
      if (this.held === this.windowBytes) {
        exports.pieceAbsorb(this.context);
        this.held = 0;
      }
    }
    this.absorbed += bytes.length;
    return this;
  }

  /** Ends the piece: its commitment and sizes. An empty payload counts as 127 zero bytes. */
  digest(): PieceCommitment {
    this.check();
    const { instance, exports } = this.proofs;
    const out = exports.pieceInput(this.context);
    const height = exports.pieceFinish(this.context, this.held, out);
    const commP = instance.read(out, 32);
    this.discard();
    return { commP, payloadSize: this.absorbed, paddedSize: 32 * 2 ** height, height };
  }

  /** Gives the memory back without a commitment. */
  discard(): void {
    if (this.spent) return;
    this.spent = true;
    this.proofs.give(this.context, this.contextBytes);
  }

  private check(): void {
    if (this.spent) throw new PieceError({ code: "STREAM_SPENT" }, "piece stream used after its commitment was taken");
  }
}

/** Throws `BAD_PAYLOAD` unless these are bytes. */
export function checkPayload(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw new PieceError({ code: "BAD_PAYLOAD" }, "a payload is bytes");
}

/** Commitment of a payload that lies in memory. */
export function commitPiece(proofs: Proofs, payload: Uint8Array): PieceCommitment {
  checkPayload(payload);
  return new PieceHasher(proofs).update(payload).digest();
}

/**
 * Joins the commitments of the consecutive slices of one payload, as several workers make them: each but the last holds
 * the same number of bytes, 127 · 2^k. Throws `BAD_PIECE_SIZE`, `BAD_COMMITMENT`.
 */
export function joinSlices(proofs: Proofs, slices: readonly PieceCommitment[]): PieceCommitment {
  checkProofs(proofs);
  checkRecords("slices", slices);
  const { instance, exports } = proofs;
  const first = slices[0];
  if (first === undefined) throw new PieceError({ code: "BAD_PIECE_SIZE", size: 0 }, "no slices to join");
  const stackBytes = exports.MERKLE_STACK_BYTES.value as number;
  return proofs.with(stackBytes + 32, (stack) => {
    const node = stack + stackBytes;
    exports.stackInit(stack);
    let payloadSize = 0;
    slices.forEach((slice, i) => {
      checkPaddedSize(slice.paddedSize);
      checkCommitment(slice.commP);
      const most = unpaddedBytesOf(slice.paddedSize);
      const sizes = [slice.height, slice.payloadSize].every((size) => Number.isSafeInteger(size) && size >= 0);
      if (!sizes || slice.paddedSize !== 32 * 2 ** slice.height || slice.payloadSize > most)
        throw new PieceError(
          { code: "BAD_PIECE_SIZE", size: slice.paddedSize },
          `slice ${i}: ${describeValue(slice.payloadSize)} bytes do not make a tree of height ${describeValue(slice.height)}`,
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
export function zeroPieceCommitment(proofs: Proofs, paddedSize: number): Uint8Array {
  checkProofs(proofs);
  checkPaddedSize(paddedSize);
  return proofs.instance.read(proofs.exports.zeroNode(Math.log2(paddedSize) - 5), 32);
}

/**
 * CommD of a sector of `sectorBytes` with `pieces` in order, each at the next multiple of its size, gaps zero.
 * Throws `BAD_PIECE_SIZE`, `BAD_COMMITMENT`, `PIECES_TOO_LARGE`.
 */
export function dataCommitment(proofs: Proofs, sectorBytes: number, pieces: readonly PieceInfo[]): Uint8Array {
  checkProofs(proofs);
  checkPaddedSize(sectorBytes);
  checkPieces(pieces);
  if (pieces.length > MAX_PIECES)
    throw new PieceError({ code: "PIECES_TOO_LARGE", sectorBytes }, `${pieces.length} pieces in one sector`);
  const table = new Uint8Array(PIECE_ENTRY_BYTES * pieces.length);
  const view = new DataView(table.buffer);
  pieces.forEach(({ paddedSize, commP }, i) => {
    view.setBigUint64(PIECE_ENTRY_BYTES * i, BigInt(paddedSize), true);
    table.set(commP, PIECE_ENTRY_BYTES * i + 8);
  });
  return proofs.with(table.length + 32, (out) => {
    proofs.instance.write(out + 32, table);
    const code = proofs.exports.dataCommitment(BigInt(sectorBytes), out + 32, pieces.length, out);
    if (code < 0)
      throw new PieceError({ code: "PIECES_TOO_LARGE", sectorBytes }, `the pieces do not fit ${sectorBytes} bytes`);
    return proofs.instance.read(out, 32);
  });
}

/** Fr32-pads `raw`, whose length is a multiple of 127, to 128/127 of its length. */
export function fr32Pad(proofs: Proofs, raw: Uint8Array): Uint8Array {
  checkProofs(proofs);
  return convert(proofs, raw, 127, 128, proofs.exports.fr32Pad);
}

/** Takes Fr32 padding out: `padded` has a multiple of 128 bytes, the result 127/128 of its length. */
export function fr32Unpad(proofs: Proofs, padded: Uint8Array): Uint8Array {
  checkProofs(proofs);
  return convert(proofs, padded, 128, 127, proofs.exports.fr32Unpad);
}

/** The node of two children. */
export function hashPair(proofs: Proofs, left: Uint8Array, right: Uint8Array): Uint8Array {
  checkCommitment(left);
  checkCommitment(right);
  return proofs.with(64, (at) => {
    proofs.instance.write(at, left);
    proofs.instance.write(at + 32, right);
    proofs.exports.hashNode(at, at);
    return proofs.instance.read(at, 32);
  });
}

/** Whether `size` is a padded size: a power of two from 128 bytes to 2^52. */
export function isPaddedSize(size: unknown): size is number {
  if (typeof size !== "number" || !(size >= MIN_PADDED_BYTES && size <= MAX_PADDED_BYTES)) return false;
  return size === paddedBytesOf((size / 128) * 127);
}

/** Throws `BAD_PIECE_SIZE` unless `size` is a padded size. */
export function checkPaddedSize(size: number): void {
  if (isPaddedSize(size)) return;
  throw new PieceError(
    { code: "BAD_PIECE_SIZE", size: typeof size === "number" ? size : Number.NaN },
    `padded size ${describeValue(size)} is no power of two of 128 bytes or more`,
  );
}

/** Throws `BAD_PIECE_SIZE`, `BAD_COMMITMENT`, `BAD_TYPE` unless these are sizes and commitments of pieces. */
export function checkPieces(pieces: readonly PieceInfo[]): void {
  checkRecords("pieces", pieces);
  for (const { paddedSize, commP } of pieces) {
    checkPaddedSize(paddedSize);
    checkCommitment(commP);
  }
}

/** Whether these are 32 bytes below 2^254. */
export function isCommitment(commitment: unknown): commitment is Uint8Array {
  return isBytes(commitment) && (commitment[31] as number) < 0x40;
}

/** Whether this has a piece's size and commitment. */
export function isPiece(piece: unknown): piece is PieceInfo {
  return isRecord(piece) && isPaddedSize(piece["paddedSize"]) && isCommitment(piece["commP"]);
}

/** Throws `BAD_COMMITMENT` unless `commitment` is 32 bytes below 2^254. */
export function checkCommitment(commitment: Uint8Array): void {
  if (isCommitment(commitment)) return;
  throw new PieceError({ code: "BAD_COMMITMENT" }, "a commitment is 32 bytes with its two top bits zero");
}

function convert(
  proofs: Proofs,
  input: Uint8Array,
  from: number,
  to: number,
  kernel: (input: number, out: number, quads: number) => void,
): Uint8Array {
  checkPayload(input);
  if (input.length % from !== 0)
    throw new PieceError(
      { code: "BAD_LENGTH", length: input.length },
      `${input.length} bytes are no multiple of ${from}`,
    );
  const out = new Uint8Array((input.length / from) * to);
  const quads = 1024;
  proofs.with(quads * 256, (at) => {
    for (let done = 0; done * from < input.length; done += quads) {
      const part = input.subarray(done * from, (done + quads) * from);
      const count = part.length / from;
      proofs.instance.write(at, part);
      kernel(at, at + quads * 128, count);
      out.set(proofs.instance.view(at + quads * 128, count * to), done * to);
    }
  });
  return out;
}
