/** Rules of beacon entries: a local beacon in every shape of gap, a chained one on the main network's own headers. */
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { type DrandInfo, drandInfoToJson, maxRoundAt, parseDrandInfo } from "../../../src/beacon/drand.ts";
import { BeaconError } from "../../../src/beacon/errors.ts";
import { decodeDrandMessage } from "../../../src/beacon/gossip-message.ts";
import { httpSource } from "../../../src/beacon/http-source.ts";
import { type LocalBeacon, localBeacon } from "../../../src/beacon/local.ts";
import { beaconAt, INCENTINET, MAINNET_BEACONS, QUICKNET } from "../../../src/beacon/networks.ts";
import { checkEntries, type EntryContext, roundsDue, type VerifyEntry, verifierOf } from "../../../src/beacon/rules.ts";
import { VerifiedEntries } from "../../../src/beacon/source.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { readCar } from "../../../src/storage/car.ts";
import {
  type BeaconEntry,
  type BlockHeader,
  decodeHeader,
  makeTipset,
  type Tipset,
} from "../../../src/types/block-header.ts";
import { readShared } from "../../support/vectors.ts";

let crypto: Crypto;
let local: LocalBeacon;
const times = { genesisTime: 1_600_000_000, blockDelay: 4 };
const none: BeaconEntry = { round: 0n, data: new Uint8Array(0) };
beforeAll(async () => {
  crypto = await loadCrypto();
  local = localBeacon(crypto, "seed", times);
});

function contextOf(over: Partial<EntryContext>): EntryContext {
  const schedule = [{ start: 0, info: local.info }];
  return { schedule, times, networkVersion: 5, epoch: 10, parentEpoch: 9, previous: none, ...over };
}

async function entries(context: EntryContext): Promise<BeaconEntry[]> {
  const signal = AbortSignal.timeout(5000);
  return Promise.all(roundsDue(context).map((round) => local.source.entry(local.info, round, signal)));
}

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    return error instanceof BeaconError ? error.code : `${error}`;
  }
  return "taken";
}

test("a local beacon may be slower than epochs: blocks of a round carry no entry, those after null rounds each round's", async () => {
  const slow = localBeacon(crypto, "seed", { ...times, beaconPeriod: 12 });
  expect(slow.info).toMatchObject({ period: 12, genesisTime: times.genesisTime - 16 });
  const ask = (round: bigint) => slow.source.entry(slow.info, round, AbortSignal.timeout(5000));
  const schedule = [{ start: 0, info: slow.info }];
  const due = (epoch: number) => maxRoundAt(slow.info, times, epoch, 5);
  const at = async (epoch: number, parentEpoch: number) =>
    contextOf({ schedule, epoch, parentEpoch, previous: await ask(due(parentEpoch)) });
  const same = [9, 10, 11, 12].find((epoch) => due(epoch) === due(epoch + 1)) as number;
  expect(roundsDue(await at(same + 1, same))).toEqual([]);
  const context = await at(same + 7, same);
  const found = await Promise.all(roundsDue(context).map(ask));
  expect(new Set(found.map(({ round }) => round)).size).toBe(3);
  checkEntries(context, found, verifierOf(crypto));
});

test("a header holds 8192 entries at most: more null rounds are refused by name, before any entry is asked for", () => {
  const after = (rounds: number) => contextOf({ parentEpoch: 9, epoch: 9 + rounds });
  expect(roundsDue(after(8192))).toHaveLength(8192);
  expect(() => roundsDue(after(8193))).toThrow(BeaconError);
  expect(() => roundsDue(after(100_000))).toThrow(/needs 100000 beacon entries, at most 8192/);
  const schedule = [
    { start: 0, info: QUICKNET },
    { start: 5, info: INCENTINET },
  ];
  const late = contextOf({ schedule, parentEpoch: 9, epoch: 10_000_000, previous: { ...none, round: 1n } });
  expect(() => roundsDue(late)).toThrow(/at most 8192/);
});

