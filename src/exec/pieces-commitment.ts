/**
 * Commitment of pieces one after the other, each at the next multiple of its size, over the least power of two that holds them: not over
 * the sector, which may be larger. The network's upgrade to actors v9 computed it so of sectors that were pre-committed, and of any 32 bytes:
 * the proofs' module, which takes commitments alone, would refuse what others have agreed on.
 *
 * Source: go-commp-utils 62059082a837 (nonffi) and go-commp-utils v2.1.0, commd.go.
 */
import { concat } from "../base/bytes.ts";
import { sha256 } from "../base/digests.ts";

type Part = { readonly size: number; readonly commitment: Uint8Array };

const LEAF = 32;
const LEAST = 128;
/** A commitment is a number of 254 bits. */
const TOP_BITS = 0x3f;

/** Throws `RangeError` for a size that no piece has, and where the pieces do not fit `limit` bytes. */
export function piecesCommitment(pieces: readonly Part[], limit: number): Uint8Array {
  const parts: Part[] = [];
  for (const piece of pieces) {
    const { size } = piece;
    if (size < LEAST || size > limit || !Number.isInteger(Math.log2(size)))
      throw new RangeError(`a piece of ${size} bytes in a sector of ${limit}: no such pieces are stored`);
    while (parts.length > 0 && topOf(parts).size < size) add(parts, zeros(topOf(parts).size));
    add(parts, piece);
  }
  while (parts.length > 1) add(parts, zeros(topOf(parts).size));
  const whole = topOf(parts);
  if (whole.size > limit) throw new RangeError(`the pieces take ${whole.size} bytes, and the sector has ${limit}`);
  return whole.commitment;
}

function topOf(parts: readonly Part[]): Part {
  const top = parts.at(-1);
  if (top === undefined) throw new RangeError("no pieces");
  return top;
}

/** Puts a part behind the others; two of one size are one of twice the size. */
function add(parts: Part[], part: Part): void {
  let next = part;
  while (parts.at(-1)?.size === next.size) next = pair(parts.pop() as Part, next);
  parts.push(next);
}

function pair(left: Part, right: Part): Part {
  const commitment = sha256(concat(left.commitment, right.commitment));
  commitment[LEAF - 1] = (commitment[LEAF - 1] as number) & TOP_BITS;
  return { size: 2 * left.size, commitment };
}

function zeros(size: number): Part {
  let part: Part = { size: LEAF, commitment: new Uint8Array(LEAF) };
  while (part.size < size) part = pair(part, part);
  return part;
}
