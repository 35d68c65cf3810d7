import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import {
  aggregatePieces,
  indexEntries,
  proveSegment,
  type SegmentProof,
  verifySegment,
} from "../../../src/sector/piece/data-segment.ts";
import type { PieceInfo } from "../../../src/sector/piece/pieces.ts";

const proofs = await loadProofs();
const piecesOf = (heights: readonly number[]): PieceInfo[] =>
  heights.map((height, i) => ({ paddedSize: 32 * 2 ** height, commP: new Uint8Array(32).fill(i + 1) }));

// Roots made with the npm package @web3-storage/data-segment 5.3.0 from the same pieces.
describe.each([
  [2 ** 15, [2, 3, 2, 5], "5eec83ce84c5213f96fb8a84a6efa5b7441b4436ed731d2d655667e7a5cd7e1c"],
  [2 ** 20, [5, 7, 3, 9, 2], "e224f00c7dd8474b9c8f99eb764cfb857601b566bc84d5c74ab498c74b438e11"],
  [2 ** 35, [10, 20, 3], "ddcac62ec90928cc1c81809c2f27ef2d1939bca44978e968ff086c752e7cad21"],
] as const)("an aggregate of %i bytes", (size, heights, root) => {
  const pieces = piecesOf(heights);
  const aggregate = aggregatePieces(proofs, size, pieces);

  test("has the commitment that another implementation gives", () => {
    expect(toHex(aggregate.commP)).toBe(root);
  });

  test("proves every piece and its entry, and no other piece by the same proof", () => {
    for (const [i, piece] of pieces.entries()) {
      const proof = proveSegment(proofs, aggregate, i);
      expect(verifySegment(proofs, { paddedSize: size, commP: aggregate.commP, piece }, proof)).toBe(true);
      const other = pieces[(i + 1) % pieces.length]!;
      expect(verifySegment(proofs, { paddedSize: size, commP: aggregate.commP, piece: other }, proof)).toBe(false);
      expect(verifySegment(proofs, { paddedSize: 2 * size, commP: aggregate.commP, piece }, proof)).toBe(false);
    }
  });
});

test("a proof that was changed anywhere is refused", () => {
  const pieces = piecesOf([2, 3, 2]);
  const aggregate = aggregatePieces(proofs, 2 ** 13, pieces);
  const good = proveSegment(proofs, aggregate, 1);
  const flip = (bytes: Uint8Array): Uint8Array => bytes.with(1, (bytes[1] as number) ^ 1);
  const changed = (["piece", "entry"] as const).flatMap((name): SegmentProof[] => {
    const path = good[name];
    return [
      { ...good, [name]: { ...path, leaf: flip(path.leaf) } },
      { ...good, [name]: { ...path, root: flip(path.root) } },
      { ...good, [name]: { ...path, steps: path.steps.slice(1) } },
      ...path.steps.map((step, i) => {
        const steps = path.steps.with(i, { ...step, siblings: [flip(step.siblings[0]!)] });
        return { ...good, [name]: { ...path, steps } };
      }),
    ];
  });
  for (const proof of [...changed, { ...good, offset: 0 }, { ...good, offset: 100 }, { ...good, entry: good.piece }])
    expect(verifySegment(proofs, { paddedSize: 2 ** 13, commP: aggregate.commP, piece: pieces[1]! }, proof)).toBe(
      false,
    );
});

test("pieces that leave no room for the index are refused", () => {
  expect(indexEntries(2 ** 15)).toBe(4);
  expect(indexEntries(2 ** 35)).toBe(2 ** 18);
  expect(() => aggregatePieces(proofs, 1024, piecesOf([5]))).toThrowError(/do not fit/);
  expect(() => aggregatePieces(proofs, 1024, piecesOf([2, 2, 2, 2, 2]))).toThrowError(/do not fit/);
  expect(toHex(aggregatePieces(proofs, 1024, piecesOf([4])).commP)).toHaveLength(64);
});
