/** Faults on purpose, over JSON-RPC, on a network that elects its miners. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { minerMessages } from "../../../src/miner/chain-side/messages.ts";
import { MessageTracker } from "../../../src/miner/chain-side/tracker.ts";
import type { OwnMiner } from "../../../src/miner/own-sectors.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import type { LocalMiners } from "../../../src/node/local-miners.ts";

type Report = {
  readonly Epoch: number;
  readonly On: boolean;
  readonly Power: { readonly Raw: string; readonly HasMinPower: boolean };
  readonly Sectors: { readonly Active: number[]; readonly Faulty: number[]; readonly Terminated: number[] };
  readonly FaultFee: string;
  readonly NotEligible: string | null;
  readonly FileFaults: unknown[];
  readonly SkippedDeadlines: number[] | null;
};

/** With so many accounts the miner's only deadline with sectors opens at epoch 110. */
const OPEN = 110;

let net: Devnet;
let miner: string;
beforeAll(async () => {
  net = await Devnet.open({ accounts: 24, balance: 10n ** 20n, seed: "lab", miners: 1, sectors: 2 });
  miner = (await net.request<{ miner: string }>("Devnet.info")).miner;
  net.clock.setAutomine(false);
});
afterAll(() => net?.close());

/** Whom the producer asks for entries. */
const localBeacon = () =>
  (net.producer as unknown as { options: { source: { entry: (...args: never[]) => unknown } } }).options.source;
const report = async (): Promise<Report> => (await net.request<[Report]>("Devnet.minerReport", miner))[0];

test("a sector that is lost on purpose is skipped at its deadline, blocks go on, and one report shows it all", async () => {
  await net.request("Devnet.mineTo", OPEN - 60);
  expect(await report()).toMatchObject({
    ...{ On: true, FaultFee: "0", NotEligible: null, FileFaults: [], SkippedDeadlines: [] },
    ...{ Power: { Raw: "4096" }, Sectors: { Active: [0, 1], Faulty: [] } },
  });
  await net.request("Devnet.setSectorFault", miner, 1, "lost");
  expect((await report()).FileFaults).toEqual([{ Sector: 1, Fault: "lost" }]);
  const { Height } = await net.request<{ Height: number }>("Devnet.mineTo", OPEN + 5);
  expect(Height).toBeGreaterThanOrEqual(OPEN + 5);
  const lost = await report();
  expect(lost).toMatchObject({ Power: { Raw: "2048", HasMinPower: true }, Sectors: { Active: [0], Faulty: [1] } });
  expect(BigInt(lost.FaultFee)).toBeGreaterThan(0n);
});

test("time passes by seconds, to a deadline with sectors and to one that is named", async () => {
  const height = net.head.height;
  const seconds = net.network.blockDelaySeconds;
  expect((await net.request("Devnet.passTime", 3.5 * seconds)).Height).toBe(height + 4);
  const { Height: open } = await net.request<{ Height: number }>("Devnet.mineToDeadline", miner, 3);
  // What is asked for at a tipset is seen in the state before it.
  await net.request("Devnet.mine", 1);
  const { Index, Open } = await net.request<{ Index: number; Open: number }>("StateMinerProvingDeadline", miner, []);
  expect(Index).toBe(3);
  expect(open).toBeGreaterThanOrEqual(Open);
  expect(open).toBeLessThan(Open + 30);
});

test("a miner that is stopped makes no blocks; started, it does again", async () => {
  await net.request("Devnet.setMiner", miner, false);
  expect(await report()).toMatchObject({ On: false, NotEligible: "it was stopped" });
  await expect(net.request("Devnet.mine", 1)).rejects.toThrow(/^no miner won any of 100 epochs .*: it was stopped\)/);
  await net.request("Devnet.setMiner", miner, true);
  const { Height } = await net.request<{ Height: number }>("Devnet.mine", 1);
  expect(Height).toBeGreaterThan(OPEN);
});

