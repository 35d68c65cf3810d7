/** Data for sectors that were sealed without any: the way, the ways back, forks, and a stop between any two steps. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { nameText } from "../../../../src/miner/folders/folder.ts";
import { MemoryFolder } from "../../../../src/miner/folders/memory-folder.ts";
import { Pieces } from "../../../../src/miner/sealing/pieces.ts";
import { decodeRecord, encodeRecord, piecesOf } from "../../../../src/miner/sealing/record.ts";
import type { SectorState } from "../../../../src/miner/sealing/states.ts";
import { proverId } from "../../../../src/sector/params.ts";
import { sealedCid } from "../../../../src/sector/piece/cid.ts";
import { P_AUX_FILE, SEALED_FILE, UNSEALED_FILE, updateStore } from "../../../../src/sector/store.ts";
import { MINER, openSealing, type Sealing } from "../../../support/sealing.ts";
import type { TestChain } from "../../../support/sealing-chain.ts";
import { until } from "../../../support/until.ts";

let open: Sealing[] = [];
afterEach(async () => {
  for (const { machine } of open) await machine.stop();
  open = [];
});

type Given = Parameters<typeof openSealing>[0];
/** A miner at a version of today, with the intake of pieces. */
async function miner(given: Given = {}) {
  const one = await openSealing(given);
  open.push(one);
  one.chain.networkVersion = 28;
  one.machine.start();
  const { machine, folders, chain, proofs } = one;
  const more = { miner: MINER, proverId: proverId(MINER), sealProof: 0, startBuffer: 480 };
  return { ...one, pieces: new Pieces({ machine, folders, chain, proofs, ...more }) };
}
type Miner = Awaited<ReturnType<typeof miner>>;

const comes = (one: Miner, number: number, state: SectorState): Promise<void> =>
  until(`sector ${number} to be ${state}`, () => one.records.get(number).state === state);
const bytesOf = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13) & 0xff);
const DATA = bytesOf(2032, 3);
const payload = (bytes: Uint8Array) => ({ bytes: [bytes], payloadSize: bytes.length });
const deal = (id: number, more: object = {}) => ({
  ...{ id, startEpoch: 9000, endEpoch: 600_000, keepUnsealed: false, ...more },
});
const refusal = (code: string) => expect.objectContaining({ data: expect.objectContaining({ code }) });

/** A sector without data, proven; marked. */
async function marked(one: Miner): Promise<number> {
  const { number } = await one.machine.pledge();
  await comes(one, number, "Proving");
  one.chain.seen.set(number, "healthy");
  await one.machine.mark(number);
  return number;
}
async function all(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const out: number[] = [];
  for await (const part of parts) out.push(...part);
  return Uint8Array.from(out);
}
const storeOf = async (one: Miner, number: number) =>
  (await one.folders.files({ miner: MINER, number }, one.records.get(number).folder)).store;
const onChain = (chain: TestChain, number: number) => chain.sectors.get(number)?.sealedCid;

test("a deal goes into a marked sector before a new one; the first replica goes when no fork can take the update back", async () => {
  const one = await miner();
  const number = await marked(one);
  const first = one.records.get(number).sealed?.commR as Uint8Array;
  const placed = await one.pieces.add(payload(DATA), deal(1));
  expect(placed).toMatchObject({ sector: number, offset: 0, paddedSize: 2048 });
  await comes(one, number, "UpdateActivating");
  const { update, pieces, finalEpoch } = one.records.get(number);
  expect([pieces, finalEpoch]).toEqual([[], null]);
  const commR = update?.made?.commR as Uint8Array;
  expect(onChain(one.chain, number)).toEqual(sealedCid(commR));
  expect(one.chain.updates.map(({ pieces }) => pieces.map((piece) => piece.deal?.id))).toEqual([[1]]);
  expect(one.chain.made.at(-1)).toBe(`update/${number}/1.0`);
  const store = await storeOf(one, number);
  for (const files of [store, updateStore(store)]) expect(await files.size(SEALED_FILE)).toBe(2048);
  expect(commR).not.toEqual(first);
  expect(await all(one.pieces.read(number, 0, 5, 300))).toEqual(DATA.slice(5, 305));
  one.chain.pass(1000);
  await comes(one, number, "Proving");
  expect(await store.size(SEALED_FILE)).toBeNull();
  expect(await updateStore(store).size(UNSEALED_FILE)).toBeNull();
  // Out of the new replica, for which the first is computed again.
  for (const [from, length] of [
    [0, 2032],
    [1000, 40],
    [2031, 1],
  ] as const)
    expect(await all(one.pieces.read(number, 0, from, length))).toEqual(DATA.slice(from, from + length));
  expect((await one.pieces.add(payload(DATA), deal(1))).sector).toBe(number);
  await expect(one.machine.mark(number)).rejects.toThrow(/has data already/);
  // The next deal has to have a sector of its own.
  expect((await one.pieces.add(payload(bytesOf(100, 1)), deal(2))).sector).not.toBe(number);
});

