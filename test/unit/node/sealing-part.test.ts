/** New sectors as a part of a node: what it takes over from before, and what an operator is told of. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProofs } from "../../../src/core/proofs.ts";
import { MemoryFolder } from "../../../src/miner/folders/memory-folder.ts";
import type { OwnMiner, OwnSector } from "../../../src/miner/own-sectors.ts";
import { encodeRecord, newRecord, type SectorRecord } from "../../../src/miner/sealing/record.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import type { LocalMiners } from "../../../src/node/local-miners.ts";
import { faultOf, withFault } from "../../../src/node/played-faults.ts";
import { SealingPart } from "../../../src/node/sealing-part.ts";
import { factsOfNode } from "../../../src/node/sectors-service.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ accounts: 2, seed: "sealing", genesisTime: 1_700_000_000, miners: 1, sectors: 1 });
});
afterAll(() => net?.close());

const replica = (fill: number) => {
  const one = new Uint8Array(32).fill(fill);
  return { replicaId: one, commD: one, commC: one, commRLast: one, commR: one };
};

/** A part over what is kept of the only miner's sectors. */
async function part(kept: readonly SectorRecord[], damaged: readonly number[] = [], folder = new MemoryFolder()) {
  const local = net.local as LocalMiners;
  const miner: OwnMiner = { ...(local.miners[0] as OwnMiner), sectors: new Map() };
  const store = new MemoryStore();
  const nameOf = (number: number) => `sealing/${miner.address.actorId}/sector/${`${number}`.padStart(16, "0")}`;
  await store.write({
    metadata: [
      ...kept.map((record) => [nameOf(record.number), encodeRecord(record)] as const),
      ...damaged.map((number) => [nameOf(number), Uint8Array.of(1, 2, 3)] as const),
    ],
  });
  const made = new SealingPart({
    ...{ miners: [miner], store, sealProof: 0, challengeDelay: 10, retryMs: 60_000, now: () => 1000 },
    chainOf: () => local.chainOf(miner, net.node),
    proofs: await loadProofs(),
    succinct: () => async () => new Uint8Array(0),
    openFolder: async () => folder,
    genesis: async () => "bafygenesis",
    facts: factsOfNode(net.node),
  });
  await made.start();
  return { made, miner };
}

const record = (number: number, given: Partial<SectorRecord>): SectorRecord => ({
  ...newRecord({ number, proof: 0, folder: "memory", state: "Proving", keepUnsealed: false }, 1000),
  ...given,
});

test("what waits for a person, or cannot be read, is told from the start on", async () => {
  const { made, miner } = await part([record(5, { state: "FailedUnrecoverable", sealed: replica(5) })], [6]);
  // The chain may have it all the same.
  expect(miner.sectors.get(5)?.commR).toEqual(replica(5).commR);
  expect(made.health()).toMatchObject({
    status: "failing",
    reason: expect.stringMatching(/\/5, .*6 \(cannot be read\)/),
  });
  await made.stop();
  const { made: sound } = await part([record(7, { sealed: replica(1) })]);
  expect(sound.health()).toEqual({ status: "ok" });
  await sound.stop();
});

test("an update that waits for its first piece since before the start is taken back", async () => {
  const update = {
    ...{ began: 1, pieces: [], keepUnsealed: false, commD: null, made: null, proof: null, message: null },
    ...{ finalEpoch: null, isFinal: false },
  };
  const folder = new MemoryFolder();
  const { made, miner } = await part([], [], folder);
  const name = { miner: miner.address.actorId as bigint, number: 8 };
  await folder.files(name).store.write("sealed", 0, new Uint8Array(1));
  await made.stop();
  const waiting = record(8, { state: "SnapDealsWaitDeals", sealed: replica(8), update, updates: 1 });
  const { made: next } = await part([waiting], [], folder);
  expect(next.line(miner.address)?.machine.records.get(8)).toMatchObject({ state: "Available", update: null });
  await next.stop();
});

test("sectors that were sealed since are not of the genesis: it is laid again for each node of a network", () => {
  const local = net.local as LocalMiners;
  const before = local.forGenesis();
  const { sectors } = local.miners[0] as OwnMiner;
  const [first] = [...sectors.values()];
  sectors.set(99, { ...(first as never as object), number: 99 } as never);
  expect(local.forGenesis()).toEqual(before);
  expect(before[0]?.sectors.map(({ number }) => number)).toEqual([0]);
  sectors.delete(99);
});

test("a sector that was sealed anew is proven by its new replica", async () => {
  const { made, miner } = await part([record(7, { sealed: replica(1) })]);
  expect(miner.sectors.get(7)?.commR).toEqual(replica(1).commR);
  const machine = made.line(miner.address)?.machine;
  await machine?.records.note(7, "sealed", "", () => ({ sealed: replica(2) }));
  await machine?.tell(7, "terminated");
  expect(miner.sectors.get(7)?.commR).toEqual(replica(2).commR);
  await made.stop();
});

test("a fault that is played on a sector's files stays when an update brings others", async () => {
  const { made, miner } = await part([record(7, { sealed: replica(1) })]);
  const held = () => miner.sectors.get(7) as OwnSector;
  const step = (isFinal: boolean) => {
    const fields = {
      began: 0,
      pieces: [],
      keepUnsealed: false,
      commD: null,
      proof: null,
      message: null,
      finalEpoch: null,
    };
    const changed = record(7, { sealed: replica(1), update: { ...fields, made: replica(2), isFinal } });
    (made as unknown as { held(miner: OwnMiner, record: SectorRecord): void }).held(miner, changed);
  };
  miner.sectors.set(7, withFault(held(), "lost"));
  step(false);
  expect(held().updated?.commR).toEqual(replica(2).commR);
  expect(faultOf(held())).toBe("lost");
  for (const store of [held().store, held().updated?.store])
    await expect(store?.read("sealed", 0, 1)).rejects.toThrow("the laboratory hides it");
  expect(await held().updated?.directory?.()).toBeNull();
  step(true);
  expect([held().commR, held().isUpdate, faultOf(held())]).toEqual([replica(2).commR, true, "lost"]);
  await made.stop();
});
