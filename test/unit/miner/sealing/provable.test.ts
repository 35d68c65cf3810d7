/** Deals and allocations that a sector's proof could not activate: refused when they are given, and no deposit is lost for them later. */
import { afterEach, expect, test } from "vitest";
import type { PieceClaim } from "../../../../src/miner/sealing/chain.ts";
import { StepFailure } from "../../../../src/miner/sealing/errors.ts";
import { Pieces } from "../../../../src/miner/sealing/pieces.ts";
import { whyNot } from "../../../../src/miner/sealing/provable.ts";
import { kindOf } from "../../../../src/miner/sealing/states.ts";
import { proverId } from "../../../../src/sector/params.ts";
import { pieceCidV1 } from "../../../../src/sector/piece/cid.ts";
import { commitPiece } from "../../../../src/sector/piece/pieces.ts";
import { MINER, openSealing, type Sealing } from "../../../support/sealing.ts";
import { until } from "../../../support/until.ts";

let open: Sealing | null = null;
afterEach(async () => open?.machine.stop());

async function intake() {
  const one = await openSealing();
  open = one;
  one.chain.networkVersion = 28;
  one.machine.start();
  const { machine, folders, chain, proofs } = one;
  const own = { miner: MINER, proverId: proverId(MINER), sealProof: 0, startBuffer: 480 };
  const pieces = new Pieces({ machine, folders, chain, proofs, ...own });
  /** A piece of 512 bytes: what the chain has of its deal or allocation, and how it is given. */
  const piece = (seed: number) => {
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 7 + seed * 13) & 0xff);
    const data = pieceCidV1(commitPiece(proofs, bytes).commP);
    const on = { provider: MINER, pieceCid: data, pieceSize: 512n, isVerified: false };
    const deal = { ...on, startEpoch: 5000, endEpoch: 600_000, isActive: false };
    const allocation = {
      client: 101n,
      provider: MINER,
      data,
      size: 512n,
      termMin: 500_000,
      termMax: 700_000,
      expiration: 9000,
    };
    return { payload: { bytes: [bytes], payloadSize: 400 }, deal, allocation };
  };
  const add = (seed: number, id: number | null) =>
    pieces.add(piece(seed).payload, {
      ...{ id, startEpoch: 5000, endEpoch: 700_000, keepUnsealed: false },
      ...(id === null ? { allocation: { client: 101, id: seed } } : {}),
    });
  return { one, pieces, piece, add };
}

test("an allocation that is named is looked up: of other terms it is refused by what differs, before any data is sealed", async () => {
  const { one, piece, add } = await intake();
  const { chain, records } = one;
  const given = piece(1).allocation;
  const bad: [more: object | null, message: RegExp][] = [
    [null, /allocation t0101\/1: the verified registry does not have it/],
    [{ provider: 7n }, /for the provider t07, and this one is t01000/],
    [{ size: 1024n }, /a piece of 1024 bytes, and this one has 512/],
    [{ data: piece(2).allocation.data }, /about the piece baga.*, and this one is baga/],
    [{ expiration: 1400 }, /claimed by epoch 1400, and its sector is proven at epoch 1480/],
    [{ termMin: 698_521 }, /698521 epochs at least, and its sector lasts 698520/],
    [{ termMax: 698_998 }, /698998 epochs at most, and its sector lasts 698999/],
  ];
  for (const [more, message] of bad) {
    chain.claims.set(1, { allocation: more === null ? null : { ...given, ...more } });
    await expect(add(1, null), `${message}`).rejects.toThrow(message);
  }
  chain.claims.set(1, { allocation: "claimed" });
  await expect(add(1, null)).rejects.toThrow(/allocation t0101\/1: it is claimed already/);
  expect(records.all().flatMap(({ pieces }) => pieces)).toEqual([]);
  chain.claims.set(1, { allocation: { ...given, termMin: 698_520, termMax: 698_999, expiration: 1480 } });
  expect(await add(1, null)).toMatchObject({ sector: 0, paddedSize: 512 });
});

test("what cannot be proven any more before the pre-commit is left out, the others are; where nothing is left no deposit is", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine } = one;
  for (const id of [1, 2]) chain.claims.set(id, { deal: piece(id).deal });
  await add(1, 1);
  await add(2, 2);
  chain.claims.set(1, { deal: { ...piece(1).deal, isActive: true } });
  await machine.tell(0, "closed");
  await until("proven", () => records.get(0).state === "Proving");
  expect(records.get(0).pieces.map(({ deal }) => deal?.id ?? null)).toEqual([null, 2]);
  expect(chain.orders.map(({ pieces }) => pieces.map(({ deal }) => deal?.id ?? null))).toEqual([[null, 2]]);
  expect((await records.log(0)).map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/without what cannot be activated: deal 1: it is active already/),
  );

  await add(3, 3);
  chain.claims.set(3, { deal: { ...piece(3).deal, startEpoch: chain.epoch + 40 } });
  await machine.tell(1, "closed");
  await until("stopped", () => records.get(1).state === "DealsExpired");
  expect(records.get(1).error).toMatchObject({
    code: "DEALS",
    text: expect.stringMatching(/deal 3: it begins at epoch/),
  });
  expect(chain.made.filter((key) => key.startsWith("precommit/1"))).toEqual([]);
  // The client has given it more time: a person lets it go on.
  chain.claims.set(3, { deal: piece(3).deal });
  await machine.tell(1, "restarted");
  await until("proven", () => records.get(1).state === "Proving");
});

