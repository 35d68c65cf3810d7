/** Pieces at the edges of their sizes, and from senders who lie about them. */
import { sha256 } from "@noble/hashes/sha2.js";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";
import { expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import {
  type PieceCommitment,
  pieceCidV1,
  pieceCidV2,
  pieceOfCidV2,
  sealedCid,
} from "../../../src/sector/piece/cid.ts";
import {
  aggregatePieces,
  proveSegment,
  type SegmentProof,
  verifySegment,
} from "../../../src/sector/piece/data-segment.ts";
import { type InclusionProof, proveInclusion, verifyInclusion } from "../../../src/sector/piece/inclusion.ts";
import { commitPiece, dataCommitment, joinSlices, zeroPieceCommitment } from "../../../src/sector/piece/pieces.ts";
import { prng } from "./fixture.ts";

const proofs = await loadProofs();

/** The definition, bit by bit: 254 bits to a leaf, and a tree of SHA-256 with two bits cut off each node. */
function commitPlainly(payload: Uint8Array): { commP: string; paddedSize: number } {
  let paddedSize = 128;
  while ((paddedSize / 128) * 127 < payload.length) paddedSize *= 2;
  let row = Array.from({ length: paddedSize / 32 }, (_, leaf) => {
    const out = new Uint8Array(32);
    for (let bit = 0; bit < 254; bit++) {
      const from = 254 * leaf + bit;
      const set = (((payload[from >> 3] ?? 0) >> (from & 7)) & 1) << (bit & 7);
      out[bit >> 3] = (out[bit >> 3] as number) | set;
    }
    return out;
  });
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, i) => {
      const node = sha256(Uint8Array.of(...(row[2 * i] as Uint8Array), ...(row[2 * i + 1] as Uint8Array)));
      return node.with(31, (node[31] as number) & 0x3f) as Uint8Array<ArrayBuffer>;
    });
  return { commP: toHex(row[0] as Uint8Array), paddedSize };
}

test("every size around the borders commits as the definition says", () => {
  const sizes = [0, 1, 2, 31, 32, 63, 64, 65, 95, 96, 126, 127, 128, 129, 253, 254, 255, 256, 257, 507, 508, 509];
  for (const size of [...sizes, 1015, 1016, 1017, 127 * 64 - 1, 127 * 64, 127 * 64 + 1, 8192])
    for (const payload of [prng(size + 1, size), new Uint8Array(size).fill(255)]) {
      const { commP, paddedSize, payloadSize, height } = commitPiece(proofs, payload);
      expect({ commP: toHex(commP), paddedSize }).toEqual(commitPlainly(payload));
      expect([payloadSize, 32 * 2 ** height]).toEqual([size, paddedSize]);
    }
});

test("payloads beyond 2^32 bytes, by their slices", () => {
  const slice = commitPiece(proofs, new Uint8Array(127 * 8192));
  for (const count of [4096 + 1, 8192]) {
    const whole = joinSlices(
      proofs,
      Array.from({ length: count }, () => slice),
    );
    expect(whole.payloadSize).toBe(count * 127 * 8192);
    expect(whole.payloadSize).toBeGreaterThan(2 ** 32 - 2 ** 27);
    expect(whole.paddedSize).toBe(2 ** 33);
    expect(toHex(whole.commP)).toBe(toHex(zeroPieceCommitment(proofs, 2 ** 33)));
    expect(pieceOfCidV2(pieceCidV2(whole))).toEqual(whole);
  }
});

test("slices that contradict themselves are refused", () => {
  const good = commitPiece(proofs, new Uint8Array(127));
  const bad: Partial<PieceCommitment>[] = [
    { height: 3 },
    { height: 60 },
    { height: -1 },
    { height: Number.NaN },
    { paddedSize: 96 },
    { payloadSize: 128 },
    { payloadSize: -1 },
    { payloadSize: Number.NaN },
    { commP: new Uint8Array(64) },
    { commP: new Uint8Array(32).fill(255) },
  ];
  for (const change of bad) expect(() => joinSlices(proofs, [{ ...good, ...change }])).toThrow();
  expect(joinSlices(proofs, [good, good]).paddedSize).toBe(256);
});

test("version 2 CIDs: any digest is a piece that says the same again, or none", () => {
  const digests = [[], [0], [2], [0, 2], [255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2], [128, 0, 2], [1, 47]];
  for (const height of [0, 1, 2, 30, 47, 48, 64, 255])
    digests.push([0, height], [127, 1, height], [255, 1, height], [128, 128, 128, 128, 128, 128, 128, 1, height]);
  let taken = 0;
  for (const head of digests)
    for (const tail of [32, 31, 33, 0])
      for (const top of [0, 0x3f, 0x40]) {
        const root = new Uint8Array(tail).fill(top);
        const cid = CID.createV1(0x55, Digest.create(0x1011, Uint8Array.of(...head, ...root)));
        const piece = pieceOfCidV2(cid);
        if (piece === null) continue;
        taken++;
        expect(piece.payloadSize).toBeGreaterThanOrEqual(0);
        expect(Number.isSafeInteger(piece.payloadSize)).toBe(true);
        expect(piece.payloadSize).toBeLessThanOrEqual((piece.paddedSize / 128) * 127);
        expect(pieceCidV2(piece).toString()).toBe(cid.toString());
      }
  expect(taken).toBeGreaterThan(5);
});

