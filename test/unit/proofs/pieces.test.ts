import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { hasSimd } from "../../../src/core/simd.ts";
import { paddedBytesOf, pieceCidV1, pieceCidV2, pieceOfCidV2, unpaddedBytesOf } from "../../../src/sector/piece/cid.ts";
import {
  commitPiece,
  dataCommitment,
  fr32Pad,
  fr32Unpad,
  joinSlices,
  PieceHasher,
  zeroPieceCommitment,
} from "../../../src/sector/piece/pieces.ts";
import { fixture, prng, prngFr } from "./fixture.ts";

type Fixture = {
  fr32: { seed?: number; fill?: string; unpadded: number; sha256: string; padded?: string }[];
  commP: { fill: string; seed?: number; payload: number; padded: number; commP: string }[];
  zeroPieces: { padded: number; commitment: string }[];
  commD: { sectorSize: number; pieces: { unpadded: number; commPSeed: number }[]; commD: string }[];
  commDErrors: { sectorSize: number; unpadded: number[] }[];
};
const known = await fixture<Fixture>("pieces.json");

const plain = await loadProofs({ simd: false });
const builds = [{ name: "plain", module: plain }];
if (hasSimd()) builds.push({ name: "simd", module: await loadProofs({ simd: true }) });

describe.each(builds)("$name build", ({ module }) => {
  test("node: the hash of 64 bytes is SHA-256 with the two top bits of the last byte cleared, in any batch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1 }), fc.boolean(), (count, seed, inPlace) => {
        const input = prng(seed, 64 * count);
        module.with(96 * count, (at) => {
          const out = inPlace ? at : at + 64 * count;
          module.instance.write(at, input);
          module.exports.hashLevel(at, out, count);
          for (let i = 0; i < count; i++) {
            const expected = sha256(input.subarray(64 * i, 64 * i + 64));
            expected[31] = (expected[31] as number) & 0x3f;
            expect(toHex(module.instance.read(out + 32 * i, 32))).toBe(toHex(expected));
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  test("node: all-zero and all-one children", () => {
    for (const fill of [0, 0xff])
      module.with(64 * 5, (at) => {
        module.instance.write(at, new Uint8Array(64 * 5).fill(fill));
        module.exports.hashLevel(at, at, 5);
        const expected = sha256(new Uint8Array(64).fill(fill));
        expected[31] = (expected[31] as number) & 0x3f;
        for (let i = 0; i < 5; i++) expect(toHex(module.instance.read(at + 32 * i, 32))).toBe(toHex(expected));
      });
  });

  test.each(known.fr32)("fr32: padding of $unpadded bytes is the official one and unpads again", (row) => {
    const raw = row.seed === undefined ? new Uint8Array(row.unpadded).fill(0xff) : prng(row.seed, row.unpadded);
    const padded = fr32Pad(module, raw);
    expect(toHex(sha256(padded))).toBe(row.sha256);
    if (row.padded !== undefined) expect(toHex(padded)).toBe(row.padded);
    expect(toHex(fr32Unpad(module, padded))).toBe(toHex(raw));
  });

  test.each(known.commP)("commP: $payload bytes of $fill give the official commitment", (row) => {
    const payload = row.seed === undefined ? new Uint8Array(row.payload) : prng(row.seed, row.payload);
    const piece = commitPiece(module, payload);
    expect(toHex(piece.commP)).toBe(row.commP);
    expect(piece.paddedSize).toBe(row.padded);
    expect(piece.payloadSize).toBe(row.payload);
  });

  test("commP: any split of the payload gives the same commitment", () => {
    const payload = prng(77, 2 * 1040384 + 12345);
    const whole = toHex(commitPiece(module, payload).commP);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: payload.length }), { maxLength: 12 }), (cuts) => {
        const hasher = new PieceHasher(module);
        const edges = [0, ...cuts.sort((a, b) => a - b), payload.length];
        for (let i = 1; i < edges.length; i++) hasher.update(payload.subarray(edges[i - 1], edges[i]));
        expect(toHex(hasher.digest().commP)).toBe(whole);
      }),
      { numRuns: 12 },
    );
  });

  test("commP: slices joined give the commitment of the whole", () => {
    const slice = 127 * 1024;
    for (const length of [1, slice - 1, slice, slice + 1, 3 * slice, 5 * slice + 7, 8 * slice]) {
      const payload = prng(5, length);
      const slices = [];
      for (let at = 0; at < length; at += slice) slices.push(commitPiece(module, payload.subarray(at, at + slice)));
      expect(joinSlices(module, slices)).toEqual(commitPiece(module, payload));
    }
  });

  test("commP: a slice that is not full may only be the last", () => {
    const full = commitPiece(module, prng(1, 254));
    const short = commitPiece(module, prng(1, 200));
    expect(() => joinSlices(module, [short, full])).toThrowError(/slice 0/);
    expect(() => joinSlices(module, [full, commitPiece(module, prng(1, 508))])).toThrowError(/slice 1/);
    expect(() => joinSlices(module, [])).toThrow();
  });

  test("zero pieces: every padded size has its official commitment", () => {
    for (const { padded, commitment } of known.zeroPieces)
      expect(toHex(zeroPieceCommitment(module, padded))).toBe(commitment);
  });

  // The official function leaves the end of the sector open: its root spans what the pieces need.
  test.each(known.commD)("commD: $pieces.length pieces for $sectorSize bytes", ({ sectorSize, pieces, commD }) => {
    const infos = pieces.map((piece) => ({
      paddedSize: (piece.unpadded / 127) * 128,
      commP: prngFr(piece.commPSeed),
    }));
    let end = 0;
    for (const { paddedSize } of infos) end = Math.ceil(end / paddedSize) * paddedSize + paddedSize;
    let span = infos.length === 0 ? sectorSize : 128;
    while (span < end) span *= 2;
    const root = dataCommitment(module, span, infos);
    expect(toHex(root)).toBe(commD);
    if (span > sectorSize) expect(() => dataCommitment(module, sectorSize, infos)).toThrowError(/do not fit/);
    if (span < sectorSize) {
      const whole = { paddedSize: span, commP: root };
      expect(toHex(dataCommitment(module, sectorSize, infos))).toBe(toHex(dataCommitment(module, sectorSize, [whole])));
    }
  });

  test.each(known.commDErrors)("commD: refuses $unpadded in $sectorSize bytes", ({ sectorSize, unpadded }) => {
    const infos = unpadded.map((size) => ({ paddedSize: (size / 127) * 128, commP: prngFr(1) }));
    expect(() => dataCommitment(module, sectorSize, infos)).toThrow();
  });

  test("commD: a piece that only alignment pushes out of the sector is refused", () => {
    const commP = prngFr(1);
    const pieces = [128, 1024, 512].map((paddedSize) => ({ paddedSize, commP }));
    expect(() => dataCommitment(module, 2048, pieces)).toThrowError(/do not fit/);
  });

  test("commD: the commitments of pieces join to that of their data", () => {
    const a = prng(1, 127 * 4);
    const b = prng(2, 127 * 8);
    const data = new Uint8Array(127 * 16);
    data.set(a);
    data.set(b, 127 * 8);
    const pieces = [commitPiece(module, a), commitPiece(module, b)];
    expect(toHex(dataCommitment(module, 2048, pieces))).toBe(toHex(commitPiece(module, data).commP));
  });
});

