/** What miners send to the published actors: methods came and went, and each has the parameters that the actor of its version reads. */
import { expect, test } from "vitest";
import type { MinerCall } from "../../../../src/miner/chain-side/calls.ts";
import { minerMessages } from "../../../../src/miner/chain-side/messages.ts";
import { actorCodes } from "../../../../src/params/actor-codes.ts";
import { decodeMethodData } from "../../../../src/state/state-view.ts";
import { Address } from "../../../../src/types/address.ts";
import { parseCid } from "../../../../src/types/cid.ts";
import { POWER } from "../../../../src/types/singletons.ts";

const VERSIONS = [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28];
const MINER = Address.id(1000);
const SEALED = parseCid("bagboea4b5abcamxmh7exq7vrvacvajooeapagr3a4g3tpjhw73iny47hvafw76gr");
const sector = { sealProof: 5, number: 7, sealedCid: SEALED, sealRandEpoch: 40, dealIds: [], expiration: 700_000 };

function decoded(version: number, { to, method, params }: MinerCall) {
  const code = actorCodes("mainnet", version)?.get(to.equals(POWER) ? "storagepower" : "storageminer");
  if (code === undefined) throw new Error("no code");
  return decodeMethodData(code, method, "params", params, "f") as Record<string, unknown>;
}

test("sectors: one by one at version 16, in batches from 17 on, proven at once from 22 on", () => {
  for (const version of VERSIONS) {
    const all = minerMessages(MINER, version, "f");
    const preCommit = all.preCommit(sector, 9n);
    const proven = all.proveCommit(7, Uint8Array.of(1), 4n);
    expect([preCommit.method, proven.method]).toEqual([version < 17 ? 6n : 28n, version < 22 ? 7n : 34n]);
    expect([preCommit.value, proven.value]).toEqual([9n, 4n]);
    const info = { SealProof: 5, SectorNumber: 7, SealRandEpoch: 40, Expiration: 700_000 };
    const params = decoded(version, preCommit);
    expect(version < 17 ? params : (params["Sectors"] as unknown[])[0]).toMatchObject(info);
    expect(decoded(version, proven)).toMatchObject(
      version < 22
        ? { SectorNumber: 7, Proof: "AQ==" }
        : { SectorActivations: [{ SectorNumber: 7 }], SectorProofs: ["AQ=="], RequireActivationSuccess: true },
    );
    const replaces = { deadline: 0, partition: 0, number: 1 };
    expect(() => all.preCommit({ ...sector, replaces }, 0n)).toThrow(/in the place of another/);
  }
});

test("data: deals by their ids in the pre-commit until version 21, pieces in the proof from 22 on", () => {
  const pieceCid = parseCid("baga6ea4seaqgy22gpbjutv335xoan2k47dtx6abpflsnbmwif6zznc753fwzwpq");
  const cid = { "/": `${pieceCid}` };
  const one = { pieceCid, size: 1024n };
  const pieces = [
    { ...one, dealId: 300n, allocation: { client: 101n, id: 2n } },
    { ...one, dealId: null, allocation: null },
  ];
  for (const version of VERSIONS) {
    const all = minerMessages(MINER, version, "f");
    expect(all.namesPieces).toBe(version >= 22);
    const params = decoded(version, all.preCommit({ ...sector, dealIds: [5n], unsealedCid: pieceCid }, 0n));
    const info = version < 17 ? params : (params["Sectors"] as unknown[])[0];
    expect(info).toMatchObject({ DealIDs: [5], ...(version < 17 ? {} : { UnsealedCid: cid }) });
    // One that was pre-committed with deals before an upgrade is proven as it was then, until that method goes.
    const older = () => all.proveCommit(7, Uint8Array.of(1), 4n, { dealIds: [5n], pieces: [] });
    if (version < 23) expect(older().method).toBe(7n);
    else
      expect(older).toThrow(
        `sector 7 names its deals, as before network version 22, and network version ${version} proves no such`,
      );
    if (version < 22) continue;
    const { SectorActivations: sectors } = decoded(
      version,
      all.proveCommit(7, Uint8Array.of(1), 4n, { dealIds: [], pieces }),
    );
    const notify = [{ Address: "f05", Payload: "GQEs" }];
    const key = { Client: 101, ID: 2 };
    expect(sectors).toEqual([
      {
        SectorNumber: 7,
        Pieces: [
          { CID: cid, Size: 1024, VerifiedAllocationKey: key, Notify: notify },
          { CID: cid, Size: 1024, VerifiedAllocationKey: null, Notify: null },
        ],
      },
    ]);
  }
});

