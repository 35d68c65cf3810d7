/** A deal's data as the piece that its proposal names: followed by as many zeros as the piece has room for. */
import { equal } from "../../base/bytes.ts";
import type { Proofs } from "../../core/proofs.ts";
import { commitmentOfCidV1, paddedBytesOf, unpaddedBytesOf } from "../../sector/piece/cid.ts";
import { PieceHasher } from "../../sector/piece/pieces.ts";
import type { PiecePayload } from "../../sector/piece/stage.ts";
import type { CID } from "../../types/cid.ts";
import type { PayloadFiles } from "./pull.ts";

const WINDOW = 1 << 20;

async function* bytesOf(files: PayloadFiles, name: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += WINDOW) yield await files.read(name, at, Math.min(WINDOW, size - at));
}

async function* padded(bytes: AsyncIterable<Uint8Array>, zeros: number): AsyncGenerator<Uint8Array> {
  yield* bytes;
  for (let left = zeros; left > 0; left -= WINDOW) yield new Uint8Array(Math.min(WINDOW, left));
}

/** What goes into the sector: the data, which a smaller piece may hold, filled up to the piece's own size. */
export function payloadOf(files: PayloadFiles, name: string, size: number, pieceSize: number): PiecePayload {
  const data = bytesOf(files, name, size);
  if (paddedBytesOf(size) >= pieceSize) return { bytes: data, payloadSize: size };
  const payloadSize = unpaddedBytesOf(pieceSize);
  return { bytes: padded(data, payloadSize - size), payloadSize };
}

/** Whether a payload is the piece of a CID. */
export async function isPiece(
  proofs: Proofs,
  { bytes }: PiecePayload,
  pieceCid: CID,
  pieceSize: number,
  signal: AbortSignal,
): Promise<boolean> {
  const hasher = new PieceHasher(proofs);
  try {
    for await (const part of bytes) {
      signal.throwIfAborted();
      hasher.update(part);
    }
    const { commP, paddedSize } = hasher.digest();
    const wanted = commitmentOfCidV1(pieceCid);
    return wanted !== null && equal(commP, wanted) && paddedSize === pieceSize;
  } finally {
    hasher.discard();
  }
}