describe("rounds in time", () => {
  test("main network, at each of its beacons", () => {
    const main = { genesisTime: 1_598_306_400, blockDelay: 30 };
    // Rounds that blocks of these epochs carry.
    expect(maxRoundAt(INCENTINET, main, 1, 0)).toBe((1_598_306_400n - 1_595_873_820n) / 30n);
    expect(beaconAt(MAINNET_BEACONS, 50_999)).toBe(INCENTINET);
    expect(beaconAt(MAINNET_BEACONS, 3_855_480)).toBe(QUICKNET);
    const epoch = 3_900_000;
    const latest = main.genesisTime + 30 * (epoch - 1);
    expect(maxRoundAt(QUICKNET, main, epoch, 22)).toBe(BigInt(Math.floor((latest - QUICKNET.genesisTime) / 3) + 1));
  });

  test("before the beacon's genesis the first round stands, from version 16 on", () => {
    const main = { genesisTime: 1000, blockDelay: 30 };
    const late: DrandInfo = { ...QUICKNET, genesisTime: 5000 };
    expect(maxRoundAt(late, main, 1, 16)).toBe(1n);
  });
});

describe("unchained entries", () => {
  test.each([5, 16, 28])("are taken in every gap, under version %i", async (networkVersion) => {
    const verify = verifierOf(crypto);
    for (const gap of [1, 2, 5]) {
      const context = contextOf({ networkVersion, parentEpoch: 10 - gap });
      const list = await entries(context);
      expect(list).toHaveLength(gap);
      expect(codeOf(() => checkEntries(context, list, verify))).toBe("taken");
    }
  });

  test("each way of being wrong has its name", async () => {
    const verify = verifierOf(crypto);
    const context = contextOf({ parentEpoch: 7 });
    const [a, b, c] = (await entries(context)) as [BeaconEntry, BeaconEntry, BeaconEntry];
    const forged = { round: c.round, data: b.data };
    const cases: readonly (readonly [readonly BeaconEntry[], string])[] = [
      [[], "ENTRIES_MISSING"],
      [[a, b], "ENTRY_ROUND"],
      [[b, c], "ENTRY_ROUND"],
      [[a, a, c], "ENTRY_ROUND"],
      [[a, b, forged], "ENTRY_SIGNATURE"],
      [[a, b, { ...c, data: c.data.slice(1) }], "ENTRY_SIGNATURE"],
      [[a, b, c, c], "ENTRY_ROUND"],
    ];
    for (const [list, code] of cases) expect(codeOf(() => checkEntries(context, list, verify))).toBe(code);
    const same = contextOf({ previous: c });
    expect(codeOf(() => checkEntries(same, [], verify))).toBe("taken");
    expect(codeOf(() => checkEntries(same, [c], verify))).toBe("ENTRY_COUNT");
  });

  test("an entry is verified once", async () => {
    let count = 0;
    const counting: VerifyEntry = (...args) => {
      count++;
      return verifierOf(crypto)(...args);
    };
    const verified = new VerifiedEntries(counting);
    const context = contextOf({});
    const list = await entries(context);
    for (let i = 0; i < 3; i++) checkEntries(context, list, verified.check);
    expect(count).toBe(1);
    const [entry] = list as [BeaconEntry];
    expect(verified.check(local.info, { ...entry, data: new Uint8Array(48) }, none.data)).toBe(false);
    // Another network is another one, whichever byte of its key differs.
    const other = { ...local.info, publicKey: local.info.publicKey.with(1, (local.info.publicKey[1] as number) ^ 1) };
    expect(verified.get(other, entry.round)).toBeNull();
  });
});

test("chain info survives JSON, and other JSON is refused", () => {
  expect(parseDrandInfo(drandInfoToJson(QUICKNET))).toEqual(QUICKNET);
  for (const bad of [
    null,
    {},
    { ...drandInfoToJson(QUICKNET), period: 0 },
    { ...drandInfoToJson(QUICKNET), hash: "x" },
  ])
    expect(() => parseDrandInfo(bad)).toThrow(BeaconError);
});

test("a message of drand's topic", () => {
  const bytes = Uint8Array.of(0x08, 0xe8, 0x07, 0x12, 3, 1, 2, 3, 0x1a, 1, 9, 0x22, 1, 5);
  expect(decodeDrandMessage(bytes)).toEqual({
    entry: { round: 1000n, data: Uint8Array.of(1, 2, 3) },
    previous: Uint8Array.of(9),
  });
  for (let i = 1; i < bytes.length; i++) decodeDrandMessage(bytes.subarray(0, i));
  expect(decodeDrandMessage(Uint8Array.of(0x12, 9, 1))).toBe(null);
});