test("what is no commitment, or contradicts itself, has no CID", () => {
  const good = commitPiece(proofs, prng(1, 300));
  for (const length of [0, 31, 33, 64])
    for (const make of [pieceCidV1, sealedCid, (commP: Uint8Array) => pieceCidV2({ ...good, commP })])
      expect(() => make(new Uint8Array(length))).toThrowError(expect.objectContaining({ code: "BAD_LENGTH" }));
  const bad: Partial<PieceCommitment>[] = [
    { payloadSize: 509 },
    { payloadSize: -1 },
    { payloadSize: 0.5 },
    { payloadSize: Number.NaN },
    { height: 5 },
    { height: 60, paddedSize: 2 ** 65 },
    { paddedSize: 1024 },
  ];
  for (const change of bad)
    expect(() => pieceCidV2({ ...good, ...change })).toThrowError(expect.objectContaining({ code: "OUT_OF_RANGE" }));
  expect(pieceOfCidV2(pieceCidV2(good))).toEqual(good);
});

const pieces = [512, 128, 1024, 256].map((size, i) => {
  const { commP, paddedSize } = commitPiece(proofs, prng(i + 1, (size / 128) * 127));
  return { commP, paddedSize };
});

test("inclusion: another place, size, path or commitment is refused, whatever its type", () => {
  const commD = dataCommitment(proofs, 4096, pieces);
  for (const [i, piece] of pieces.entries()) {
    const good = proveInclusion(proofs, 4096, pieces, i);
    expect(verifyInclusion(proofs, commD, piece, good)).toBe(true);
    const { path } = good;
    const bad: InclusionProof[] = [
      { ...good, offset: good.offset + piece.paddedSize },
      { ...good, offset: good.offset - piece.paddedSize },
      { ...good, offset: good.offset + 4096 },
      { ...good, offset: Number.NaN },
      { ...good, offset: good.offset + 0.5 },
      { ...good, paddedSize: 2048 },
      { ...good, paddedSize: 8192 },
      { ...good, paddedSize: 4095 },
      { ...good, paddedSize: 2 ** 60 },
      { ...good, path: { ...path, steps: path.steps.slice(1) } },
      { ...good, path: { ...path, steps: [...path.steps, { index: 0, siblings: [commD] }] } },
      { ...good, path: { ...path, leaf: commD } },
      { ...good, path: { ...path, root: path.leaf } },
    ];
    for (const proof of bad) expect(verifyInclusion(proofs, commD, piece, proof)).toBe(false);
    // A node inside of the tree is no piece of twice the size.
    expect(verifyInclusion(proofs, commD, { ...piece, paddedSize: piece.paddedSize * 2 }, good)).toBe(false);
  }
});

test("segments: entries outside of the index, of other pieces or with a changed checksum are refused", () => {
  const size = 8192;
  const aggregate = aggregatePieces(proofs, size, pieces);
  const good = proveSegment(proofs, aggregate, 1);
  const other = proveSegment(proofs, aggregate, 2);
  const piece = pieces[1]!;
  const verdict = (proof: SegmentProof, of = piece, padded = size): boolean =>
    verifySegment(proofs, { paddedSize: padded, commP: aggregate.commP, piece: of }, proof);
  expect(verdict(good)).toBe(true);
  expect(verdict({ ...good, entry: other.entry })).toBe(false);
  expect(verdict({ ...good, piece: other.piece })).toBe(false);
  expect(verdict({ ...good, offset: good.offset + 128 })).toBe(false);
  expect(verdict({ ...good, offset: Number.NaN })).toBe(false);
  expect(verdict(good, { ...piece, paddedSize: 256 })).toBe(false);
  expect(verdict(good, { ...piece, commP: new Uint8Array(31) })).toBe(false);
  expect(verdict(good, piece, 2 * size)).toBe(false);
  expect(verdict(good, piece, 128)).toBe(false);
  // The piece's own path is no entry's: it does not end in the index.
  expect(verdict({ ...good, entry: good.piece })).toBe(false);
  const [first, ...rest] = good.entry.steps;
  for (const index of [2, -1, 0.5, Number.NaN, 2 ** 31])
    expect(verdict({ ...good, entry: { ...good.entry, steps: [{ ...first!, index }, ...rest] } })).toBe(false);
});
