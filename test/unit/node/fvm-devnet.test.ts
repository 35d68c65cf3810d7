/**
 * A local network at today's versions without the published actors: the machine of whole tipsets, its genesis, the node above it.
 * The actors are the test's own. With the published ones: `test/conformance/fvm-network.test.ts`.
 */
import { afterEach, describe, expect, test } from "vitest";
import { platform } from "#platform";
import { isFilError } from "../../../src/base/errors.ts";
import { inclusionGas } from "../../../src/consensus/inclusion-gas.ts";
import { Executor } from "../../../src/exec/executor.ts";
import type { ExecutionRules, TipsetInput } from "../../../src/exec/types.ts";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import { buildFvmGenesis } from "../../../src/node/genesis-fvm.ts";
import { builtFile } from "../../../src/platform/web.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { MARKET } from "../../../src/types/singletons.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { MINER, TRAPPING, testBundle } from "../../support/fvm-bundle.ts";

const guest = async (networkVersion: number): Promise<Uint8Array> =>
  platform.readAsset(builtFile(`wasm/${networkVersion < 21 ? "guest-test" : "guest4-test"}.wasm`));

const opened: Devnet[] = [];
afterEach(async () => {
  for (const net of opened.splice(0)) await net.close();
});

async function open(networkVersion: number, more: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const bundle = await testBundle({ storagemarket: await guest(networkVersion) });
  const net = await Devnet.open({ ...TEST_OPTIONS, accounts: 2, networkVersion, bundle, ...more });
  opened.push(net);
  return net;
}

type Receipt = { readonly ExitCode: number; readonly GasUsed: number; readonly EventsRoot: { "/": string } | null };

async function send(net: Devnet, message: Record<string, unknown>): Promise<Receipt> {
  const from = net.accounts[0]?.secp256k1.toString("t");
  const pushed = await net.request("MpoolPushMessage", { From: from, Value: "0", ...message }, null);
  // By hand: one tipset that carries it, and one that tells what became of it.
  await net.clock.mine(2);
  return (await net.request("StateWaitMsg", pushed.CID, 0, -1, true)).Receipt;
}

describe("a network of tests' actors", () => {
  test.each([
    [18, "bafy2bzacececa3bxyvrj7354seqmp6uvsaczucyrot7sakdflqo7yertwcdt6"],
    [28, "bafy2bzaceaxrwlztbqwuncl7k2u37bbmz4hd2ty72fvdo36olmkey6d4yg5ga"],
  ])(
    "version %i: funds move, null rounds pass, and the same seed gives the same CIDs everywhere",
    async (version, cid) => {
      const net = await open(version);
      const to = net.accounts[1]?.bls as Address;
      const receipt = await send(net, { To: `${to}`, Value: "5" });
      expect(receipt).toMatchObject({ ExitCode: 0, EventsRoot: null });
      expect(await net.request("WalletBalance", `${to}`)).toBe(`${TEST_OPTIONS.balance + 5n}`);
      await net.producer.produce(net.head.height + 4);
      await net.clock.mine(1);
      expect(await net.request("StateNetworkVersion", [])).toBe(version);
      expect(`${net.head.blocks[0]?.parentStateRoot}`).toBe(cid);
    },
  );

  test("an account of Ethereum has funds, the null address an owner, and a first transfer makes a placeholder", async () => {
    const net = await open(18);
    const [alice] = net.accounts;
    const at = `${alice?.delegated}`;
    const actor = await net.request("StateGetActor", at, []);
    expect(actor).toMatchObject({
      Balance: `${TEST_OPTIONS.balance}`,
      DelegatedAddress: alice?.delegated.toString("t"),
    });
    expect(await net.request("StateAccountKey", await net.request("StateLookupID", at, []), [])).toBe(
      alice?.delegated.toString("t"),
    );
    const nobody = Address.fromEthereum(new Uint8Array(20)).toString("t");
    expect((await net.request("StateGetActor", nobody, [])).DelegatedAddress).toBe(nobody);
    const stranger = Address.fromEthereum(new Uint8Array(20).fill(7)).toString("t");
    expect((await send(net, { To: stranger, Value: "7" })).ExitCode).toBe(0);
    expect(await net.request("StateGetActor", stranger, [])).toMatchObject({
      Balance: "7",
      DelegatedAddress: stranger,
    });
  });

  test("events are in the receipt's array and are read again", async () => {
    const net = await open(18);
    // [[flags 3, "t1", raw, one byte]]
    const event = Uint8Array.from([0x81, 0x84, 3, 0x62, 0x74, 0x31, 0x18, 0x55, 0x41, 9]);
    const params = btoa(String.fromCharCode(...event));
    const receipt = await send(net, { To: MARKET.toString("t"), Method: 35, Params: params });
    expect(receipt.ExitCode).toBe(0);
    expect(await net.request("ChainGetEvents", receipt.EventsRoot)).toEqual([
      { Emitter: 5, Entries: [{ Flags: 3, Key: "t1", Codec: 0x55, Value: "CQ==" }] },
    ]);
  });

  test("names, codes and manifest of the actors are those that the state names", async () => {
    const bundle = await testBundle();
    const net = await open(19, { bundle });
    expect(await net.request("StateActorCodeCIDs", 19)).toEqual(
      Object.fromEntries([...bundle.codes].map(([name, cid]) => [name, { "/": `${cid}` }])),
    );
    expect(await net.request("StateActorManifestCID", 19)).toEqual({ "/": `${bundle.root}` });
    // Of other versions the table of published bundles speaks.
    expect(await net.request("StateActorManifestCID", 18)).not.toEqual({ "/": `${bundle.root}` });
  });

  test("a worker of the process executes the same", async () => {
    const heads: string[] = [];
    for (const machine of ["thread", "worker"] as const) {
      const net = await open(18, { machine });
      await send(net, { To: `${net.accounts[1]?.secp256k1}`, Value: "1" });
      // Draws on tickets, and asks for a tipset: what only the thread of the chain knows.
      await send(net, { To: MARKET.toString("t"), Method: 33, Params: btoa("0".repeat(24)) });
      heads.push(`${net.head.blocks[0]?.parentStateRoot} ${net.head.blocks[0]?.parentMessageReceipts}`);
    }
    expect(heads[1]).toBe(heads[0]);
  });

  test("without actors it is told which, and what to do; miners and other actors are refused by name", async () => {
    const given = { ...TEST_OPTIONS, networkVersion: 18 };
    await expect(Devnet.open(given)).rejects.toThrow(/actors v10 of devnet are not at hand.*filigree bundle add/);
    await expect(Devnet.open({ ...given, networkVersion: 15 })).rejects.toThrow(/networkVersion.*16 to 28/);
    const bundle = await testBundle();
    await expect(Devnet.open({ ...given, bundle, miners: 1 })).rejects.toThrow(/miners take published actors/);
    await expect(Devnet.open({ ...TEST_OPTIONS, bundle })).rejects.toThrow(/from network version 16 on/);
  });
});

