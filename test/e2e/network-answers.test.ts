/** RPC answers that tell about the network: they come from its parameters and its state, on whatever network. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { MAINNET, type NetworkParams } from "../../src/params/networks.ts";
import { countsForConsensus } from "../../src/params/proving.ts";
import { makeDispatcher } from "../../src/rpc/api.ts";
import { Session } from "../../src/rpc/session.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  await net.clock.mine(2);
});
afterAll(() => net.close());

/** Calls a method of the node, or of one that is told it is on another network. */
async function call<T>(method: string, params: readonly unknown[] = [], network?: NetworkParams): Promise<T> {
  const services = { ...net.services, network: network ?? net.services.network };
  const session = new Session({ permissions: ["read"] });
  const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const dispatcher = makeDispatcher(services);
  const reply = JSON.parse((await dispatcher.handle(request, session, new AbortController().signal)) ?? "{}");
  if (reply.error !== undefined) throw new Error(reply.error.message);
  return reply.result;
}

test("what keys follow from is told to those who may spend them alone", async () => {
  const told = await call<Record<string, unknown>>("Devnet.info");
  expect(told).toMatchObject({ chainId: net.network.chainId, miner: net.miner.toString("t") });
  for (const name of ["seed", "mnemonic", "data"]) {
    expect(told).not.toHaveProperty(name);
    expect(await net.request("Devnet.info")).toHaveProperty(name);
  }
});

test("a network without peers is behind nothing, whatever the time of its genesis", async () => {
  const { SyncStatus } = await call<{ SyncStatus: object }>("Filecoin.NodeStatus", [false]);
  expect(SyncStatus).toEqual({ Epoch: net.head.height, Behind: 0 });
  // The wall clock is far beyond: the seed fixed the genesis' time.
  expect(Math.floor(net.services.now() / 1000) - Number(net.head.blocks[0]?.timestamp)).toBeGreaterThan(2 * 3600);
});

test("the parameters of a local network", async () => {
  expect(await call("Filecoin.StateGetNetworkParams")).toEqual({
    NetworkName: "localnet",
    BlockDelaySecs: 3600,
    ConsensusMinerMinPower: "2048",
    SupportedProofTypes: [0],
    PreCommitChallengeDelay: 10,
    ForkUpgradeParams: {
      UpgradeBreezeHeight: -1,
      UpgradeSmokeHeight: -1,
      UpgradeIgnitionHeight: -1,
      UpgradeAssemblyHeight: -1,
      UpgradeTapeHeight: -1,
    },
    Eip155ChainID: 31_415_926,
    GenesisTimestamp: TEST_OPTIONS.genesisTime,
  });
});

test("the parameters of the main network", async () => {
  expect(await call("Filecoin.StateGetNetworkParams", [], MAINNET)).toMatchObject({
    NetworkName: "mainnet",
    BlockDelaySecs: 30,
    ConsensusMinerMinPower: "10995116277760",
    SupportedProofTypes: [3, 4],
    PreCommitChallengeDelay: 150,
    ForkUpgradeParams: {
      UpgradeBreezeHeight: 41_280,
      UpgradeSmokeHeight: 51_000,
      UpgradeIgnitionHeight: 94_000,
      UpgradeAssemblyHeight: 138_720,
      UpgradeTapeHeight: 140_760,
    },
    Eip155ChainID: 314,
  });
});

test("a tipset's weight is the parent weight of the block on top of it", async () => {
  const tops = await call<{ Height: number; Blocks: { ParentWeight: string }[]; Cids: unknown[] }>(
    "Filecoin.ChainHead",
  );
  const below = await call<{ Cids: unknown[] }>("Filecoin.ChainGetTipSetByHeight", [tops.Height - 1, null]);
  const weight = await call<string>("Filecoin.ChainTipSetWeight", [below.Cids]);
  expect(weight).toBe(tops.Blocks[0]?.ParentWeight);
  expect(BigInt(await call<string>("Filecoin.ChainTipSetWeight", [tops.Cids]))).toBeGreaterThan(BigInt(weight));
});

test("a miner without power does not count for consensus, and has no beneficiary yet", async () => {
  const [miner] = await call<string[]>("Filecoin.StateListMiners", [null]);
  expect(await call("Filecoin.StateMinerPower", [miner, null])).toMatchObject({
    MinerPower: { RawBytePower: "0", QualityAdjPower: "0" },
    HasMinPower: false,
  });
  expect(await call("Filecoin.StateMinerInfo", [miner, null])).toMatchObject({
    Beneficiary: "<empty>",
    NewWorker: "<empty>",
    SectorSize: 2048,
    WindowPoStPartitionSectors: 2,
  });
  expect(await call("Filecoin.StateMinerSectors", [miner, null, null])).toEqual([]);
  expect(await call("Filecoin.StateSectorGetInfo", [miner, 0, null])).toBeNull();
});

test("the clock of window PoSt fills the proving period", async () => {
  const [miner] = await call<string[]>("Filecoin.StateListMiners", [null]);
  const info = await call<Record<string, number>>("Filecoin.StateMinerProvingDeadline", [miner, null]);
  expect(info).toMatchObject({ WPoStPeriodDeadlines: 48, WPoStProvingPeriod: 2880, WPoStChallengeWindow: 60 });
  expect(info["Close"]).toBe((info["Open"] as number) + 60);
  expect(info["Challenge"]).toBe((info["Open"] as number) - 20);
});

test.each([
  [10n, 10n, 9n, true],
  [9n, 10n, 4n, false],
  [9n, 10n, 3n, true],
  [0n, 10n, 0n, false],
])("power %s of at least %s, %s miners above it: counts %s", (raw, least, above, counts) => {
  expect(countsForConsensus(raw, least, above)).toBe(counts);
});
