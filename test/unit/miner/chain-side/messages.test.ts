/** What miners send, under both generations of the actors. */
import { describe, expect, test } from "vitest";
import type { MinerCall, MinerMessages } from "../../../../src/miner/chain-side/calls.ts";
import { minerMessages } from "../../../../src/miner/chain-side/messages.ts";
import { nativeCode } from "../../../../src/params/actor-codes.ts";
import { decodeMethodData } from "../../../../src/state/state-view.ts";
import { Address } from "../../../../src/types/address.ts";
import { parseCid } from "../../../../src/types/cid.ts";
import { POWER } from "../../../../src/types/singletons.ts";

const MINER = Address.id(1000);
const SEALED = parseCid("bagboea4b5abcamxmh7exq7vrvacvajooeapagr3a4g3tpjhw73iny47hvafw76gr");
const places = [{ deadline: 3, partition: 1, sectors: [2, 3, 7] }];
const runs = [2, 2, 3, 1];

const CALLS: Readonly<Record<string, readonly [call: (all: MinerMessages) => MinerCall, params: unknown]>> = {
  PreCommitSector: [
    (all) =>
      all.preCommit(
        {
          ...{ sealProof: 0, number: 7, sealedCid: SEALED, sealRandEpoch: 40, dealIds: [5n], expiration: 700_000 },
          replaces: { deadline: 1, partition: 2, number: 3 },
        },
        9n,
      ),
    {
      ...{ SealProof: 0, SectorNumber: 7, SealedCID: { "/": SEALED.toString() }, SealRandEpoch: 40, DealIDs: [5] },
      ...{ Expiration: 700_000, ReplaceCapacity: true, ReplaceSectorDeadline: 1, ReplaceSectorPartition: 2 },
      ReplaceSectorNumber: 3,
    },
  ],
  ProveCommitSector: [(all) => all.proveCommit(7, Uint8Array.of(1), 0n), { SectorNumber: 7, Proof: "AQ==" }],
  DeclareFaults: [(all) => all.declareFaults(places), { Faults: [{ Deadline: 3, Partition: 1, Sectors: runs }] }],
  DeclareFaultsRecovered: [
    (all) => all.declareRecoveries(places),
    { Recoveries: [{ Deadline: 3, Partition: 1, Sectors: runs }] },
  ],
  SubmitWindowedPoSt: [
    (all) =>
      all.submitWindowPost({
        deadline: 3,
        partitions: [
          { index: 0, skipped: [] },
          { index: 1, skipped: [4] },
        ],
        proofs: [{ postProof: 5n, proofBytes: Uint8Array.of(2) }],
        commitEpoch: 77,
        commitRandomness: Uint8Array.of(3),
      }),
    {
      Deadline: 3,
      Partitions: [
        { Index: 0, Skipped: [0] },
        { Index: 1, Skipped: [4, 1] },
      ],
      Proofs: [{ PoStProof: 5, ProofBytes: "Ag==" }],
      ...{ ChainCommitEpoch: 77, ChainCommitRand: "Aw==" },
    },
  ],
  ExtendSectorExpiration: [
    (all) => all.extend([{ ...(places[0] as (typeof places)[0]), expiration: 900_000 }]),
    { Extensions: [{ Deadline: 3, Partition: 1, Sectors: runs, NewExpiration: 900_000 }] },
  ],
  TerminateSectors: [(all) => all.terminate(places), { Terminations: [{ Deadline: 3, Partition: 1, Sectors: runs }] }],
  CompactPartitions: [(all) => all.compact(4, [0, 1]), { Deadline: 4, Partitions: [0, 2] }],
  ChangeWorkerAddress: [
    (all) => all.changeWorker(Address.id(101), [Address.id(102)]),
    { NewWorker: "t0101", NewControlAddrs: ["t0102"] },
  ],
  ChangePeerID: [(all) => all.changePeerId(Uint8Array.of(4)), { NewID: "BA==" }],
  ChangeMultiaddrs: [(all) => all.changeMultiaddrs([Uint8Array.of(5)]), { NewMultiaddrs: ["BQ=="] }],
  WithdrawBalance: [(all) => all.withdraw(12n), { AmountRequested: "12" }],
};
const SINCE_V2: Readonly<Record<string, readonly [call: (all: MinerMessages) => MinerCall, params: unknown]>> = {
  ConfirmUpdateWorkerKey: [(all) => all.confirmWorker(), null],
  RepayDebt: [(all) => all.repayDebt(6n), null],
  ChangeOwnerAddress: [(all) => all.changeOwner(Address.id(103), "owner"), "t0103"],
};

describe.each([
  [0, 0],
  [3, 0],
  [4, 2],
  [5, 2],
])("network version %i", (version, actors) => {
  const all = minerMessages(MINER, version, "t");
  const code = nativeCode(version, "storageminer");
  const decoded = ({ method, params }: MinerCall): unknown => decodeMethodData(code, method, "params", params, "t");

  test("has the actors of its version", () => {
    expect(all.actorsVersion).toBe(actors);
    expect([2, 2349, 20_000].map((size) => all.maxPostPartitions(size))).toEqual([actors === 0 ? 200 : 3000, 4, 1]);
  });

  test.each(Object.entries(CALLS))("%s", (name, [make, params]) => {
    const call = make(all);
    expect(call).toMatchObject({ name, to: MINER });
    expect(call.maxFee).toBeGreaterThan(0n);
    expect(decoded(call)).toEqual(params);
  });

  test.each(Object.entries(SINCE_V2))("%s, which came with v2", (name, [make, params]) => {
    if (actors < 2) return expect(() => make(all)).toThrow(`have no method ${name}`);
    const call = make(all);
    expect(call.name).toBe(name);
    expect(decoded(call)).toEqual(params);
  });

  test("a new miner is the power actor's work", () => {
    const call = all.createMiner({
      ...{ owner: Address.id(101), worker: Address.id(102), sealProof: 0 },
      ...{ peerId: Uint8Array.of(1), multiaddrs: [Uint8Array.of(2)] },
    });
    expect(call.to).toBe(POWER);
    expect(decodeMethodData(nativeCode(version, "storagepower"), call.method, "params", call.params, "t")).toEqual({
      ...{ Owner: "t0101", Worker: "t0102", SealProofType: 0, Peer: "AQ==", Multiaddrs: ["Ag=="] },
    });
  });

  test("a window PoSt commits to an epoch that its actors take", () => {
    const deadline = { periodStart: 0, index: 2, open: 120, close: 180, challenge: 100, faultCutoff: 50 };
    for (const height of [119, 120, 150, 178]) {
      const epoch = all.commitEpochAt(height, deadline);
      expect(epoch).toBeLessThan(height + 1);
      expect(epoch).toBeGreaterThanOrEqual(actors === 0 ? 179 - 60 - (178 - height) : deadline.challenge);
    }
  });
});
