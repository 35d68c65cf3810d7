/** Pieces into sectors and out of them. */
import { afterEach, expect, test } from "vitest";
import { SealingError } from "../../../../src/miner/sealing/errors.ts";
import { Pieces } from "../../../../src/miner/sealing/pieces.ts";
import { proverId } from "../../../../src/sector/params.ts";
import { verifyInclusion } from "../../../../src/sector/piece/inclusion.ts";
import { commitPiece } from "../../../../src/sector/piece/pieces.ts";
import { UNSEALED_FILE } from "../../../../src/sector/store.ts";
import { MINER, openSealing, type Sealing } from "../../../support/sealing.ts";
import { until } from "../../../support/until.ts";

let open: Sealing[] = [];
afterEach(async () => {
  for (const { machine } of open) await machine.stop();
  open = [];
});
async function intake() {
  const one = await openSealing();
  open.push(one);
  one.machine.start();
  const { machine, folders, chain, proofs } = one;
  const given = {
    machine,
    folders,
    chain,
    proofs,
    miner: MINER,
    proverId: proverId(MINER),
    sealProof: 0,
    startBuffer: 480,
  };
  return { one, pieces: new Pieces(given) };
}
const deal = (id: number, more: object = {}) => ({
  id,
  startEpoch: 5000,
  endEpoch: 600_000,
  keepUnsealed: false,
  ...more,
});
const bytesOf = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13) & 0xff);
const payload = (bytes: Uint8Array) => ({
  bytes: [bytes.subarray(0, 50), bytes.subarray(50)],
  payloadSize: bytes.length,
});
async function all(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const out: number[] = [];
  for await (const part of parts) out.push(...part);
  return Uint8Array.from(out);
}
const refusal = (code: string) => expect.objectContaining({ data: expect.objectContaining({ code }) });

test("pieces lie at multiples of their sizes, are sealed and proven, and come out again, with and without a copy", async () => {
  const { one, pieces } = await intake();
  const given = [bytesOf(127, 1), bytesOf(400, 2), bytesOf(1000, 3)];
  const placed = [];
  for (const [i, bytes] of given.entries())
    placed.push(
      await pieces.add(payload(bytes), deal(i + 1, { keepUnsealed: i === 1 }), commitPiece(one.proofs, bytes).commP),
    );
  expect(placed.map(({ sector, offset, paddedSize }) => [sector, offset, paddedSize])).toEqual([
    [0, 0, 128],
    [0, 512, 512],
    [0, 1024, 1024],
  ]);
  // It was full.
  await until("proven", () => one.records.get(0).state === "Proving");
  const record = one.records.get(0);
  expect(one.chain.orders[0]?.pieces.map(({ deal }) => deal?.id)).toEqual([1, 2, 3]);
  expect(one.chain.orders[0]?.commD).toEqual(record.commD);
  expect(record.expiration).toBe(600_000);
  for (const isKept of [true, false]) {
    const { store } = await one.folders.files({ miner: MINER, number: 0 }, record.folder);
    if (!isKept) await store.remove(UNSEALED_FILE);
    for (const [i, bytes] of given.entries()) {
      const { offset } = placed[i] as { offset: number };
      expect(await all(pieces.read(0, offset, 0, bytes.length))).toEqual(bytes);
      expect(await all(pieces.read(0, offset, 60, 66))).toEqual(bytes.slice(60, 126));
    }
  }
  for (const { offset, paddedSize, commP } of placed)
    expect(
      verifyInclusion(one.proofs, record.commD as Uint8Array, { paddedSize, commP }, pieces.prove(0, offset)),
    ).toBe(true);
  await expect(all(pieces.read(0, 128, 0, 1))).rejects.toEqual(refusal("NO_PIECE"));
  await expect(all(pieces.read(0, 0, 100, 28))).rejects.toThrow(RangeError);
});

