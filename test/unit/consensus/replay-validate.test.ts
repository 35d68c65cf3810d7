/** The main network's first epochs, every block validated in full while they are replayed. */
import { describe, expect, test } from "vitest";
import { replayChain } from "../../../src/conformance/replay.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { readShared } from "../../support/vectors.ts";

const car = await readShared("chains/mainnet-epochs-0-39.car");

describe.skipIf(car === null)("replay with validation", () => {
  test("counts every check, and says which proofs were taken on trust", async () => {
    const [crypto, proofs] = await Promise.all([loadCrypto(), loadProofs()]);
    const report = await replayChain(car as Uint8Array, {
      proofs: { verifyPoSt: () => true, verifySeal: () => true },
      hashes: crypto,
      validate: { crypto, proofs, entropy: () => new Uint8Array(32).fill(1) },
    });
    expect(report.checks).toMatchObject({
      blocks: 48,
      ticket: 48,
      electionProof: 48,
      beaconEntry: 55,
      blsAggregate: 73,
      messageSignature: 512,
      stateRoot: 48,
      winningPoSt: { verified: 0, declared: 48 },
    });
  });
});
