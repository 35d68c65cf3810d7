/**
 * Staging: pieces of deals into the data that a sector is sealed from.
 *
 * Each payload is zero-extended to 127 · 2^k bytes, Fr32-padded, and put at the next multiple of its padded size; the
 * gaps and the rest of the sector are zeros. Payloads stream through; memory holds one window.
 */
import type { Proofs } from "../../core/proofs.ts";
import type { SectorParams } from "../params.ts";
import { badType, checkParams, checkProofs, checkRecords, isRecord } from "../shape.ts";
import { type SectorStore, UNSEALED_FILE } from "../store.ts";
import { type PieceCommitment, paddedBytesOf } from "./cid.ts";
import { checkPayload, PieceError, PieceHasher } from "./pieces.ts";

/** A payload to stage: its size, or that of the piece it shall fill, and its bytes. */
export type PiecePayload = {
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Bytes that `bytes` yields at most; the piece is the smallest that holds them. */
  readonly payloadSize: number;
};

/** A staged piece: where it begins in the padded data, and its commitment. */
export type StagedPiece = PieceCommitment & { readonly offset: number };

const QUADS = 8192;

/** Writes the sector's `unsealed` file. Throws `PIECES_TOO_LARGE`, `BAD_LENGTH`. */
export async function stagePieces(
  proofs: Proofs,
  store: SectorStore,
  params: SectorParams,
  payloads: readonly PiecePayload[],
): Promise<StagedPiece[]> {
  checkProofs(proofs);
  checkParams(params);
  checkRecords("payloads", payloads);
  for (const { bytes, payloadSize } of payloads) {
    if (!isIterable(bytes)) badType("payload", "bytes that can be iterated");
    if (!Number.isSafeInteger(payloadSize) || payloadSize < 0)
      throw new PieceError({ code: "BAD_LENGTH", length: Number.NaN }, "a payload's size is a whole number of bytes");
  }
  const { sectorBytes } = params;
  const staged: StagedPiece[] = [];
  let end = 0;
  for (const payload of payloads) {
    const paddedSize = paddedBytesOf(payload.payloadSize);
    const offset = Math.ceil(end / paddedSize) * paddedSize;
    if (offset + paddedSize > sectorBytes)
      throw new PieceError({ code: "PIECES_TOO_LARGE", sectorBytes }, `the pieces do not fit ${sectorBytes} bytes`);
    staged.push({ offset, ...(await stagePiece(proofs, store, payload, offset)) });
    end = offset + paddedSize;
  }
  // Growing the file to its end makes gaps and the rest zeros.
  const size = (await store.size(UNSEALED_FILE)) ?? 0;
  if (size < sectorBytes) await store.write(UNSEALED_FILE, sectorBytes - 1, new Uint8Array(1));
  return staged;
}

function isIterable(value: unknown): boolean {
  return isRecord(value) && (Symbol.iterator in value || Symbol.asyncIterator in value);
}

/**
 * Writes one payload into the sector's `unsealed` file from `offset` on, a multiple of its padded size. Throws `BAD_LENGTH`
 * if the payload has another size than it says; what was written by then is to be overwritten.
 */
export async function stagePiece(
  proofs: Proofs,
  store: SectorStore,
  payload: PiecePayload,
  offset: number,
): Promise<PieceCommitment> {
  const hasher = new PieceHasher(proofs);
  const window = new Uint8Array(QUADS * 127);
  let held = 0;
  let at = offset;
  const flush = async (): Promise<void> => {
    const quads = Math.ceil(held / 127);
    window.fill(0, held, quads * 127);
    const padded = proofs.with(QUADS * 256, (memory) => {
      proofs.instance.write(memory, window.subarray(0, quads * 127));
      proofs.exports.fr32Pad(memory, memory + QUADS * 128, quads);
      return proofs.instance.read(memory + QUADS * 128, quads * 128);
    });
    await store.write(UNSEALED_FILE, at, padded);
    at += padded.length;
    held = 0;
  };
  try {
    for await (const bytes of payload.bytes) {
      checkPayload(bytes);
      if (hasher.payloadSize + bytes.length > payload.payloadSize)
        throw new PieceError(
          { code: "BAD_LENGTH", length: hasher.payloadSize + bytes.length },
          `the payload has more than its ${payload.payloadSize} bytes`,
        );
      hasher.update(bytes);
      for (let done = 0; done < bytes.length; ) {
        const length = Math.min(window.length - held, bytes.length - done);
        window.set(bytes.subarray(done, done + length), held);
        held += length;
        done += length;
        if (held === window.length) await flush();
      }
    }
    if (held > 0) await flush();
    if (hasher.payloadSize !== payload.payloadSize)
      throw new PieceError(
        { code: "BAD_LENGTH", length: hasher.payloadSize },
        `the payload ended after ${hasher.payloadSize} of ${payload.payloadSize} bytes`,
      );
    return hasher.digest();
  } finally {
    hasher.discard();
  }
}