describe("whole tipsets in the FVM", () => {
  const rules = (networkVersion: number): ExecutionRules => ({
    networkVersionAt: () => networkVersion,
    circulatingSupply: 0n,
  });
  const facts = { chainId: 1, epoch: 5, timestamp: 150, genesisTime: 0, blockDelay: 30 };
  async function world(networkVersion: number, code: Readonly<Record<string, Uint8Array>> = {}) {
    const bundle = await testBundle(code);
    const store = new MemoryStore();
    const address = Address.fromBytes(Uint8Array.from([3, ...new Uint8Array(48).fill(1)]));
    const accounts = [{ address, balance: 10n ** 20n }];
    const genesis = await buildFvmGenesis({
      ...{ networkName: "test", networkVersion, chainId: 1, time: 0, bundle, accounts, ethereum: [], worker: address },
    });
    store.writeNow({ blocks: genesis.blocks });
    const never = (): never => {
      throw new Error("no randomness");
    };
    const executor = new Executor(
      {},
      {
        blocks: store,
        randomness: { ticketRandomness: never, beaconRandomness: never },
        proofs: { verifyPoSt: () => false, verifySeal: () => false },
      },
    );
    const input: TipsetInput = {
      ...{ stateRoot: genesis.stateRoot, parentEpoch: 2, epoch: 5, baseFee: 100n, facts },
      blocks: [1n, 2n].map((winCount) => ({ miner: MINER, winCount, blsMessages: [], secpMessages: [] })),
    };
    return { executor, input };
  }

  test.each([16, 18, 28])("version %i: cron of null rounds, a reward a block, cron", async (version) => {
    const { executor, input } = await world(version);
    const { applied, stateRoot } = await executor.applyTipset(input, rules(version));
    expect(applied.map(({ kind, epoch }) => [kind, epoch])).toEqual([
      ["cron", 3],
      ["cron", 4],
      ["reward", 5],
      ["reward", 5],
      ["cron", 5],
    ]);
    expect(stateRoot.equals(input.stateRoot)).toBe(true);
  });

  test("a reward or cron that fails leaves no state; facts of the chain are needed", async () => {
    const { executor, input } = await world(18, { cron: TRAPPING });
    const failed = await executor.applyTipset(input, rules(18)).catch((error: unknown) => error);
    expect(isFilError(failed, "IMPLICIT_FAILED") && failed.data).toMatchObject({ what: "cron", exitCode: 4 });
    const { facts: _, ...without } = input;
    await expect(executor.applyTipset(without, rules(18))).rejects.toThrow(/chain id and time/);
  });
});

test("what a message costs to be on chain is what the machine takes for it", () => {
  // As in the receipts above: 38,863 + 1,300 a byte and 36 more, and from Hygge on 475,000.
  expect(inclusionGas(100, 17)).toBe(38_863n + 1300n * 136n);
  expect(inclusionGas(100, 18)).toBe(38_863n + 475_000n + 1300n * 136n);
  expect(inclusionGas(100, 28)).toBe(inclusionGas(100, 18));
});