test("a miner is made for its window PoSt, with a deposit from version 25 on", () => {
  const owner = Address.id(100);
  for (const version of VERSIONS) {
    const call = minerMessages(MINER, version, "f").createMiner({
      ...{ owner, worker: owner, sealProof: 8, peerId: Uint8Array.of(1), multiaddrs: [] },
    });
    expect([call.to, call.method, call.value > 0n]).toEqual([POWER, 2n, version >= 25]);
    expect(decoded(version, call)).toMatchObject({ Owner: "f0100", WindowPoStProofType: version < 19 ? 8 : 13 });
  }
});

test("expirations, keys and proofs of many partitions", () => {
  const places = [{ deadline: 3, partition: 1, sectors: [2, 3], expiration: 900_000 }];
  for (const version of VERSIONS) {
    const all = minerMessages(MINER, version, "f");
    const extended = all.extend(places);
    expect(extended.method).toBe(version < 17 ? 8n : 32n);
    const where = { Deadline: 3, Partition: 1, Sectors: [2, 2], NewExpiration: 900_000 };
    expect((decoded(version, extended)["Extensions"] as unknown[])[0]).toMatchObject(where);
    expect(all.confirmWorker()).toMatchObject({ method: 21n });
    expect(all.maxPostPartitions(2)).toBe(3);
    const post = all.submitWindowPost({
      ...{
        deadline: 3,
        partitions: [{ index: 0, skipped: [] }],
        proofs: [{ postProof: 10n, proofBytes: Uint8Array.of(1) }],
      },
      ...{ commitEpoch: 9, commitRandomness: new Uint8Array(32) },
    });
    expect(decoded(version, post)).toMatchObject({ Deadline: 3, Proofs: [{ PoStProof: 10 }], ChainCommitEpoch: 9 });
  }
});

test("an update of a live sector: its deals by their ids until version 21, its pieces from 22 on; none before version 16", () => {
  const pieceCid = parseCid("baga6ea4seaqgy22gpbjutv335xoan2k47dtx6abpflsnbmwif6zznc753fwzwpq");
  const pieces = [{ pieceCid, size: 2048n, dealId: 300n, allocation: null }];
  const update = {
    ...{ sector: 7, deadline: 3, partition: 1, sealProof: 6, sealedCid: SEALED, proof: Uint8Array.of(1) },
    content: { dealIds: [300n], pieces },
  };
  for (const version of VERSIONS) {
    const call = minerMessages(MINER, version, "f").replicaUpdate(update, 5n);
    expect([call.method, call.value]).toEqual([version < 22 ? 27n : 35n, 5n]);
    const place = { Deadline: 3, Partition: 1 };
    const params = decoded(version, call);
    if (version < 22)
      expect(params).toEqual({
        Updates: [
          {
            ...{ SectorID: 7, ...place, NewSealedSectorCID: { "/": `${SEALED}` } },
            ...{ Deals: [300], UpdateProofType: 1, ReplicaProof: "AQ==" },
          },
        ],
      });
    else
      expect(params).toMatchObject({
        SectorUpdates: [{ Sector: 7, ...place, NewSealedCID: { "/": `${SEALED}` }, Pieces: [{ Size: 2048 }] }],
        ...{ SectorProofs: ["AQ=="], UpdateProofsType: 1, RequireActivationSuccess: true },
      });
  }
  for (const version of [0, 3, 5, 9])
    expect(() => minerMessages(MINER, version, "f").replicaUpdate(update, 0n)).toThrow(/sealed already/);
});
