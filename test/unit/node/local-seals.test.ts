/** Seals on local networks: where the network has a key of their circuit it takes SNARKs and nothing else, and the reverse. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { localBeacon } from "../../../src/beacon/local.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { LocalVerifier } from "../../../src/node/local-verifier.ts";
import type { DescribedProofs, LocalVerifyingKeys } from "../../../src/node/proof-mode.ts";
import { pieceCidV1, sealedCid } from "../../../src/sector/piece/cid.ts";
import porep from "../../fixtures/proofs/groth16-porep.json" with { type: "json" };
import post from "../../fixtures/proofs/groth16-post.json" with { type: "json" };

const MINER = 1000;
const made = porep.cases.find(({ registeredSealProof }) => registeredSealProof === 0) as (typeof porep.cases)[0];
const cids = [sealedCid(fromHex(made.commR)), pieceCidV1(fromHex(made.commD))] as const;
const snark = fromHex(made.proof);
const posts: LocalVerifyingKeys = {
  winning: fromHex(post.verifyingKeys.winning.hex),
  window: fromHex(post.verifyingKeys.window.hex),
};
let crypto: Crypto;
let proofs: Proofs;
beforeAll(async () => {
  [crypto, proofs] = [await loadCrypto(), await loadProofs()];
});

function verifierOf(described: DescribedProofs, versions: { networkVersion?: number; lastVersion?: number } = {}) {
  const times = { genesisTime: 0, blockDelay: 30 };
  const { info } = localBeacon(crypto, "seals", times);
  const facts = { networkName: "localnet", beacon: info, times, proofs: described, ...versions };
  return new LocalVerifier(facts, crypto, proofs);
}

const seal = (verifier: LocalVerifier, proof: Uint8Array, number = made.sectorNumber): boolean | Promise<boolean> => {
  const parts = [
    made.registeredSealProof,
    [MINER, number],
    [],
    fromHex(made.ticket),
    fromHex(made.seed),
    proof,
    ...cids,
  ];
  return verifier.proofs().verifySeal(dagCbor.encode(parts));
};

function attested({ attestor }: LocalVerifier): Uint8Array {
  const [sealed, unsealed] = cids;
  const drawn = { ticket: fromHex(made.ticket), seed: fromHex(made.seed) };
  const number = BigInt(made.sectorNumber);
  const sector = { type: made.registeredSealProof, miner: BigInt(MINER), number, ...drawn };
  return attestor.attestSeal({ ...sector, sealedCid: sealed, unsealedCid: unsealed }, 1);
}

test("with a key of their circuit, seals are proven by SNARKs alone", async () => {
  const key = fromHex(porep.verifyingKeys.porep.hex);
  const verifier = verifierOf({ mode: "groth16", setup: "", verifyingKeys: { ...posts, porep: key } });
  expect(await seal(verifier, snark)).toBe(true);
  expect(await seal(verifier, snark, made.sectorNumber + 1)).toBe(false);
  expect(await seal(verifier, attested(verifier))).toBe(false);
});

test("without one they are attested, whatever proofs of spacetime are", async () => {
  for (const described of [
    { mode: "attested" },
    { mode: "groth16", setup: "", verifyingKeys: posts },
  ] as const satisfies DescribedProofs[]) {
    const verifier = verifierOf(described);
    expect(await seal(verifier, attested(verifier))).toBe(true);
    expect(await seal(verifier, snark)).toBe(false);
  }
});

test("window proofs of the second version are verified where an upgrade brings them, too", async () => {
  const one = post.cases.find(({ key, apiVersion }) => key === "window" && apiVersion === "1.2.0");
  if (one === undefined) throw new Error("no such proof among the fixtures");
  const sectors = one.sectors.map(({ sectorNumber, commR }) => [0, sectorNumber, sealedCid(fromHex(commR))]);
  const info = dagCbor.encode([fromHex(one.randomness), [[10, fromHex(one.proof)]], sectors, MINER]);
  const described = { mode: "groth16", setup: "", verifyingKeys: posts } as const;
  const verdict = (versions: Parameters<typeof verifierOf>[1]) =>
    verifierOf(described, versions).proofs().verifyPoSt(info);
  expect(await verdict({ networkVersion: 18 })).toBe(false);
  expect(await verdict({ networkVersion: 18, lastVersion: 19 })).toBe(true);
  expect(await verdict({ networkVersion: 19 })).toBe(true);
});

test("an attested seal is of its miner, sector, proof type, ticket, seed, replica and data, and of no others", async () => {
  const verifier = verifierOf({ mode: "attested" });
  const proof = attested(verifier);
  const [sealed, unsealed] = cids;
  const of = [
    made.registeredSealProof,
    [MINER, made.sectorNumber],
    [],
    fromHex(made.ticket),
    fromHex(made.seed),
    proof,
  ];
  const verdict = (statement: readonly unknown[]) => verifier.proofs().verifySeal(dagCbor.encode(statement));
  const right: readonly unknown[] = [...of, sealed, unsealed];
  expect(await verdict(right)).toBe(true);
  const other = new Uint8Array(32).fill(9);
  const changes: readonly (readonly [number, unknown])[] = [
    // Proof type of another size, another version, and one that there is not.
    ...[1, 5, 99].map((type) => [0, type] as const),
    [1, [MINER + 1, made.sectorNumber]],
    [1, [MINER, made.sectorNumber + 1]],
    [3, other],
    [4, other],
    [5, proof.subarray(0, 191)],
    [5, new Uint8Array(192)],
    [6, sealedCid(other)],
    [7, pieceCidV1(other)],
  ];
  for (const [at, value] of changes) expect(await verdict(right.with(at, value))).toBe(false);
});

test("updates of sectors are attested: the proof holds for its replicas and data alone", async () => {
  const verifier = verifierOf({ mode: "attested" });
  const [sealed, unsealed] = cids;
  const other = sealedCid(new Uint8Array(32).fill(1));
  const statement = { type: 0, oldSealedCid: other, newSealedCid: sealed, newUnsealedCid: unsealed };
  const proof = verifier.attestor.attestUpdate(statement, 2);
  const holds = (...info: readonly unknown[]) => verifier.proofs().verifyReplicaUpdate?.(dagCbor.encode(info));
  expect(proof.length).toBe(384);
  expect(holds(0, other, sealed, unsealed, proof)).toBe(true);
  // Earlier actors give the proof as a list of numbers.
  expect(holds(0, other, sealed, unsealed, [...proof])).toBe(true);
  for (const bad of [
    [1, other, sealed, unsealed, proof],
    [0, sealed, other, unsealed, proof],
    [0, other, other, unsealed, proof],
    [0, other, sealed, unsealed, proof.map((byte, i) => (i === 250 ? byte ^ 1 : byte))],
    [0, other, sealed, unsealed, proof.subarray(0, 191)],
    [0, other, sealed, unsealed, new Uint8Array(0)],
    [0, other, sealed, unsealed, null],
    [0, "text", sealed, unsealed, proof],
  ])
    expect(holds(...bad)).toBe(false);
});