test("what is lost as its sector is sealed costs no deposit; of a sector whose pre-commit names deals all is lost with one", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine, work } = one;
  const encode = work.encode.bind(work);
  work.encode = (...given) => {
    chain.claims.set(1, { allocation: "claimed" });
    return encode(...given);
  };
  chain.claims.set(1, { allocation: piece(1).allocation });
  await add(1, null);
  await machine.tell(0, "closed");
  await until("stopped", () => records.get(0).state === "DealsExpired");
  expect(records.get(0).error?.text).toMatch(/t0101\/1: it is claimed already/);

  chain.networkVersion = 21;
  for (const id of [2, 3]) chain.claims.set(id, { deal: piece(id).deal });
  await add(2, 2);
  await add(3, 3);
  chain.claims.set(3, { deal: { ...piece(3).deal, isActive: true } });
  await machine.tell(1, "closed");
  await until("stopped", () => records.get(1).state === "DealsExpired");
  expect(chain.made).toEqual([]);
});

test.each([28, 21])(
  "a deal that a fork takes back while its sector is packed is activated when it is published again (version %i)",
  async (version) => {
    const { one, piece, add } = await intake();
    const { chain, records, machine, work } = one;
    chain.networkVersion = version;
    for (const id of [1, 2]) chain.claims.set(id, { deal: piece(id).deal });
    await add(1, 1);
    await add(2, 2);
    const pack = work.pack.bind(work);
    work.pack = (...given) => {
      chain.isInstant = false;
      return pack(...given);
    };
    chain.claims.set(1, { deal: null });
    await machine.tell(0, "closed");
    // From 22 on the pre-commit names no deals: it may go before them.
    const waits = version === 28 ? "PreCommitWait" : "PreCommitting";
    await until("a wait", () => records.get(0).state === waits);
    chain.pass(1);
    await until("what is asked of the chain", () => version !== 28 || records.get(0).preCommitMessage !== null);
    expect(chain.made).toEqual(version === 28 ? ["precommit/0/0.0"] : []);
    chain.claims.set(1, { deal: piece(1).deal });
    chain.isInstant = true;
    await until("proven", () => {
      // What was asked for while time stood still is not asked for again.
      if (["message", "wait"].includes(kindOf(records.get(0).state))) chain.pass(1);
      return records.get(0).state === "Proving";
    });
    expect(records.get(0).pieces.map(({ deal }) => deal?.id ?? null)).toEqual([1, 2]);
    expect(chain.orders.map(({ pieces }) => pieces.map(({ deal }) => deal?.id ?? null))).toEqual([[1, 2]]);
  },
);

test("a pre-commit that names deals is not made where an upgrade comes before its proof: after it, it names none", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine } = one;
  chain.networkVersion = 21;
  chain.claims.set(1, { deal: piece(1).deal });
  chain.upgrades.push({ epoch: 1215, networkVersion: 22 }, { epoch: 1230, networkVersion: 23 });
  await add(1, 1);
  chain.pass(200);
  await machine.tell(0, "closed");
  await until("proven", () => records.get(0).state === "Proving");
  expect(records.get(0).preCommitEpoch).toBeGreaterThanOrEqual(1215);
  expect(chain.proven.map((pieces) => pieces.map(({ deal }) => deal?.id ?? null))).toEqual([[1]]);
  // Without an upgrade in its way it is made at once.
  chain.networkVersion = 21;
  chain.upgrades.splice(0);
  const { epoch } = chain;
  chain.upgrades.push({ epoch: epoch + 2000, networkVersion: 22 }, { epoch: epoch + 2030, networkVersion: 23 });
  chain.claims.set(2, { deal: { ...piece(2).deal, startEpoch: 5000 } });
  await add(2, 2);
  await machine.tell(1, "closed");
  await until("proven", () => records.get(1).state === "Proving");
  expect(records.get(1).preCommitEpoch).toBeLessThan(epoch + 1000);
});

test("a sector that cannot be proven any more stands still with that reason, and is not tried again", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine } = one;
  chain.claims.set(1, { deal: piece(1).deal });
  chain.sendProveCommit = () =>
    Promise.reject(new StepFailure({ code: "DEPOSIT_LOST" }, "its pre-commit names its deals"));
  await add(1, 1);
  await machine.tell(0, "closed");
  await until("stopped", () => records.get(0).state === "FailedUnrecoverable");
  expect(records.get(0).error).toMatchObject({
    code: "DEPOSIT_LOST",
    text: "it cannot be proven: its pre-commit names its deals",
  });
  expect(records.get(0).failures.commit).toBe(1);
});

