import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import {
  aggregateSize,
  type InclusionProof,
  placePieces,
  proveInclusion,
  proveInclusions,
  verifyInclusion,
} from "../../../src/sector/piece/inclusion.ts";
import { commitPiece, dataCommitment, fr32Pad, type PieceInfo } from "../../../src/sector/piece/pieces.ts";
import { prng, prngFr } from "./fixture.ts";

const proofs = await loadProofs();
const list = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 9 });

test("every piece of an aggregate is proved in it, at its place", () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 0, max: 3 }), (levels, room) => {
      const pieces = levels.map((level, i): PieceInfo => ({ paddedSize: 128 << level, commP: prngFr(i + 1) }));
      const size = aggregateSize(pieces) * 2 ** room;
      const commD = dataCommitment(proofs, size, pieces);
      const placed = placePieces(size, pieces);
      const all = proveInclusions(proofs, size, pieces);
      expect(all).toHaveLength(pieces.length);
      for (const [i, piece] of pieces.entries()) {
        const proof = proveInclusion(proofs, size, pieces, i);
        expect(all[i]).toEqual(proof);
        expect(proof.offset).toBe(placed[i]!.offset);
        expect(toHex(proof.path.root)).toBe(toHex(commD));
        expect(verifyInclusion(proofs, commD, piece, proof)).toBe(true);
        for (const other of pieces.keys())
          if (other !== i) expect(verifyInclusion(proofs, commD, pieces[other]!, proof)).toBe(false);
      }
    }),
    { numRuns: 40 },
  );
});

test("the aggregate of pieces is the piece of their padded data", () => {
  const payloads = [prng(1, 127), prng(2, 508), prng(3, 254)];
  const pieces = payloads.map((payload) => commitPiece(proofs, payload));
  const size = aggregateSize(pieces);
  const data = new Uint8Array((size / 128) * 127);
  for (const [i, { offset }] of placePieces(size, pieces).entries()) data.set(payloads[i]!, (offset / 128) * 127);
  expect(fr32Pad(proofs, data).length).toBe(size);
  expect(toHex(dataCommitment(proofs, size, pieces))).toBe(toHex(commitPiece(proofs, data).commP));
});

test("no piece lies over another, each lies at a multiple of its size, and in as little room as their order allows", () => {
  fc.assert(
    fc.property(list, (levels) => {
      const pieces = levels.map((level): PieceInfo => ({ paddedSize: 128 << level, commP: prngFr(1) }));
      const size = aggregateSize(pieces);
      let end = 0;
      for (const { offset, paddedSize } of placePieces(size, pieces)) {
        expect(offset % paddedSize).toBe(0);
        expect(offset - end).toBeGreaterThanOrEqual(0);
        expect(offset - end).toBeLessThan(paddedSize);
        end = offset + paddedSize;
      }
      expect(end).toBeLessThanOrEqual(size);
      if (size > 128) expect(end).toBeGreaterThan(size / 2);
    }),
  );
  expect(proveInclusions(proofs, 128, [])).toEqual([]);
  expect(() => proveInclusions(proofs, 100, [])).toThrow();
});

test("a proof that was changed anywhere is refused", () => {
  const pieces = [256, 128, 1024].map((paddedSize, i): PieceInfo => ({ paddedSize, commP: prngFr(i + 1) }));
  const commD = dataCommitment(proofs, 4096, pieces);
  const piece = pieces[1]!;
  const good = proveInclusion(proofs, 4096, pieces, 1);
  const flip = (bytes: Uint8Array): Uint8Array => bytes.with(0, (bytes[0] as number) ^ 1);
  const { path } = good;
  const bad: InclusionProof[] = [
    { ...good, offset: good.offset + 128 },
    { ...good, offset: 64 },
    { ...good, offset: -128 },
    { ...good, paddedSize: 8192 },
    { ...good, paddedSize: 2048 },
    { ...good, paddedSize: 5000 },
    { ...good, path: { ...path, leaf: flip(path.leaf) } },
    { ...good, path: { ...path, root: flip(path.root) } },
    { ...good, path: { ...path, steps: path.steps.slice(1) } },
    ...path.steps.map((step, i) => ({
      ...good,
      path: { ...path, steps: path.steps.with(i, { ...step, siblings: [flip(step.siblings[0]!)] }) },
    })),
  ];
  expect(verifyInclusion(proofs, commD, piece, good)).toBe(true);
  for (const proof of bad) expect(verifyInclusion(proofs, commD, piece, proof)).toBe(false);
  expect(verifyInclusion(proofs, flip(commD), piece, good)).toBe(false);
  expect(verifyInclusion(proofs, commD, { ...piece, paddedSize: 256 }, good)).toBe(false);
  expect(() => proveInclusion(proofs, 4096, pieces, 3)).toThrow();
  expect(() => proveInclusion(proofs, 1024, pieces, 0)).toThrowError(/do not fit/);
});
