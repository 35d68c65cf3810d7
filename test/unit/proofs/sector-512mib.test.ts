/** What of the official sector of 512 MiB can be checked without sealing it; `seal-512mib.node.test.ts` seals it. */
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { porepChallenges } from "../../../src/sector/challenges.ts";
import { dataCommitment } from "../../../src/sector/piece/pieces.ts";
import { postChallenges } from "../../../src/sector/post/post-proof.ts";
import { parentsOf, withGraph, withMemory } from "../../../src/sector/seal/kit.ts";
import { type PoRepChallengeProof, verifyPoRepPartition } from "../../../src/sector/seal/porep-proof.ts";
import { commROf, replicaIdOf } from "../../../src/sector/seal/seal.ts";
import { porepInputs } from "../../../src/sector/snark/statement.ts";
import { large, largeCase, largeStatement, vanillaFrom } from "./sector-512mib.ts";
import { vanillaOf } from "./sectors.ts";

const proofs = await loadProofs();
const { params, porepId } = largeCase;
const replicaId = fromHex(large.replicaId);
const first = vanillaFrom(large.firstVanillaProof);

test("replica id, commitments and challenges are the official ones", () => {
  const pieces = large.pieces.map(({ unpadded, commP }) => ({
    paddedSize: (unpadded / 127) * 128,
    commP: fromHex(commP),
  }));
  expect(toHex(dataCommitment(proofs, params.sectorBytes, pieces))).toBe(large.commD);
  expect(toHex(replicaIdOf(proofs, largeCase.identity, largeStatement.commD))).toBe(large.replicaId);
  expect(toHex(commROf(proofs, fromHex(large.commC), fromHex(large.commRLast)))).toBe(large.commR);
  const { commR, seed } = largeStatement;
  const challenges = porepChallenges(proofs, params, { feature: "interactive", replicaId, commR, seed }, 0);
  expect([challenges]).toEqual(large.challenges);
});

test("parents of the challenged node are those that are opened", async () => {
  await withGraph(proofs, params, porepId, false, async (graph) => {
    const opened = [...first.baseParents, ...first.expanderParents].map(({ node }) => node);
    expect(parentsOf(proofs, graph, first.challenge)).toEqual(opened);
  });
});

test("the first labels of layer 1 are the official ones", async () => {
  const count = 3;
  await withGraph(proofs, params, porepId, false, (graph) =>
    withMemory(proofs, 32 + count * (32 + 56), async (id) => {
      const labels = id + 32;
      const parents = labels + count * 32;
      proofs.instance.write(id, replicaId);
      proofs.exports.graphParents(graph, 0, count, parents);
      proofs.exports.labelRange(id, 1, labels, labels, parents, 0, 0n, count);
      const known = large.layers[0]!.samples.filter(([node]) => node < count);
      expect(known.length).toBe(count);
      for (const [node, label] of known) expect(toHex(proofs.instance.read(labels + 32 * node, 32))).toBe(label);
    }),
  );
});

test("the official opening of the first challenge verifies, and not with any part of it changed", async () => {
  expect(vanillaOf(first, params.layers)).toEqual(large.firstVanillaProof);
  const options = { params: { ...params, porepChallenges: 1 } };
  const verify = (proof: PoRepChallengeProof): Promise<boolean> =>
    verifyPoRepPartition(proofs, largeStatement, { index: 0, proof: [proof] }, options);
  expect(await verify(first)).toBe(true);
  const flip = (bytes: Uint8Array): Uint8Array => bytes.with(11, (bytes[11] as number) ^ 32);
  const { column, data, replica, baseParents, expanderParents } = first;
  for (const bad of [
    { ...first, data: { ...data, leaf: flip(data.leaf) } },
    { ...first, replica: { ...replica, leaf: flip(replica.leaf) } },
    { ...first, column: { ...column, labels: column.labels.map(flip) } },
    { ...first, column: { ...column, path: { ...column.path, steps: column.path.steps.slice(1) } } },
    { ...first, baseParents: baseParents.toReversed() },
    { ...first, expanderParents: expanderParents.with(7, baseParents[0]!) },
  ])
    expect(await verify(bad)).toBe(false);
});

test("public inputs of its PoRep are the official ones", async () => {
  expect((await porepInputs(proofs, largeStatement)).map((one) => one.map(toHex))).toEqual(large.circuitInputs);
});

test.each(large.post)("challenges of its $kind PoSt are the official ones", (one) => {
  const randomness = fromHex(one.randomness);
  expect(
    postChallenges(proofs, { params, kind: one.kind, randomness, sectorNumber: large.sectorNumber, place: 0 }),
  ).toEqual(one.challenges);
});
