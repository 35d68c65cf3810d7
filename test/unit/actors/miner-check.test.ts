/** The miner's invariants: a sound state has no complaints, each kind of damage has its own. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, expect, test } from "vitest";
import { type ScenarioFile, ScenarioPlayer } from "../../../src/conformance/scenario.ts";
import { checkState } from "../../../src/core/state-check.ts";
import { CID, parseCid } from "../../../src/types/cid.ts";
import { readFixtureJson } from "../../support/files.ts";

type Tuple = unknown[];

const profile = "devnet";
let root: CID;
let epoch: number;
let player: ScenarioPlayer;

beforeAll(async () => {
  const file = await readFixtureJson<ScenarioFile>("actors/miner-devnet-v2.json.gz");
  player = await ScenarioPlayer.create(file, { asset: "vm-test.wasm" });
  const scenario = file.scenarios.find(({ name }) => name === "miner-dev-2-43");
  if (scenario === undefined) throw new Error("no scenario");
  expect(player.play(scenario)).toBeNull();
  root = parseCid(scenario.steps.findLast((step) => step.root !== undefined)?.root ?? "");
  epoch = scenario.steps.findLast((step) => step.op === "epoch")?.epoch ?? 0;
}, 60_000);

const isLink = (value: unknown): boolean => CID.asCID(value) !== null;
const isSet = (value: unknown): value is Uint8Array => value instanceof Uint8Array && value.length > 0;

/** A miner's state: a tuple of 14 with links at known places. */
function isState(value: Tuple): boolean {
  return value.length === 14 && isLink(value[0]) && isLink(value[3]) && isLink(value[12]);
}

/** A node of an array whose first value is a tuple of `length` that `fits`. */
function firstValue(value: Tuple, length: number, fits: (item: Tuple) => boolean): Tuple | null {
  const node: unknown = value.length === 3 && Array.isArray(value[2]) && !isSet(value[0]) ? value[2] : value;
  if (!Array.isArray(node) || node.length !== 3 || !Array.isArray(node[2])) return null;
  const item: unknown = node[2][0];
  return Array.isArray(item) && item.length === length && fits(item) ? item : null;
}

const partition = (value: Tuple): Tuple | null => firstValue(value, 11, (item) => isSet(item[0]) && isLink(item[5]));
const expirations = (value: Tuple): Tuple | null => firstValue(value, 5, (item) => isSet(item[0]));
const sector = (value: Tuple): Tuple | null => firstValue(value, 13, (item) => isLink(item[2]));

/** Complaints when the first object that `find` finds reads differently. */
async function complaintsWith(
  find: (value: Tuple) => Tuple | null,
  damage: (found: Tuple) => void,
): Promise<readonly string[]> {
  const { blocks } = player;
  let damaged = "";
  const report = await checkState(
    root,
    epoch,
    {
      ...blocks,
      get: (cid) => blocks.get(cid),
      peek: (cid) => {
        const bytes = blocks.peek(cid);
        if (bytes === undefined || (damaged !== "" && damaged !== String(cid))) return bytes;
        const value: unknown = dagCbor.decode(bytes);
        const found = Array.isArray(value) ? find(value) : null;
        if (found === null) return bytes;
        damage(found);
        damaged = String(cid);
        return dagCbor.encode(value);
      },
    },
    { profile },
  );
  expect(damaged).not.toBe("");
  return report.complaints;
}

const state = (value: Tuple): Tuple | null => (isState(value) ? value : null);
const one = Uint8Array.of(0, 1);
const minusOne = Uint8Array.of(1, 1);
const none = new Uint8Array(0);

test("a sound state has no complaints", async () => {
  const { complaints } = await checkState(root, epoch, player.blocks, { profile });
  expect(complaints).toEqual([]);
});

test.each<[string, (value: Tuple) => Tuple | null, (found: Tuple) => void, RegExp]>([
  ["negative fee debt", state, (st) => void (st[4] = minusOne), /fee debt is negative/],
  ["deposits without pre-commitments", state, (st) => void (st[1] = one), /do not sum to the deposits/],
  ["locked funds without a vesting table", state, (st) => void (st[2] = one), /does not sum to the locked funds/],
  ["a deadline that does not exist", state, (st) => void (st[11] = 48), /current deadline is out of range/],
  ["pledge above the balance", state, (st) => void (st[5] = new Uint8Array(16).fill(1, 1)), /does not cover/],
  ["sectors under numbers never allocated", state, (st) => void (st[8] = st[0]), /does not decode|allocated/],
  ["terminated sectors among the living", partition, (p) => void (p[4] = p[0]), /live power does not match/],
  ["faults that nobody counted", partition, (p) => void (p[2] = p[0]), /faulty power/],
  ["a partition without its sectors", partition, (p) => void (p[0] = none), /number of sectors is wrong/],
  ["expiring sectors that are missing", expirations, (e) => void (e[0] = none), /not those of the expiration queue/],
  ["pledge that no expiring sector has", expirations, (e) => void (e[2] = one), /pledge does not match/],
  ["power that no expiring sector has", expirations, (e) => void (e[3] = [one, one]), /active power does not match/],
  ["a sector under another's number", sector, (s) => void (s[0] = 999_999), /has another number/],
  ["a sector that expires before it begins", sector, (s) => void (s[5] = 0), /expires before its activation/],
])("%s: complained about", async (_, find, damage, expected) => {
  const complaints = await complaintsWith(find, damage);
  expect(complaints.filter((text) => expected.test(text))).not.toEqual([]);
});
