/** Tests of keys and proofs of the network's circuits against bellperson's, for the files that take some circuits each. */
import * as dagCbor from "@ipld/dag-cbor";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../../src/base/bytes.ts";
import { loadCrypto } from "../../../../src/core/crypto.ts";
import { loadProofs } from "../../../../src/core/proofs.ts";
import type { OwnMiner } from "../../../../src/miner/own-sectors.ts";
import { PostProver } from "../../../../src/miner/post-prover.ts";
import { attestedPost } from "../../../../src/miner/succinct.ts";
import { Devnet } from "../../../../src/node/devnet.ts";
import { LocalMiners } from "../../../../src/node/local-miners.ts";
import { LocalProving } from "../../../../src/node/local-proving.ts";
import { ProvingPool } from "../../../../src/proving/pool.ts";
import type { Scheduler } from "../../../../src/proving/scheduler.ts";
import { makeParams, memorySink } from "../../../../src/proving/snark/make-params.ts";
import { proveOpenings, shapeOfOfficial } from "../../../../src/proving/snark/official.ts";
import { openParams, type ParamsFile } from "../../../../src/proving/snark/params-file.ts";
import type { Setup } from "../../../../src/proving/snark/setup.ts";
import { MemorySectorStore } from "../../../../src/sector/store.ts";
import { Address } from "../../../../src/types/address.ts";
import { FIL } from "../../../../src/types/amount.ts";
import type { BlockHeader } from "../../../../src/types/block-header.ts";
import fixture from "../../../fixtures/proofs/circuit-proofs.json" with { type: "json" };
import groth16 from "../../../fixtures/proofs/groth16-prove.json" with { type: "json" };
import { type WitnessCase, witnessBytes } from "../../proofs/circuit-witness.ts";

const module = await loadProofs();
/** Workers also in pages: there the page's own thread must stay free. */
const pool = ProvingPool.open(2);
afterAll(() => pool.close());
/** Networks close what they are given; these workers are needed further. */
const scheduler: Scheduler = {
  size: pool.size,
  isLocal: true,
  run: (job, options) => pool.run(job, options),
  runAll: (jobs, options) => pool.runAll(jobs, options),
};
const { g1, g2, ...numbers } = groth16.setup;
const testSetup: Setup = {
  numbers: {
    alpha: fromHex(numbers.alpha),
    beta: fromHex(numbers.beta),
    gamma: fromHex(numbers.gamma),
    delta: fromHex(numbers.delta),
    tau: fromHex(numbers.tau),
  },
  g1: fromHex(g1),
  g2: fromHex(g2),
};

/** A tipset of a network with real proofs; changed and attested proofs are refused. */
async function minesBlock(proving: LocalProving): Promise<void> {
  const net = await Devnet.open({ accounts: 2, balance: 1000n * FIL, seed: "real proofs", miners: 1, proving });
  try {
    const header = (await net.clock.mine(1)).blocks[0] as BlockHeader;
    const local = net.local as LocalMiners;
    const validator = local.validator(net.node.states);
    const verdict = async (proofBytes: Uint8Array) => {
      const [post] = header.winPoStProof as [BlockHeader["winPoStProof"][0]];
      const changed = { ...header, winPoStProof: [{ ...post, proofBytes }] };
      return validator.validate({ header: changed, messages: { bls: [], secp: [] } });
    };
    const made = header.winPoStProof[0]?.proofBytes as Uint8Array;
    expect(made.length).toBe(192);
    // The signature covers the proof; the proof is looked at all the same.
    expect((await verdict(made)).winningPost).toBe("verified");
    const wrong = [
      made.map((byte, i) => (i === 20 ? byte ^ 1 : byte)),
      new Uint8Array(192),
      concat(made, made),
      local.verification.attestor.attestPost({
        ...{ kind: "winning", type: 0, miner: 105n, randomness: new Uint8Array(32), sectors: [] },
      }),
    ];
    for (const bytes of wrong) await expect(verdict(bytes)).rejects.toMatchObject({ code: "WINNING_POST" });
    expect(net.services.dev?.info()["proofs"]).toBe("groth16");
  } finally {
    await net.close();
  }
}