describe("piece CIDs", () => {
  test("version 2 carries the payload's size, the height and the commitment", () => {
    fc.assert(
      fc.property(fc.integer({ min: 65, max: 2 ** 45 }), fc.integer({ min: 1 }), (payloadSize, seed) => {
        const paddedSize = paddedBytesOf(payloadSize);
        const piece = { commP: prngFr(seed), payloadSize, paddedSize, height: Math.log2(paddedSize) - 5 };
        expect(pieceOfCidV2(CID.parse(pieceCidV2(piece).toString()))).toEqual(piece);
        expect(unpaddedBytesOf(paddedSize)).toBeGreaterThanOrEqual(payloadSize);
      }),
    );
  });

  test("127 bytes each of 0, 1, 2, 3 have the CIDs published in FRC-0069", () => {
    const payload = Uint8Array.from({ length: 508 }, (_, i) => Math.floor(i / 127));
    const piece = commitPiece(plain, payload);
    expect(pieceCidV1(piece.commP).toString()).toBe("baga6ea4seaqes3nobte6ezpp4wqan2age2s5yxcatzotcvobhgcmv5wi2xh5mbi");
    expect(pieceCidV2(piece).toString()).toBe("bafkzcibcaaces3nobte6ezpp4wqan2age2s5yxcatzotcvobhgcmv5wi2xh5mbi");
  });

  // Made with the npm package fr32-sha2-256-trunc254-padded-binary-tree-multihash 3.3.0.
  test.each([
    [508, 0, "bafkzcibcaacfpirydiugkk7up5v666wkm6n6jlw6lby2wxht5mwaqekerdfykjq"],
    [96, 0, "bafkzcibcd4bdomn3tgwgrh3g532zopskstnbrd2n3sxfqbze7rxt7vqn7veigmy"],
    [127, 204, "bafkzcibcaabmfldjtozgne6adk7eve2vdxte7vzlivae7nzsbrawobo546zkijq"],
    [200, 204, "bafkzcibcgyb6ffhstnj4qnh4iu3uprrs4ygv4uqogmajcyn6e7o6tp3rdvfnioi"],
    [1000000, 204, "bafkzcibeyc5qed7su5vhyvfkag3ilpzapslthzsbqm2rlyzvb6jtvsv2cxcf4mgcfa"],
  ])("%i bytes of %i have the version 2 CID of another implementation", (length, fill, cid) => {
    expect(pieceCidV2(commitPiece(plain, new Uint8Array(length).fill(fill))).toString()).toBe(cid);
  });

  // Read by go-fil-commcid: the padding has to be less than half of what the tree holds, rounded down.
  test.each([
    [65, 128, 2],
    [128, 256, 3],
    [255, 512, 4],
    [127 * 2 ** 20 + 1, 2 ** 28, 23],
  ])(
    "%i bytes are the least in a tree of %i: one less has no version 2 CID, written or read",
    (payloadSize, paddedSize, height) => {
      const piece = { commP: new Uint8Array(32), payloadSize, paddedSize, height };
      const cid = pieceCidV2(piece);
      expect(pieceOfCidV2(cid)).toEqual(piece);
      expect(() => pieceCidV2({ ...piece, payloadSize: payloadSize - 1 })).toThrowError(
        expect.objectContaining({ code: "OUT_OF_RANGE" }),
      );
      const digest = cid.multihash.digest.slice();
      digest[0] = (digest[0] as number) + 1;
      const more = CID.createV1(0x55, { code: 0x1011, digest, size: digest.length, bytes: new Uint8Array(0) });
      expect(pieceOfCidV2(more)).toBeNull();
    },
  );

  test("malformed version 2 CIDs are refused", () => {
    const good = pieceCidV2({ commP: fromHex("00".repeat(32)), payloadSize: 96, paddedSize: 128, height: 2 });
    for (const change of [
      (d: Uint8Array) => d.subarray(0, d.length - 1),
      (d: Uint8Array) => Uint8Array.of(...d, 0),
      (d: Uint8Array) => d.with(1, 1),
      (d: Uint8Array) => d.with(1, 200),
      (d: Uint8Array) => d.with(0, 0x80),
      (d: Uint8Array) => d.with(d.length - 1, 0x40),
      () => new Uint8Array(0),
    ]) {
      const digest = Uint8Array.from(change(good.multihash.digest.slice()));
      const cid = CID.createV1(0x55, { code: 0x1011, digest, size: digest.length, bytes: new Uint8Array(0) });
      expect(pieceOfCidV2(cid)).toBeNull();
    }
    expect(pieceOfCidV2(pieceCidV1(fromHex("00".repeat(32))))).toBeNull();
  });
});
