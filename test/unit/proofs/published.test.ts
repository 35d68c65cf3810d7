/** Facts that other implementations publish, as `published.json` records them with their sources. */
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { elementOf, poseidon } from "../../../src/core/poseidon.ts";
import { constantLengthTag, poseidonAny } from "../../../src/core/poseidon-any.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { syntheticChallenges } from "../../../src/sector/challenges.ts";
import { porepId, sealProof, sectorParams } from "../../../src/sector/params.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { commitPiece, dataCommitment, PieceHasher } from "../../../src/sector/piece/pieces.ts";
import { withGraph, withMemory } from "../../../src/sector/seal/kit.ts";
import { fixture } from "./fixture.ts";

type Row = [payloadSize: number, paddedSize: number, cid: string];
type Published = {
  commP: { random: Row[]; zero: Row[]; "0xCC": Row[]; randomGenerator: { first607: string } };
  commD: { empty: [number, string][] | Record<string, string> };
  sdrLastLabels: {
    layers: number;
    replicaId: string;
    cases: { poRepId: string; sectorSize: number; apiVersion: string; lastLabel: string }[];
  };
  parentCaches: { files: { registeredSealProof: number; sectorSize: number; sha256: string }[] };
  poRepIds: { ids: [string, string][] };
  syntheticChallenges: { nodes: number; replicaId: number; commR: number; synthetic: number[] };
  roundConstants: { arity: number; count: number; sha256: string; first: string; last: string };
  poseidon: Record<
    "digests" | "strengthened" | "constantLength4" | "constantLength4Strengthened",
    Record<string, string>
  >;
};
const known = await fixture<Published>("published.json");
const proofs = await loadProofs();

/** Largest payload of the tables that is hashed here. */
const MAX_PAYLOAD = 40_000_000;
const MAX_RANDOM = 4_200_000;

test.each([
  ["zero", 0],
  ["0xCC", 0xcc],
] as const)("piece table of %s bytes", (name, fill) => {
  const chunk = new Uint8Array(1 << 20).fill(fill);
  let checked = 0;
  for (const [payloadSize, paddedSize, cid] of known.commP[name]) {
    if (payloadSize > MAX_PAYLOAD) continue;
    const hasher = new PieceHasher(proofs);
    for (let left = payloadSize; left > 0; left -= Math.min(left, chunk.length))
      hasher.update(chunk.subarray(0, Math.min(left, chunk.length)));
    const piece = hasher.digest();
    expect([payloadSize, piece.paddedSize, pieceCidV1(piece.commP).toString()]).toEqual([payloadSize, paddedSize, cid]);
    checked++;
  }
  expect(checked).toBeGreaterThan(10);
});

test("piece table of random bytes", () => {
  const { random, randomGenerator } = known.commP;
  const largest = Math.max(...random.map(([size]) => size).filter((size) => size <= MAX_RANDOM));
  // Outputs obey x[n] = x[n - 607] + x[n - 273] mod 2^64; each gives bits 31 … 62 as four bytes, little-endian.
  const outputs = new BigUint64Array(Math.ceil(largest / 4));
  const bytes = new DataView(fromHex(randomGenerator.first607).buffer);
  for (let n = 0; n < outputs.length; n++)
    outputs[n] = n < 607 ? bytes.getBigUint64(8 * n) : (outputs[n - 607] as bigint) + (outputs[n - 273] as bigint);
  const words = Uint32Array.from(outputs, (x) => Number((x >> 31n) & 0xffffffffn));
  const payload = new Uint8Array(words.buffer);
  let checked = 0;
  for (const [payloadSize, paddedSize, cid] of random) {
    if (payloadSize > largest) continue;
    const piece = commitPiece(proofs, payload.subarray(0, payloadSize));
    expect([payloadSize, piece.paddedSize, pieceCidV1(piece.commP).toString()]).toEqual([payloadSize, paddedSize, cid]);
    checked++;
  }
  expect(checked).toBeGreaterThan(50);
});

test("data commitments of empty sectors", () => {
  const { empty } = known.commD;
  const rows = Array.isArray(empty) ? empty : Object.entries(empty);
  expect(rows.length).toBe(2);
  for (const [size, commD] of rows) expect(toHex(dataCommitment(proofs, Number(size), []))).toBe(commD);
});

test.each(known.sdrLastLabels.cases)("last label of 11 layers, $sectorSize bytes, API $apiVersion", async (one) => {
  const params = { ...sectorParams(one.sectorSize), layers: known.sdrLastLabels.layers };
  const bytes = params.nodes * 32;
  await withGraph(proofs, params, fromHex(one.poRepId), one.apiVersion === "1.0.0", (graph) =>
    withMemory(proofs, 2 * bytes + params.nodes * 56 + 32, async (at) => {
      const parents = at + 2 * bytes;
      const id = parents + params.nodes * 56;
      proofs.instance.write(id, fromHex(known.sdrLastLabels.replicaId));
      proofs.exports.graphParents(graph, 0, params.nodes, parents);
      const bank = (layer: number): number => at + (layer % 2) * bytes;
      for (let layer = 1; layer <= params.layers; layer++)
        proofs.exports.labelRange(id, layer, bank(layer), bank(layer - 1), parents, 0, 0n, params.nodes);
      expect(toHex(proofs.instance.read(bank(params.layers) + bytes - 32, 32))).toBe(one.lastLabel);
    }),
  );
});