/** A window PoSt as the machine asks about it; for another miner's sectors and other bytes it does not hold. */
async function submitsWindow(proving: LocalProving): Promise<void> {
  const crypto = await loadCrypto();
  const times = { genesisTime: 0, blockDelay: 30 };
  const options = { seed: "real", miners: 1, sectors: 2, sealProof: 0, firstId: 1000n, owner: Address.id(100), times };
  const local = await LocalMiners.open({ ...options, networkName: "localnet", proving }, crypto);
  const miner = local.miners[0] as OwnMiner;
  const randomness = new Uint8Array(32).fill(0xff);
  const { postProof, proofBytes } = await new PostProver(module, proving.succinct(module)).window(
    miner,
    randomness,
    [0, 1],
    5,
    async () => null,
  );
  const sectors = [...miner.sectors.values()].map(({ number, sealedCid }) => [0, number, sealedCid]);
  const { verifyPoSt } = local.verification.proofs();
  const verdict = (proof: Uint8Array, proved: unknown = sectors): boolean | Promise<boolean> =>
    verifyPoSt(dagCbor.encode([randomness, [[Number(postProof), proof]], proved, 1000]));
  expect(await verdict(proofBytes)).toBe(true);
  expect(await verdict(proofBytes, [sectors[0]])).toBe(false);
  expect(await verdict(proofBytes.map((byte, i) => (i === 150 ? byte ^ 1 : byte)))).toBe(false);
  expect(await verdict(new Uint8Array(192))).toBe(false);
  // A network whose proofs are attested takes no real one, and this one no attestation.
  const attested = await LocalMiners.open({ ...options, networkName: "localnet" }, crypto);
  const info = dagCbor.encode([randomness, [[Number(postProof), proofBytes]], sectors, 1000]);
  expect(await attested.verifier().verifyPoSt(info)).toBe(false);
  const signed = await new PostProver(module, attestedPost(attested.verification.attestor)).window(
    miner,
    randomness,
    [0, 1],
    5,
    async () => null,
  );
  expect(
    await attested
      .verifier()
      .verifyPoSt(dagCbor.encode([randomness, [[Number(postProof), signed.proofBytes]], sectors, 1000])),
  ).toBe(true);
  expect(await verdict(signed.proofBytes)).toBe(false);
}

export function describeProofs(circuit: WitnessCase & keyof typeof fixture): void {
  const official = fixture[circuit];
  describe(`the circuit ${circuit} under the crates' test setup`, () => {
    let file: Uint8Array;
    let params: ParamsFile;
    let openings: Uint8Array;
    beforeAll(async () => {
      const sink = memorySink();
      await makeParams(
        scheduler,
        { kind: "official", name: circuit },
        shapeOfOfficial(module, circuit),
        testSetup,
        sink,
      );
      file = sink.bytes();
      params = await openParams({ bytes: file });
      openings = await witnessBytes(circuit);
    }, 3_600_000);

    test("the key is bellperson's", () => {
      expect(file.length).toBe(official.paramsBytes);
      expect(toHex(sha256(file))).toBe(official.paramsSha256);
      expect(toHex(sha256(params.verifyingKey))).toBe(official.vkSha256);
      const { h, l, a, b_g1, b_g2 } = params.queries;
      expect([h, l, a, b_g1, b_g2].map(({ count }) => count)).toEqual([
        official.h,
        official.l,
        official.a,
        official.b,
        official.b,
      ]);
    });

    test("proofs are bellperson's for the same r and s", async () => {
      for (const { r, s, proof } of official.proofs) {
        const blinding = { r: fromHex(r), s: fromHex(s) };
        const made = await proveOpenings(module, scheduler, { circuit, params, openings }, { blinding });
        expect(toHex(made)).toBe(proof);
      }
    }, 3_600_000);

    test.runIf(circuit === "window-2048")(
      "the same with witness and vectors in files, under a limit that has no room for them",
      async () => {
        const [{ r, s, proof }] = official.proofs as [(typeof official.proofs)[0]];
        const scratch = new MemorySectorStore();
        const written = new Set<string>();
        const write = scratch.write.bind(scratch);
        scratch.write = (name, from, bytes) => {
          written.add(name);
          return write(name, from, bytes);
        };
        const options = { blinding: { r: fromHex(r), s: fromHex(s) }, memoryBytes: 2 ** 22, scratch };
        const made = await proveOpenings(module, scheduler, { circuit, params, openings }, options);
        expect(toHex(made)).toBe(proof);
        expect([...written].sort()).toEqual(["a", "aux", "b", "c", "h"]);
        expect(scratch.files.size).toBe(0);
      },
      3_600_000,
    );

    test("a local network's miner proves with it, and the network's nodes verify", async () => {
      const proving = new LocalProving({ winning: params, window: params }, scheduler);
      await (circuit === "winning-2048" ? minesBlock(proving) : submitsWindow(proving));
    }, 3_600_000);

    test("openings that do not hold make no proof, and the constraint is named", async () => {
      const changed = openings.slice();
      const last = changed.length - 32;
      changed[last] = (changed[last] as number) ^ 1;
      await expect(proveOpenings(module, scheduler, { circuit, params, openings: changed })).rejects.toMatchObject({
        data: { code: "UNSATISFIED", where: expect.stringMatching(/ \/ equality$/) },
      });
    }, 600_000);
  });
}