test("a proof waits for a deal that was taken back as long as the others allow, then goes without it", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine } = one;
  for (const id of [1, 2]) chain.claims.set(id, { deal: piece(id).deal });
  await add(1, 1);
  await add(2, 2);
  chain.claims.set(1, { deal: null });
  await machine.tell(0, "closed");
  await until("proven", () => records.get(0).state === "Proving", 20_000);
  expect(chain.proven.map((pieces) => pieces.map(({ deal }) => deal?.id ?? null))).toEqual([[null, 2]]);
  // A day after its seed, and before any of its deals begins.
  const { seed } = records.get(0);
  expect(chain.epoch).toBeGreaterThanOrEqual((seed?.epoch ?? 0) + 2880);
  expect(chain.epoch).toBeLessThan(5000);
  expect((await records.log(0)).map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/deal 1: the chain has taken it back, and it was not made again in time/),
  );
});

test("an allocation of data without a deal that a fork takes back is claimed when it is made again; one that is not made again is told", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine, work } = one;
  const pack = work.pack.bind(work);
  for (const [number, isMadeAgain] of [true, false].entries()) {
    const seed = number + 1;
    chain.claims.set(seed, { allocation: piece(seed).allocation });
    await add(seed, null);
    work.pack = (...given) => {
      chain.claims.set(seed, { allocation: null });
      return pack(...given);
    };
    const send = chain.sendPreCommit.bind(chain);
    chain.sendPreCommit = (...given) => {
      if (isMadeAgain) chain.claims.set(seed, { allocation: piece(seed).allocation });
      return send(...given);
    };
    await machine.tell(number, "closed");
    await until("proven", () => records.get(number).state === "Proving", 20_000);
    expect(chain.proven[number]?.map(({ deal }) => deal?.allocation?.id ?? null)).toEqual([isMadeAgain ? seed : null]);
  }
  expect((await records.log(1)).map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/allocation t0101\/2: the chain has taken it back, and it was not made again in time/),
  );
});

test("what is lost after the pre-commit is named without its claim: the sector is proven, and its deposit is not lost", async () => {
  const { one, piece, add } = await intake();
  const { chain, records, machine } = one;
  for (const id of [1, 2]) chain.claims.set(id, { deal: piece(id).deal });
  await add(1, 1);
  await add(2, 2);
  const send = chain.sendPreCommit.bind(chain);
  chain.sendPreCommit = (...given) => {
    chain.claims.set(1, { deal: { ...piece(1).deal, startEpoch: 0 } });
    return send(...given);
  };
  await machine.tell(0, "closed");
  await until("proven", () => records.get(0).state === "Proving");
  expect(chain.proven.map((pieces) => pieces.map(({ deal }) => deal?.id ?? null))).toEqual([[null, 2]]);
  expect((await records.log(0)).map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/without what cannot be activated: deal 1: it begins at epoch 0/),
  );
});

test.each<[PieceClaim | "none", RegExp | null]>([
  ["none", null],
  [{ deal: null }, /deal 5: the market does not have it/],
  [{}, null],
])("a deal of which the chain has %o", (claim, why) => {
  const piece = { deal: { id: 5, startEpoch: 0, endEpoch: 0, keepUnsealed: false }, commP: null, paddedSize: 512 };
  const found = whyNot(piece, claim === "none" ? {} : claim, MINER, { first: 1, proven: 1, expiration: 2 });
  if (why === null) expect(found).toBeNull();
  else expect(found).toMatch(why);
});

test("of a verified deal its allocation is looked up as well; of any that it is this one's, not active, and no longer than its sector", async () => {
  const { piece } = await intake();
  const { deal, allocation } = piece(1);
  const one = { deal: { id: 5, startEpoch: 0, endEpoch: 0, keepUnsealed: false }, commP: null, paddedSize: 512 };
  const times = { first: 1000, proven: 1000, expiration: 600_000 };
  const why = (claim: PieceClaim) => whyNot(one, claim, MINER, times);
  expect(why({ deal, allocation })).toBeNull();
  expect(why({ deal, allocation: null })).toMatch(/the allocation of deal 5: the verified registry does not have it/);
  expect(why({ deal: { ...deal, isActive: true } })).toMatch(/deal 5: it is active already/);
  expect(why({ deal: { ...deal, endEpoch: 600_001 } })).toMatch(
    /lasts until epoch 600001, and its sector until 600000/,
  );
  expect(why({ deal: { ...deal, startEpoch: 999 } })).toMatch(/begins at epoch 999/);
  expect(why({ deal: { ...deal, provider: 7n } })).toMatch(/for the provider t07/);
  expect(why({ deal: { ...deal, pieceSize: 128n } })).toMatch(/a piece of 128 bytes/);
});