test("a window of labels computed from gathered slots equals that of the whole layer", async () => {
  const params = sectorParams(4096);
  const id = new Uint8Array(32).fill(9);
  const { nodes } = params;
  const bytes = nodes * 32;
  await withGraph(proofs, params, new Uint8Array(32).fill(5), false, (graph) =>
    withMemory(proofs, 4 * bytes + nodes * 56 + 32, async (at) => {
      const [first, second, bank, gathered] = [at, at + bytes, at + 2 * bytes, at + 3 * bytes];
      const parents = at + 4 * bytes;
      proofs.instance.write(parents + nodes * 56, id);
      proofs.exports.graphParents(graph, 0, nodes, parents);
      for (const [layer, own, other] of [
        [1, first, first],
        [2, second, first],
      ] as const)
        proofs.exports.labelRange(parents + nodes * 56, layer, own, other, parents, 0, 0n, nodes);
      // Window of nodes 100 … 107 of layer 2: slots 0 … 47 gathered base parents, 48 … 55 the window; 0 … 63 expander.
      const table = new Uint32Array(proofs.instance.read(parents + 100 * 56, 8 * 56).buffer).slice();
      for (let i = 0; i < table.length; i++) {
        const [node, place] = [Math.floor(i / 14), i % 14];
        const parent = table[i] as number;
        if (place < 6 && parent >= 100) {
          table[i] = 48 + parent - 100;
          continue;
        }
        table[i] = place < 6 ? node * 6 + place : node * 8 + place - 6;
        const [from, to] = place < 6 ? [second, bank] : [first, gathered];
        proofs.instance.write(to + 32 * (table[i] as number), proofs.instance.read(from + 32 * parent, 32));
      }
      proofs.instance.write(parents, new Uint8Array(table.buffer));
      proofs.exports.labelRange(parents + nodes * 56, 2, bank, gathered, parents, 48, 100n, 8);
      expect(toHex(proofs.instance.read(bank + 48 * 32, 8 * 32))).toBe(
        toHex(proofs.instance.read(second + 100 * 32, 8 * 32)),
      );
    }),
  );
});

const caches = known.parentCaches.files.filter(({ sectorSize }) => sectorSize <= 8 * 2 ** 20);
test.each(caches)("parent cache of seal proof $registeredSealProof, $sectorSize bytes", async (one) => {
  const proof = sealProof(one.registeredSealProof);
  const { nodes } = sectorParams(one.sectorSize);
  const hash = sha256.create();
  await withGraph(proofs, sectorParams(one.sectorSize), porepId(proof), proof.legacy, async (graph) => {
    const window = Math.min(nodes, 32768);
    for (let from = 0; from < nodes; from += window)
      proofs.with(window * 56, (at) => {
        proofs.exports.graphParents(graph, from, window, at);
        hash.update(proofs.instance.read(at, window * 56));
      });
  });
  expect(toHex(hash.digest())).toBe(one.sha256);
});

test("synthetic challenges begin as published", () => {
  const { nodes, replicaId, commR, synthetic } = known.syntheticChallenges;
  const [replica, comm] = [replicaId, commR].map((value) => elementOf(BigInt(value))) as [Uint8Array, Uint8Array];
  const all = syntheticChallenges(proofs, sectorParams(nodes * 32), replica, comm);
  expect(all.slice(0, synthetic.length)).toEqual(synthetic);
});

describe("registered proofs and Poseidon", () => {
  test("round constants of arity 8, as the authors' own script makes them", () => {
    const { arity, count, sha256: digest, first, last } = known.roundConstants;
    proofs.with(32 * 4096, (at) => {
      // Compressed constants and the matrix stand before them.
      const all = proofs.exports.poseidonParameters(arity, at);
      const plain = proofs.instance.read(at + 32 * (all - count), 32 * count);
      const big = plain.slice();
      for (let i = 0; i < count; i++) big.subarray(32 * i, 32 * i + 32).reverse();
      expect([plain, big].map((bytes) => toHex(bytes.subarray(0, 32)))).toContain(first);
      expect([plain, big].map((bytes) => toHex(bytes.subarray(-32)))).toContain(last);
      expect([plain, big].map((bytes) => toHex(sha256(bytes)))).toContain(digest);
    });
  });

  test("PoRep ids of all registered proofs", () => {
    for (const [number, [, id]] of known.poRepIds.ids.entries()) expect(toHex(porepId(sealProof(number)))).toBe(id);
  });

  const count = (length: number): Uint8Array[] => Array.from({ length }, (_, i) => elementOf(BigInt(i)));

  test("digests of 0, 1, 2 …", () => {
    for (const arity of [2, 4, 8, 11])
      expect(toHex(poseidon(proofs, count(arity)))).toBe(known.poseidon.digests[arity]);
  });

  test.each([2, 4, 8, 11, 16, 24, 36])("digests for %i elements in the textbook form, and strengthened", (arity) => {
    const { digests, strengthened, constantLength4, constantLength4Strengthened } = known.poseidon;
    expect(toHex(poseidonAny(proofs, count(arity)))).toBe(digests[arity]);
    const strength = "strengthened" as const;
    expect(toHex(poseidonAny(proofs, count(arity), { strength }))).toBe(strengthened[arity]);
    // Four elements in two are a sponge, which Filecoin does not use.
    if (arity < 4) return;
    const four = { arity, tag: constantLengthTag(4) };
    expect(toHex(poseidonAny(proofs, count(4), four))).toBe(constantLength4[arity]);
    expect(toHex(poseidonAny(proofs, count(4), { ...four, strength }))).toBe(constantLength4Strengthened[arity]);
  });
});
