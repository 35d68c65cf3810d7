/** Entries from gossip: what is passed on, what is waited for, and who is asked for the rest. */
import { beforeAll, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { protobufField } from "../../../src/base/protobuf.ts";
import { GossipSource } from "../../../src/beacon/gossip-source.ts";
import { type LocalBeacon, localBeacon } from "../../../src/beacon/local.ts";
import { QUICKNET } from "../../../src/beacon/networks.ts";
import { verifierOf } from "../../../src/beacon/rules.ts";
import { type BeaconSource, VerifiedEntries } from "../../../src/beacon/source.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import type { BeaconEntry } from "../../../src/types/block-header.ts";

let beacon: LocalBeacon;
let verify: ReturnType<typeof verifierOf>;
beforeAll(async () => {
  const crypto = await loadCrypto();
  verify = verifierOf(crypto);
  beacon = localBeacon(crypto, "gossip", { genesisTime: 1_600_000_000, blockDelay: 4 });
});
const signal = () => AbortSignal.timeout(5000);
const entryOf = (round: bigint): Promise<BeaconEntry> => beacon.source.entry(beacon.info, round, signal());
const message = ({ round, data }: BeaconEntry): Uint8Array => concat(protobufField(1, round), protobufField(2, data));

/** A source at the time at which `round` has just become due. */
function sourceAt(round: bigint, over: { waitMs?: number; otherwise?: BeaconSource } = {}) {
  const asked: bigint[] = [];
  const otherwise: BeaconSource = {
    entry(_info, wanted) {
      asked.push(wanted);
      return entryOf(wanted);
    },
  };
  const { info } = beacon;
  const verified = new VerifiedEntries(verify);
  const now = () => (info.genesisTime + (Number(round) - 1) * info.period) * 1000;
  return { source: new GossipSource({ info, verified, otherwise, now, ...over }), asked };
}

test("the beacon's own entries are passed on once; forged, future and other bytes are rejected, old ones dropped", async () => {
  const { source } = sourceAt(100n);
  const good = await entryOf(100n);
  expect(source.received(message({ ...good, data: good.data.slice().fill(1, 5, 9) }))).toBe("reject");
  expect(source.received(message(good))).toBe("accept");
  expect(source.received(message(good))).toBe("ignore");
  expect(source.received(message({ ...good, data: good.data.slice().fill(1, 5, 9) }))).toBe("reject");
  expect(source.received(message(await entryOf(101n)))).toBe("accept");
  expect(source.received(message(await entryOf(102n)))).toBe("reject");
  expect(source.received(message(await entryOf(60n)))).toBe("ignore");
  expect(source.received(Uint8Array.of(1, 2, 3))).toBe("reject");
  expect(source.received(message({ ...good, round: 99n }))).toBe("reject");
});

test("a round is waited for, and what gossip brings ends the wait of everybody", async () => {
  const { source, asked } = sourceAt(7n, { waitMs: 60_000 });
  const waits = [source.entry(beacon.info, 7n, signal()), source.entry(beacon.info, 7n, signal())];
  expect(source.received(message(await entryOf(7n)))).toBe("accept");
  for (const wait of waits) expect((await wait).round).toBe(7n);
  expect((await source.entry(beacon.info, 7n, signal())).round).toBe(7n);
  expect(asked).toEqual([]);
});

test("what gossip does not bring in time, or is long past, the other source is asked for", async () => {
  const { source, asked } = sourceAt(7n, { waitMs: 20 });
  expect((await source.entry(beacon.info, 7n, signal())).round).toBe(7n);
  expect((await source.entry(beacon.info, 3n, signal())).round).toBe(3n);
  expect(asked).toEqual([7n, 3n]);
});

test("an abort ends a wait, another beacon has no source, a failure of the other source is told", async () => {
  const otherwise: BeaconSource = { entry: () => Promise.reject(new Error("no server answers")) };
  const { source } = sourceAt(7n, { waitMs: 60_000, otherwise });
  const abort = new AbortController();
  const wait = source.entry(beacon.info, 8n, abort.signal);
  abort.abort(new Error("enough"));
  await expect(wait).rejects.toThrow("enough");
  await expect(source.entry(QUICKNET, 7n, signal())).rejects.toMatchObject({ code: "NO_ENTRY" });
  const late = sourceAt(100n, { waitMs: 1, otherwise }).source;
  await expect(late.entry(beacon.info, 2n, signal())).rejects.toThrow("no server answers");
});
