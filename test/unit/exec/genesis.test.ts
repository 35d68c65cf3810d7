/** The first state of a network: who is there, under which id, with which money and code. */
import { expect, test } from "vitest";
import { powerTable } from "../../../src/consensus/power.ts";
import { checkState } from "../../../src/core/state-check.ts";
import { buildGenesis } from "../../../src/node/genesis.ts";
import { DEVNET, LOCAL_SECTOR_SIZES, localSealProof, withSectorSize } from "../../../src/params/networks.ts";
import { sealedCid } from "../../../src/sector/piece/cid.ts";
import { ObjectReader } from "../../../src/state/actor-reader.ts";
import { partitionsOf } from "../../../src/state/miner-sectors.ts";
import { StateView } from "../../../src/state/state-view.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import { cidFromBytes, textOfCid } from "../../../src/types/cid.ts";
import { key } from "../../support/plain-state.ts";

const NAMES = {
  f00: "system",
  f01: "init",
  f02: "reward",
  f03: "cron",
  f04: "storagepower",
  f05: "storagemarket",
  f06: "verifiedregistry",
  f090: "account",
  f099: "account",
  f0100: "account",
  f0101: "account",
  f0102: "storageminer",
} as const;

test.each([
  [3, "fil/1/"],
  [5, "fil/2/"],
])("network version %i: singletons, accounts and the first miner", async (networkVersion, prefix) => {
  const accounts = [0, 1].map((i) => ({ address: key(i), balance: 1000n * FIL }));
  const genesis = await buildGenesis({ network: DEVNET, networkVersion, accounts, worker: key(0) });
  const store = new MemoryStore();
  store.writeNow({ blocks: genesis.blocks });
  const view = await StateView.open(store, genesis.stateRoot);
  const found: Record<string, string | null> = {};
  for await (const [address, { code }] of view.entries()) found[`${address}`] = textOfCid(code);
  expect(found).toEqual(Object.fromEntries(Object.entries(NAMES).map(([id, name]) => [id, prefix + name])));
  expect(`${genesis.miners[0]}`).toBe("f0102");

  const open = async (id: number): Promise<ObjectReader> =>
    ObjectReader.open(store, await view.requireActor(Address.id(id)), "f");
  expect((await open(1)).all()).toMatchObject({ NextID: 103, NetworkName: DEVNET.name });
  expect(`${await view.lookupId(key(1))}`).toBe("f0101");
  expect(`${await view.robustAddress(Address.id(100))}`).toBe(`${key(0)}`);
  expect((await open(4)).field("MinerCount")).toBe(1);
  const report = await checkState(genesis.stateRoot, 0, store, { profile: "devnet" });
  expect(report).toEqual({ complaints: [], actors: 12, total: 2_000_000_000n * FIL, minersWithoutClaim: 0 });
});

test.each([
  [1, 1, "2KiB"],
  [3, 4, "2KiB"],
  [2, 3, "8MiB"],
] as const)(
  "%i miners with %i sectors of %s each: all invariants hold, and every sector has power",
  async (miners, sectors, name) => {
    const network = withSectorSize(DEVNET, name);
    const bytes = BigInt(LOCAL_SECTOR_SIZES[name]);
    const accounts = Array.from({ length: miners + 1 }, (_, i) => ({ address: key(i), balance: 1000n * FIL }));
    const genesis = await buildGenesis({
      network,
      networkVersion: 5,
      accounts,
      worker: key(0),
      miners: Array.from({ length: miners }, (_, m) => ({
        owner: key(0),
        worker: key(m + 1),
        sealProof: localSealProof(name, 5),
        balance: 10n * FIL,
        sectors: Array.from({ length: sectors }, (_, number) => ({
          number,
          sealedCid: sealedCid(new Uint8Array(32).fill(m * 16 + number + 1)),
          expiration: 1_500_000,
          size: bytes,
        })),
      })),
    });
    const store = new MemoryStore();
    store.writeNow({ blocks: genesis.blocks });
    const report = await checkState(genesis.stateRoot, 0, store, { profile: network.profile });
    expect(report.complaints).toEqual([]);
    expect(report.total).toBe(2_000_000_000n * FIL);
    const view = await StateView.open(store, genesis.stateRoot);
    const table = await powerTable(store, view);
    expect(table.total).toBe(bytes * BigInt(miners * sectors));
    for (const miner of genesis.miners) {
      expect(await table.claim(miner)).toEqual({
        raw: bytes * BigInt(sectors),
        qualityAdjusted: bytes * BigInt(sectors),
      });
      const held: number[] = [];
      for await (const { sectors: all, unproven } of partitionsOf(store, await view.requireActor(miner), "t")) {
        held.push(...all);
        expect(unproven).toEqual([]);
      }
      expect(held.sort()).toEqual(Array.from({ length: sectors }, (_, i) => i));
    }
    // What was read once is kept: the power actor, and of a miner everything but its own state.
    expect(await powerTable(store, view)).toBe(table);
    const [miner] = genesis.miners;
    const entry = await view.requireActor(miner as Address);
    const asked: string[] = [];
    const peek = store.peek.bind(store);
    store.peek = (cid) => {
      asked.push(`${cidFromBytes(cid)}`);
      return peek(cid);
    };
    for await (const _ of partitionsOf(store, entry, "t"));
    expect(asked).toEqual([`${entry.head}`]);
  },
);
