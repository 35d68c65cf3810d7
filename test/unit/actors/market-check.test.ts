/** The market's invariants: a sound state has no complaints, each kind of damage has its own. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, expect, test } from "vitest";
import { type ScenarioFile, ScenarioPlayer } from "../../../src/conformance/scenario.ts";
import { checkState } from "../../../src/core/state-check.ts";
import { CID, parseCid } from "../../../src/types/cid.ts";
import { readFixtureJson } from "../../support/files.ts";

type MarketTuple = unknown[];

let root: CID;
let epoch: number;
let player: ScenarioPlayer;

beforeAll(async () => {
  const file = await readFixtureJson<ScenarioFile>("actors/market-v2.json.gz");
  player = await ScenarioPlayer.create(file, { asset: "vm-test.wasm" });
  const scenario = file.scenarios[0];
  if (scenario === undefined) throw new Error("no scenario");
  expect(player.play(scenario)).toBeNull();
  root = parseCid(scenario.steps.findLast((step) => step.root !== undefined)?.root ?? "");
  epoch = scenario.steps.findLast((step) => step.op === "epoch")?.epoch ?? 0;
});

/** The only object in the tree that is a tuple of 11 and begins with five links. */
function isMarketState(value: unknown): value is MarketTuple {
  return Array.isArray(value) && value.length === 11 && value.slice(0, 5).every((item) => CID.asCID(item) !== null);
}

/** Complaints about the state when the market's own block reads differently. */
async function complaintsWith(damage: (state: MarketTuple) => void): Promise<readonly string[]> {
  const { blocks } = player;
  let damaged = 0;
  const report = await checkState(root, epoch, {
    ...blocks,
    get: (cid) => blocks.get(cid),
    peek: (cid) => {
      const bytes = blocks.peek(cid);
      if (bytes === undefined || bytes[0] !== 0x8b) return bytes;
      const value: unknown = dagCbor.decode(bytes);
      if (!isMarketState(value)) return bytes;
      damage(value);
      damaged++;
      return dagCbor.encode(value);
    },
  });
  expect(damaged).toBeGreaterThan(0);
  return report.complaints;
}

const one = Uint8Array.of(0, 1);
const minusOne = Uint8Array.of(1, 1);

test("a sound state has no complaints", async () => {
  expect(await complaintsWith(() => undefined)).toEqual([]);
});

test.each<[string, (state: MarketTuple) => void, RegExp]>([
  ["a storage fee total that is not locked", (st) => void (st[10] = one), /does not sum up to the locked totals/],
  ["a negative client collateral", (st) => void (st[8] = minusOne), /client collateral is negative/],
  ["a next id below the deals", (st) => void (st[5] = 0), /is not below the next id/],
  ["a locked table that holds all of the escrow", (st) => void (st[4] = st[3]), /does not sum up to the locked totals/],
])("%s is complained about", async (_, damage, expected) => {
  const complaints = await complaintsWith(damage);
  expect(complaints.some((text) => expected.test(text))).toBe(true);
});

test("deals updated after the epoch of the state are complained about", async () => {
  const { complaints } = await checkState(root, 0, player.blocks);
  expect(complaints.some((text) => /was updated in the future/.test(text))).toBe(true);
});
