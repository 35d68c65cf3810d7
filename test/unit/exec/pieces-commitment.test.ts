/** Commitments of pieces in a row, beside those of the proofs' module. */
import { expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { sha256 } from "../../../src/base/digests.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { piecesCommitment } from "../../../src/exec/pieces-commitment.ts";
import { aggregateSize } from "../../../src/sector/piece/inclusion.ts";
import { dataCommitment } from "../../../src/sector/piece/pieces.ts";

const SECTOR = 2048;
const pieces = (...sizes: readonly number[]) =>
  sizes.map((size, i) => ({ size, commitment: new Uint8Array(32).fill(i + 1) }));

test.each([
  [[128]],
  [[2048]],
  [[512, 512]],
  [[128, 512]],
  [[512, 128, 256]],
  [[128, 128, 128]],
  [[256, 128, 1024]],
  [[1024, 128, 128, 512]],
])("of %s bytes", async (sizes) => {
  const proofs = await loadProofs();
  const given = pieces(...sizes);
  const same = given.map(({ size, commitment }) => ({ paddedSize: size, commP: commitment }));
  expect(piecesCommitment(given, SECTOR)).toEqual(dataCommitment(proofs, aggregateSize(same), same));
});

test("any 32 bytes are taken for a piece's: the market actor looks at the form of a CID alone", () => {
  const [one, two] = [new Uint8Array(32).fill(0xff), new Uint8Array(32).fill(0xfe)];
  expect(piecesCommitment([{ size: 512, commitment: one }], SECTOR)).toEqual(one);
  const both = sha256(concat(one, two));
  both[31] = (both[31] as number) & 0x3f;
  expect(
    piecesCommitment(
      [one, two].map((commitment) => ({ size: 512, commitment })),
      SECTOR,
    ),
  ).toEqual(both);
});

test("pieces that are none, or that do not fit, are refused", () => {
  expect(() => piecesCommitment([], SECTOR)).toThrow(/no pieces/);
  expect(() => piecesCommitment(pieces(64), SECTOR)).toThrow(/a piece of 64 bytes/);
  expect(() => piecesCommitment(pieces(384), SECTOR)).toThrow(/a piece of 384 bytes/);
  expect(() => piecesCommitment(pieces(4096), SECTOR)).toThrow(/a piece of 4096 bytes in a sector of 2048/);
  expect(() => piecesCommitment(pieces(1024, 2048), SECTOR)).toThrow(/the pieces take 4096 bytes/);
});