describe("what cannot be updated is refused by name", () => {
  test("actors before version 16, sectors that are not proven yet or not healthy, and what is marked already", async () => {
    const one = await miner();
    const { number } = await one.machine.pledge();
    await expect(one.machine.mark(number)).rejects.toThrow(/not Proving/);
    await comes(one, number, "Proving");
    await expect(one.machine.mark(number)).rejects.toThrow(/first window PoSt/);
    one.chain.seen.set(number, "faulty");
    await expect(one.machine.mark(number)).rejects.toThrow(/faulty/);
    one.chain.seen.set(number, "healthy");
    await one.machine.look();
    one.chain.networkVersion = 5;
    await expect(one.machine.mark(number)).rejects.toThrow(
      /version 5 put no data into a sector that is sealed already/,
    );
    one.chain.networkVersion = 28;
    await comes(one, number, "Proving");
    await one.machine.mark(number);
    await expect(one.machine.mark(number)).rejects.toEqual(refusal("NO_UPDATE"));
    await one.machine.abortUpgrade(number);
    expect(one.records.get(number).state).toBe("Proving");
    await expect(one.machine.abortUpgrade(number)).rejects.toEqual(refusal("BAD_EVENT"));
  });

  test("a deal that outlives the sector goes elsewhere, and a marked sector that becomes faulty is marked no more", async () => {
    const one = await miner();
    const number = await marked(one);
    const { expiration } = one.chain.sectors.get(number) as { expiration: number };
    expect((await one.pieces.add(payload(DATA), deal(1, { endEpoch: expiration + 1 }))).sector).not.toBe(number);
    one.chain.seen.set(number, "faulty");
    await one.machine.look();
    await until("unmarked", () => ["Proving", "Faulty"].includes(one.records.get(number).state));
  });
});

test("an update that is taken back leaves the sector as it was, and another can be made", async () => {
  const one = await miner();
  const number = await marked(one);
  const placed = await one.pieces.add(payload(bytesOf(127, 1)), deal(1));
  expect(one.records.get(number).state).toBe("SnapDealsWaitDeals");
  expect([one.pieces.holds(placed, placed.commP), one.pieces.holds(placed, DATA)]).toEqual([true, false]);
  await one.machine.abortUpgrade(number);
  expect(one.pieces.holds(placed, placed.commP)).toBe(false);
  await comes(one, number, "Proving");
  expect(piecesOf(one.records.get(number))).toEqual([]);
  const store = await storeOf(one, number);
  expect([await updateStore(store).size(UNSEALED_FILE), await store.size(SEALED_FILE)]).toEqual([null, 2048]);
  await one.machine.mark(number);
  await one.pieces.add(payload(DATA), deal(2));
  await comes(one, number, "UpdateActivating");
  expect(one.chain.made.at(-1)).toBe(`update/${number}/2.0`);
  await expect(one.machine.abortUpgrade(number)).rejects.toEqual(refusal("BAD_EVENT"));
});

