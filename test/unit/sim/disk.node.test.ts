import { expect, test } from "vitest";
import { VirtualClock } from "../../../src/sim/clock.ts";
import { SimDisk } from "../../../src/sim/disk.ts";
import { Random } from "../../../src/sim/random.ts";
import { drain } from "../../support/simulated.ts";

const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
const SYNCED = bytes(0);
const BATCHES = 4;

/** What is on the disk after a crash, of batches that are not synced: each adds a block, changes a fact and removes a block. */
async function afterCrash(seed: string): Promise<number> {
  const clock = new VirtualClock(0, drain);
  const disk = new SimDisk(clock, new Random(seed), { blocks: [{ cid: SYNCED, bytes: bytes(1) }] });
  const life = { alive: true };
  const store = disk.mount(life);
  const old = Array.from({ length: BATCHES }, (_, i) => ({ cid: bytes(100 + i), bytes: bytes(i) }));
  const first = store.write({ blocks: old, metadata: [["fact", bytes(99)]] }, { sync: true });
  await clock.runUntil(100);
  await first;
  for (let i = 0; i < BATCHES; i++)
    await store.write({
      blocks: [{ cid: bytes(10 + i), bytes: bytes(i) }],
      removed: [bytes(100 + i)],
      metadata: [
        ["fact", bytes(i)],
        [`only/${i}`, bytes(i)],
      ],
    });
  expect(disk.unsynced).toBe(BATCHES);
  life.alive = false;
  void store.write({ blocks: [{ cid: bytes(77), bytes: bytes(7) }] });
  const after = disk.mount({ alive: true });
  expect(after.peek(bytes(77))).toBeUndefined();
  expect(after.peek(SYNCED)).toEqual(bytes(1));
  const has = Array.from({ length: BATCHES }, (_, i) => after.peek(bytes(10 + i)) !== undefined);
  const kept = has.filter(Boolean).length;
  // A beginning of what was written, each batch as a whole.
  expect(has).toEqual(has.map((_, i) => i < kept));
  expect(old.map(({ cid }) => after.peek(cid) === undefined)).toEqual(has);
  expect(await after.metadata("fact")).toEqual(bytes(kept === 0 ? 99 : kept - 1));
  expect((await after.metadataWith("only/")).length).toBe(kept);
  return kept;
}

test("of what was not synced a beginning is there after a crash, batch by batch", async () => {
  const kept = new Set<number>();
  for (let seed = 0; seed < 40; seed++) kept.add(await afterCrash(`${seed}`));
  expect([...kept].sort()).toEqual([0, 1, 2, 3, 4]);
});