test("sectors are terminated, also where a message for them failed before, blocks signed twice", async () => {
  const local = net.local as LocalMiners;
  const chain = local.chainOf(local.miners[0] as OwnMiner, net.node);
  const tracker = new MessageTracker(chain, net.node.chain.blocks);
  const calls = minerMessages(chain.miner, (await chain.head()).networkVersion, "t");
  const before = await tracker.send("terminate/1", calls.changePeerId(Uint8Array.of(1)));
  await net.request("Devnet.mine", 2);
  expect(await net.request("Devnet.terminateSectors", miner, [1])).not.toEqual({ "/": `${before}` });
  // Sector 0 is what is left of its power.
  for (const [method, ...given] of [
    ["Devnet.equivocate"],
    ["Devnet.terminateSectors", [0, 1]],
    ["Devnet.skipProofs", null],
    ["Devnet.skipProofs", [0]],
  ] as const)
    await expect(net.request(method, miner, ...given)).rejects.toThrow(/would end the chain for good.*--miners 2/);
  await net.request("Devnet.skipProofs", miner, [1]);
  await net.request("Devnet.equivocate", miner, true);
  await net.request("Devnet.mine", 2);
  expect(await report()).toMatchObject({
    Sectors: { Active: [0], Faulty: [], Terminated: [1] },
    NotEligible: expect.stringContaining("excluded for a consensus fault until epoch"),
  });
});

test("what is not there, and more than can be waited for, is refused by name", async () => {
  await expect(net.request("Devnet.setSectorFault", miner, 7, "lost")).rejects.toThrow(
    "has no sector 7 here; it has 0, 1",
  );
  await expect(net.request("Devnet.mineToSector", miner, 9, "Proving", 0)).rejects.toThrow(
    "has no sector 9 here; it has 0, 1",
  );
  await expect(net.request("Devnet.mineToSector", miner, 0, "Foo", 0)).rejects.toThrow(
    /^Foo is no state of a sector; there are WaitDeals, .*Proving/,
  );
  await expect(net.request("Devnet.terminateSectors", miner, [1])).rejects.toThrow("no live sector 1");
  await expect(net.request("Devnet.minerReport", "t01")).rejects.toThrow("no miner of this network; there are");
  await expect(net.request("Devnet.skipProofs", miner, [48])).rejects.toThrow("integer from 0 to 47");
  await expect(net.request("Devnet.mineTo", 10_000_000)).rejects.toThrow("at most");
  // At once: not after an entry of the beacon was made for each round.
  const entry = vi.spyOn(localBeacon(), "entry");
  await expect(net.request("Devnet.skipRounds", 100_000)).rejects.toThrow(
    "too many null rounds for a network with miners",
  );
  expect(entry).not.toHaveBeenCalled();
  // Whether or not anybody wins.
  await net.clock.mine(1).catch(() => undefined);
  expect(entry).toHaveBeenCalled();
  entry.mockRestore();
  await net.request("Devnet.skipProofs", miner, null, true);
  expect((await report()).SkippedDeadlines).toBeNull();
  await net.request("Devnet.skipProofs", miner, [5, 3]);
  expect((await report()).SkippedDeadlines).toEqual([3, 5]);
});

test("of two miners the last one is kept, also from who asks at once, and from a message that waits", async () => {
  const pair = await Devnet.open({ accounts: 2, seed: "pair", miners: 2, sectors: 1 });
  try {
    pair.clock.setAutomine(false);
    const { miners } = await pair.request<{ miners: { address: string }[] }>("Devnet.info");
    const [first, second] = miners.map(({ address }) => address);
    const skip = (one: string | undefined, deadlines: number[] | null) =>
      pair.request("Devnet.skipProofs", one, deadlines);
    const done = await Promise.allSettled([skip(first, null), skip(second, null)]);
    expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await skip(first, []);
    await pair.request("Devnet.terminateSectors", first, [0]);
    await expect(skip(second, null)).rejects.toThrow("would end the chain for good");
    const snapshot = await pair.request("Devnet.snapshot");
    await pair.request("Devnet.mine", 2);
    await expect(skip(second, null)).rejects.toThrow("would end the chain for good");
    // The message waits again, and after a restart there is nothing but the pool that knows of it.
    await pair.request("Devnet.revert", snapshot);
    expect(pair.node.pool.pending()).toHaveLength(1);
    await expect(skip(second, null)).rejects.toThrow("would end the chain for good");
    await expect(pair.request("Devnet.terminateSectors", second, [0])).rejects.toThrow("would end the chain for good");
  } finally {
    await pair.close();
  }
});