test("a deal's piece is taken once; a payload that breaks off or is another leaves nothing", async () => {
  const { one, pieces } = await intake();
  const good = bytesOf(127, 4);
  async function* broken() {
    yield new Uint8Array(300).fill(0xee);
    throw new Error("the client went away");
  }
  await expect(pieces.add({ bytes: broken(), payloadSize: 500 }, deal(1))).rejects.toThrow("went away");
  await expect(pieces.add(payload(bytesOf(500, 5)), deal(1), new Uint8Array(32))).rejects.toEqual(refusal("BAD_PIECE"));
  const first = await pieces.add(payload(good), deal(1));
  expect(await pieces.add(payload(bytesOf(99, 9)), deal(1))).toEqual(first);
  expect(await pieces.add(payload(good), deal(1), first.commP)).toEqual(first);
  // On another way of the chain its id is another deal's.
  const other = bytesOf(99, 9);
  const second = await pieces.add(payload(other), deal(1), commitPiece(one.proofs, other).commP);
  expect([second.sector, second.offset]).toEqual([0, 128]);
  await one.machine.tell(first.sector, "closed");
  await until("proven", () => one.records.get(first.sector).state === "Proving");
  expect(await all(pieces.read(first.sector, 0, 0, 127))).toEqual(good);
});

test("what does not fit, comes too late or is nonsense is refused by name", async () => {
  const { pieces } = await intake();
  const add = (size: number, more: object = {}) => pieces.add(payload(bytesOf(size, 1)), deal(1, more));
  for (const bad of [
    add(2033),
    add(0),
    add(10, { startEpoch: 1400 }),
    add(10, { startEpoch: 5000, endEpoch: 5000 }),
    add(10, { startEpoch: 0.5 }),
  ])
    await expect(bad).rejects.toThrow(SealingError);
});

test("what claims an allocation is in no sector that outlives it; data without a deal is in one that lasts as long as it wants", async () => {
  const { one, pieces } = await intake();
  one.chain.networkVersion = 28;
  const day = 2880;
  const terms = (days: number) => ({ endEpoch: 5000 + days * day });
  const at = async (id: number | null, more: object) =>
    (await pieces.add(payload(bytesOf(100, 1)), { ...deal(0, more), id })).sector;
  expect(await at(1, terms(220))).toBe(0);
  // Half a year and 90 days, or less: the first may be in there for so long.
  expect(await at(2, terms(300))).toBe(0);
  expect(await at(3, terms(500))).toBe(1);
  expect(await at(null, terms(500))).toBe(1);
  const allocation = { client: 1000, id: 1 };
  expect(await at(null, { ...terms(500), allocation })).toBe(1);
  for (const bad of [terms(1279), { ...terms(200), allocation }])
    await expect(at(null, bad)).rejects.toThrow(/its sector can end from epoch/);
  const lost = { ...terms(500), allocation: { client: 1000, id: 2 ** 60 } };
  await expect(at(null, lost)).rejects.toThrow(/no allocation has such a number/);
});

test("two sectors are open at a time; the fullest is closed for a piece that fits neither; a deal that begins soon closes its own", async () => {
  const { one, pieces } = await intake();
  const at = async (id: number, size: number, more: object = {}) => {
    const { sector, offset } = await pieces.add(payload(bytesOf(size, id)), deal(id, more));
    return [sector, offset];
  };
  expect(await at(1, 1016)).toEqual([0, 0]);
  expect(await at(2, 508)).toEqual([0, 1024]);
  expect(await at(3, 1016)).toEqual([1, 0]);
  expect(await at(4, 127)).toEqual([0, 1536]);
  expect(await at(5, 1017)).toEqual([2, 0]);
  await until("the fullest was closed", () => one.records.get(0).state === "Proving");
  expect(one.records.get(2).state).not.toBe("WaitDeals");
  const soon = await at(6, 10, { startEpoch: one.chain.epoch + 481 });
  one.chain.pass(2);
  one.machine.wake(soon[0] as number);
  await until("closed for its deal", async () =>
    (await one.records.log(soon[0] as number)).some(({ text }) => text === "a deal of it begins soon"),
  );
});