test("an update whose first piece does not come gives its room back, and the next deal goes into the sector", async () => {
  const one = await miner();
  const number = await marked(one);
  const release = vi.spyOn(MemoryFolder.prototype, "release");
  try {
    const broken = (async function* () {
      yield DATA.slice(0, 500);
      throw new Error("the connection broke");
    })();
    const lost = one.pieces.add({ bytes: broken, payloadSize: DATA.length }, deal(1));
    await expect(lost).rejects.toThrow("the connection broke");
    expect(one.records.get(number)).toMatchObject({ state: "Available", update: null });
    expect(release).toHaveBeenCalledWith({ miner: MINER, number });
  } finally {
    release.mockRestore();
  }
  // Bytes that are another deal's.
  await expect(one.pieces.add(payload(DATA), deal(1), new Uint8Array(32))).rejects.toThrow(/another than the deal's/);
  expect(one.records.get(number).state).toBe("Available");
  expect(await updateStore(await storeOf(one, number)).size(UNSEALED_FILE)).toBeNull();
  // What is in it stays when a later piece breaks off.
  await one.pieces.add(payload(bytesOf(127, 1)), deal(2));
  await expect(one.pieces.add(payload(bytesOf(127, 2)), deal(3), new Uint8Array(32))).rejects.toThrow();
  expect(one.records.get(number).state).toBe("SnapDealsWaitDeals");
  expect(piecesOf(one.records.get(number)).map((piece) => piece.deal?.id)).toEqual([2]);
  await one.machine.tell(number, "closed");
  await comes(one, number, "UpdateActivating");
});

test("an update that was killed before its first piece is taken back at the next start; one with a piece stays", async () => {
  const folder = new MemoryFolder();
  const first = await miner({ folder });
  const filled = await marked(first);
  await first.pieces.add(payload(bytesOf(1016, 1)), deal(1));
  const empty = await marked(first);
  let isComing = false;
  const endless = (async function* () {
    yield DATA.slice(0, 500);
    isComing = true;
    await new Promise(() => undefined);
  })();
  void first.pieces.add({ bytes: endless, payloadSize: DATA.length }, deal(2));
  await until("the piece to come", () => isComing);
  const staged = updateStore(await storeOf(first, empty));
  await staged.write(UNSEALED_FILE, 0, DATA.slice(0, 500));
  await first.machine.stop();
  const second = await miner({ folder, chain: first.chain, store: first.store });
  const states = () => [filled, empty].map((number) => second.records.get(number).state);
  expect(states()).toEqual(["SnapDealsWaitDeals", "SnapDealsWaitDeals"]);
  await second.pieces.tidy();
  expect(states()).toEqual(["SnapDealsWaitDeals", "Available"]);
  expect(await staged.size(UNSEALED_FILE)).toBeNull();
  expect((await second.pieces.add(payload(DATA), deal(2))).sector).toBe(empty);
  expect((await second.pieces.add(payload(bytesOf(1016, 2)), deal(3))).sector).toBe(filled);
});

test("a piece that comes while its update is taken back leaves nothing behind", async () => {
  const one = await miner();
  const number = await marked(one);
  async function* bytes() {
    yield DATA.subarray(0, 1000);
    await one.machine.abortUpgrade(number);
    await comes(one, number, "Proving");
    yield DATA.subarray(1000);
  }
  await expect(one.pieces.add({ bytes: bytes(), payloadSize: DATA.length }, deal(1))).rejects.toThrow(
    /was closed while/,
  );
  expect(await updateStore(await storeOf(one, number)).size(UNSEALED_FILE)).toBeNull();
});

test("an update waits for its sector's deadline, and one that the chain refuses for good is given up when no fork can execute it", async () => {
  const one = await miner();
  const number = await marked(one);
  one.chain.immutableUntil = one.chain.epoch + 50;
  await one.pieces.add(payload(DATA), deal(1));
  await comes(one, number, "UpdateActivating");
  expect((await one.records.log(number)).map(({ to }) => to)).toContain("WaitMutable");
  expect(one.chain.epoch).toBeGreaterThanOrEqual(one.chain.immutableUntil);

  const other = await marked(one);
  const before = onChain(one.chain, other);
  one.chain.badProofs = 100;
  await one.pieces.add(payload(bytesOf(2032, 9)), deal(2, { startEpoch: 20_000 }));
  await comes(one, other, "AbortUpgrade");
  expect(one.records.get(other).failures.updateMessage).toBe(6);
  expect(onChain(one.chain, other)).toEqual(before);
  // As long as a fork may execute a message, the new replica is needed.
  const store = await storeOf(one, other);
  expect(await updateStore(store).size(SEALED_FILE)).toBe(2048);
  one.chain.pass(901);
  await comes(one, other, "Proving");
  expect(await updateStore(store).size(SEALED_FILE)).toBeNull();
  expect(one.records.get(other)).toMatchObject({ update: null, error: { code: "MESSAGE" } });
});

test("a fork that takes the update back: the message is executed again, and neither replica goes before", async () => {
  const one = await miner();
  const number = await marked(one);
  const before = one.chain.sectors.get(number);
  await one.pieces.add(payload(DATA), deal(1));
  await comes(one, number, "UpdateActivating");
  const store = await storeOf(one, number);
  one.chain.isInstant = false;
  one.chain.takeBack(`update/${number}/1.0`, () => one.chain.sectors.set(number, before as never));
  // Epochs pass in which it is not mined again.
  one.chain.epoch += 100;
  one.machine.wake(number);
  await comes(one, number, "ReplicaUpdateWait");
  for (const files of [store, updateStore(store)]) expect(await files.size(SEALED_FILE)).toBe(2048);
  one.chain.isInstant = true;
  one.chain.pass(1);
  one.chain.pass(10);
  await comes(one, number, "UpdateActivating");
  expect(one.chain.made.filter((key) => key.startsWith("update/"))).toEqual([`update/${number}/1.0`]);
  one.chain.pass(1000);
  await comes(one, number, "Proving");
  expect(await all(one.pieces.read(number, 0, 0, 127))).toEqual(DATA.slice(0, 127));
});

test("an update that was taken back by hand after its message was sent waits for the message, however long that takes", async () => {
  // Between a failure and what follows there is time for a person.
  const one = await miner({ options: { retryMs: 60_000 } });
  const number = await marked(one);
  const before = one.chain.sectors.get(number);
  await one.pieces.add(payload(DATA), deal(1));
  await comes(one, number, "UpdateActivating");
  one.chain.isInstant = false;
  one.chain.takeBack(`update/${number}/1.0`, () => one.chain.sectors.set(number, before as never));
  one.machine.wake(number);
  await comes(one, number, "ReplicaUpdateFailed");
  // The step looks after these epochs, and no others pass before the message is executed.
  one.chain.epoch += 2000;
  await one.machine.abortUpgrade(number);
  const store = await storeOf(one, number);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(one.records.get(number).state).toBe("AbortUpgrade");
  expect(await updateStore(store).size(SEALED_FILE)).toBe(2048);
  one.chain.pass(1);
  one.chain.pass(10);
  await comes(one, number, "UpdateActivating");
  expect(one.records.get(number).update?.finalEpoch).toBe(one.chain.epoch + 900);
});

test("while an update is made again its first message is still known: a fork may execute it", async () => {
  const lost: SectorState[] = [];
  let isMade = false;
  const one = await miner({
    options: {
      onState: ({ state, update }) => {
        isMade ||= update !== null && update.made !== null;
        if (isMade && update?.made === null) lost.push(state);
      },
    },
  });
  const number = await marked(one);
  const before = one.chain.sectors.get(number);
  one.chain.isInstant = false;
  await one.pieces.add(payload(DATA), deal(1));
  await comes(one, number, "ReplicaUpdateWait");
  one.chain.pass(1);
  const after = one.chain.sectors.get(number);
  // Its receipt says that it was executed, and the state that is looked at is another chain's.
  one.chain.sectors.set(number, before as never);
  one.chain.pass(10);
  await until("another message", () => one.chain.made.at(-1) === `update/${number}/1.1`);
  expect([lost, (await one.records.log(number)).map(({ event }) => event)]).toEqual([
    [],
    expect.arrayContaining(["fromReplica"]),
  ]);
  one.chain.sectors.set(number, after as never);
  one.chain.pass(1);
  one.chain.pass(10);
  await comes(one, number, "UpdateActivating");
});

test("a deal that a fork takes back as its update is sent is waited for, until others of the sector would be late", async () => {
  const one = await miner();
  const number = await marked(one);
  one.chain.isInstant = false;
  one.chain.immutableUntil = one.chain.epoch + 20;
  await one.pieces.add(payload(bytesOf(1016, 1)), deal(1));
  await one.pieces.add(payload(bytesOf(1016, 2)), deal(2, { startEpoch: 5000 }));
  await comes(one, number, "WaitMutable");
  one.chain.claims.set(1, { deal: null });
  one.chain.pass(20);
  await comes(one, number, "SubmitReplicaUpdate");
  one.chain.pass(5000 - 32 - one.chain.epoch);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([one.records.get(number).state, one.chain.updates]).toEqual(["SubmitReplicaUpdate", []]);
  one.chain.pass(1);
  await comes(one, number, "ReplicaUpdateWait");
  expect(one.chain.updates.map(({ pieces }) => pieces.map((piece) => piece.deal?.id))).toEqual([[undefined, 2]]);
});

test("an updated sector that the chain has lost and has again is known by its new replica", async () => {
  const one = await miner({ options: { retryMs: 200 } });
  const number = await marked(one);
  await one.pieces.add(payload(DATA), deal(1));
  await comes(one, number, "UpdateActivating");
  one.chain.pass(1000);
  await comes(one, number, "Proving");
  const found = one.chain.sectors.get(number);
  one.chain.seen.set(number, "absent");
  one.chain.sectors.delete(number);
  await one.machine.look();
  await comes(one, number, "CommitFailed");
  one.chain.sectors.set(number, found as never);
  one.chain.seen.set(number, "healthy");
  await comes(one, number, "Proving");
  expect(await all(one.pieces.read(number, 0, 0, 127))).toEqual(DATA.slice(0, 127));
});

test("an update that does not begin keeps no room", async () => {
  const one = await miner();
  const { number } = await one.machine.pledge();
  await comes(one, number, "Proving");
  const room = () => one.folders.all[0]?.room();
  const before = await room();
  await expect(one.machine.begin(number)).rejects.toEqual(refusal("BAD_EVENT"));
  expect(await room()).toEqual(before);
});

test("a marked sector takes nothing where another's files lie under its name, and nothing is written there", async () => {
  const one = await miner();
  const number = await marked(one);
  const store = await storeOf(one, number);
  const own = (await store.read(P_AUX_FILE, 0, 64)).slice();
  await store.write(P_AUX_FILE, 0, new Uint8Array(64));
  expect((await one.pieces.add(payload(DATA), deal(1))).sector).not.toBe(number);
  expect([await updateStore(store).size(UNSEALED_FILE), one.records.get(number).state]).toEqual([null, "Available"]);
  await store.write(P_AUX_FILE, 0, own);
  expect((await one.pieces.add(payload(bytesOf(127, 4)), deal(2))).sector).toBe(number);
});

/** A store of records that is dead after some writes, as for a process that was killed. */
const PATH: readonly SectorState[] = [
  ...(["SnapDealsPacking", "UpdateReplica", "ProveReplicaUpdate", "SubmitReplicaUpdate"] as const),
  ...(["ReplicaUpdateWait", "UpdateActivating", "FinalizeReplicaUpdate", "Proving"] as const),
];
test.each(PATH)(
  "a machine that ends when the sector has come to be %s goes on with it, and sends one message",
  async (last) => {
    const folder = new MemoryFolder();
    let isDead = false;
    const first = await miner({
      folder,
      options: {
        onState: ({ state, update }) => {
          if (state === last && update !== null) isDead = true;
        },
      },
    });
    const number = await marked(first);
    const { write } = first.store;
    first.store.write = async (...given) => {
      if (isDead) throw new Error("killed");
      return write.apply(first.store, given);
    };
    await first.pieces.add(payload(DATA), deal(1));
    await until("the update to be made or cut off", () => {
      // Epochs pass.
      first.chain.pass(isDead ? 0 : 70);
      return isDead;
    });
    await first.machine.stop();
    first.store.write = write;
    const second = await miner({ folder, chain: first.chain, store: first.store });
    await until("the update to be final", () => {
      first.chain.pass(70);
      const { state, update } = second.records.get(number);
      return state === "Proving" && update?.isFinal === true;
    });
    expect(first.chain.made.filter((key) => key.startsWith("update/"))).toEqual([`update/${number}/1.0`]);
    expect(await all(second.pieces.read(number, 0, 0, 2032))).toEqual(DATA);
    expect(await folder.names({ miner: MINER, number })).toContain(`update-${SEALED_FILE}`);
    expect(await folder.has({ miner: MINER, number }), nameText({ miner: MINER, number })).toBe(true);
  },
);

test("records of before there were updates are read", () => {
  const record = { number: 1, state: "Proving", pieces: [] };
  const old = decodeRecord("key", encodeRecord(record as never));
  expect(old).toMatchObject({ ...record, update: null, updates: 0 });
});