describe("HTTP source", () => {
  const info = (): DrandInfo => local.info;
  const answer = async (round: bigint) => {
    const { data } = await local.source.entry(info(), round, AbortSignal.timeout(1000));
    return new Response(JSON.stringify({ round: Number(round), signature: toHex(data), randomness: "00" }));
  };
  const source = (fetch: (url: string) => Promise<Response>, attempts = 2) =>
    httpSource({
      servers: ["https://a.example", "https://b.example"],
      verified: new VerifiedEntries(verifierOf(crypto)),
      fetch: (url) => fetch(`${url}`),
      pauseMs: 1,
      attempts,
    });

  test("goes on to the next server, remembers which one answered, and what it said", async () => {
    const asked: string[] = [];
    const drand = source(async (url) => {
      asked.push(new URL(url).host);
      if (url.startsWith("https://a")) return new Response("no", { status: 503 });
      return answer(BigInt(url.split("/").at(-1) as string));
    });
    expect((await drand.entry(info(), 7n, AbortSignal.timeout(1000))).round).toBe(7n);
    await drand.entry(info(), 7n, AbortSignal.timeout(1000));
    await drand.entry(info(), 8n, AbortSignal.timeout(1000));
    expect(asked).toEqual(["a.example", "b.example", "b.example"]);
  });

  test("believes nobody: forged, late, endless or foreign answers end in NO_ENTRY", async () => {
    const answers: readonly (() => Promise<Response>)[] = [
      async () => new Response(JSON.stringify({ round: 9, signature: "00".repeat(48) })),
      async () => answer(8n),
      async () => new Response("x".repeat(1 << 20)),
      async () => new Response("{}"),
      () => Promise.reject(new TypeError("connection refused")),
    ];
    for (const one of answers)
      await expect(source(one).entry(info(), 9n, AbortSignal.timeout(5000))).rejects.toMatchObject({
        code: "NO_ENTRY",
      });
  });

  test("an abort ends it", async () => {
    const never = source(() => Promise.reject(new TypeError("down")), 1_000_000);
    await expect(never.entry(info(), 9n, AbortSignal.timeout(50))).rejects.toThrow();
  });
});

const chain = await readShared("chains/mainnet-epochs-0-39.car");

describe.skipIf(chain === null)("the main network's first epochs", () => {
  /** States of actors are tuples, too. */
  function asHeader(bytes: Uint8Array): BlockHeader | null {
    try {
      return decodeHeader(bytes);
    } catch {
      return null;
    }
  }

  function tipsets(): Tipset[] {
    const byEpoch = new Map<number, BlockHeader[]>();
    for (const { bytes } of readCar(chain as Uint8Array).blocks) {
      if (bytes[0] !== 0x90) continue;
      const header = asHeader(bytes);
      if (header === null) continue;
      byEpoch.set(header.height, [...(byEpoch.get(header.height) ?? []), header]);
    }
    return [...byEpoch.values()].map(makeTipset).sort((a, b) => a.height - b.height);
  }

  test("every entry is due and signed; one changed bit is found", () => {
    const list = tipsets();
    const genesis = list[0]?.blocks[0] as BlockHeader;
    const main = { genesisTime: Number(genesis.timestamp), blockDelay: 30 };
    let previous: BeaconEntry = none;
    let checked = 0;
    for (let i = 1; i < list.length; i++) {
      const tipset = list[i] as Tipset;
      const context: EntryContext = {
        schedule: MAINNET_BEACONS,
        times: main,
        networkVersion: 0,
        epoch: tipset.height,
        parentEpoch: list[i - 1]?.height as number,
        previous,
      };
      const own = tipset.blocks[0]?.beaconEntries as BeaconEntry[];
      for (const block of tipset.blocks)
        expect(codeOf(() => checkEntries(context, block.beaconEntries, verifierOf(crypto)))).toBe("taken");
      if (previous.round > 0n) {
        expect(roundsDue(context)).toEqual(own.map(({ round }) => round));
        const changed = own.map((entry) => ({ ...entry, data: entry.data.map((b, at) => (at === 50 ? b ^ 1 : b)) }));
        expect(codeOf(() => checkEntries(context, changed, verifierOf(crypto)))).toBe("ENTRY_SIGNATURE");
        checked++;
      }
      previous = own.at(-1) ?? previous;
    }
    expect(checked).toBeGreaterThan(25);
  });
});
