/** Bytes that come in pieces. Pieces of one byte cost no more memory than the bytes themselves. */

/** Pieces shorter than this are copied together. */
const SMALL = 4096;
const BLOCK = 16 << 10;

/** First in, first out. */
export class ByteQueue {
  private readonly pieces: Uint8Array[] = [];
  /** Where small pieces are copied to, and how far it is filled; it comes after all `pieces`. */
  private tail: Uint8Array | null = null;
  private filled = 0;
  private bytes = 0;

  /** bytes that wait */
  get size(): number {
    return this.bytes;
  }

  push(piece: Uint8Array): void {
    this.bytes += piece.length;
    if (piece.length >= SMALL) {
      this.closeTail();
      this.pieces.push(piece);
      return;
    }
    if (this.tail === null || this.filled + piece.length > BLOCK) {
      this.closeTail();
      this.tail = new Uint8Array(BLOCK);
    }
    this.tail.set(piece, this.filled);
    this.filled += piece.length;
  }

  /** Puts back what was taken out last. */
  unshift(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.bytes += piece.length;
    this.pieces.unshift(piece);
  }

  /** The next bytes, as many as lie together; undefined if there are none. */
  shift(): Uint8Array | undefined {
    if (this.pieces.length === 0) this.closeTail();
    const piece = this.pieces.shift();
    this.bytes -= piece?.length ?? 0;
    return piece;
  }

  private closeTail(): void {
    if (this.tail !== null && this.filled > 0) this.pieces.push(this.tail.subarray(0, this.filled));
    this.tail = null;
    this.filled = 0;
  }
}

/** Bytes put together in one buffer that doubles. */
export class GrowingBytes {
  private buffer: Uint8Array = new Uint8Array(0);
  size = 0;

  add(piece: Uint8Array): void {
    const needed = this.size + piece.length;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
      grown.set(this.buffer.subarray(0, this.size));
      this.buffer = grown;
    }
    this.buffer.set(piece, this.size);
    this.size = needed;
  }

  /** All bytes; nothing may be added afterwards. */
  take(): Uint8Array {
    return this.buffer.subarray(0, this.size);
  }
}
