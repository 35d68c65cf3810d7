/** What nodes of a network say while they run: what is as it should be is no warning. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { nodeOutput } from "../../../src/cli/node-output.ts";
import type { MiningEvent } from "../../../src/miner/mining-loop.ts";

const PAUSED: MiningEvent = { kind: "paused", by: "behind", epoch: 3 };
const RESUMED: MiningEvent = { kind: "resumed", after: "behind" };
const said: string[] = [];
const warned: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(process.stdout, "write").mockImplementation((text) => said.push(`${text}`) > 0);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => warned.push(`${text}`) > 0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  said.length = 0;
  warned.length = 0;
});

const loudness = { json: false, quiet: false, verbose: false };

test("a node that waits for its peers at its start says nothing; if it lasts, a line, and when it is over another", () => {
  const output = nodeOutput(loudness);
  output.mining(1, PAUSED);
  vi.advanceTimersByTime(9000);
  output.mining(1, RESUMED);
  vi.advanceTimersByTime(60_000);
  expect([said, warned]).toEqual([[], []]);
  output.mining(1, PAUSED);
  vi.advanceTimersByTime(10_000);
  output.mining(1, RESUMED);
  const waits = "node 1  mining waits: the node looks for its peers, or fetches their chain\n";
  expect([said, warned]).toEqual([[waits, "node 1  mining goes on\n"], []]);
});

test("each node has a wait of its own, and quiet ones tell none; a silent beacon is a warning", () => {
  const [output, quiet] = [nodeOutput(loudness), nodeOutput({ ...loudness, quiet: true })];
  output.mining(0, PAUSED);
  output.mining(1, PAUSED);
  quiet.mining(0, PAUSED);
  output.mining(0, RESUMED);
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual([expect.stringMatching(/^node 1 {2}mining waits/)]);
  output.mining(0, { kind: "paused", by: "beacon", epoch: 3, error: new Error("no answer") });
  expect(warned).toEqual([expect.stringMatching(/warning: node 0: mining waits: the beacon is silent/)]);
});

test("a process with one node of a network speaks of it without a number, which others have", () => {
  nodeOutput(loudness, "node").fault(0, "peers", new Error("none"));
  nodeOutput(loudness, "miner").fault(0, "peers", new Error("none"));
  expect(warned).toEqual(["warning: node, peers: none\n", "warning: miner, peers: none\n"]);
});

test("with --json every pause is an event", () => {
  nodeOutput({ ...loudness, json: true }).mining(2, PAUSED);
  expect(JSON.parse(`${said[0]}`)).toMatchObject({ event: "mining", node: 2, state: "paused", by: "behind", epoch: 3 });
});
