/** A new miner beside a node: its actor, a sector of its own, its folders and its interface. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { platform } from "#platform";
import { Keystore } from "../../../../src/keys/keystore.ts";
import type { RpcRequest } from "../../../../src/miner/chain-side/rpc-node.ts";
import { MemoryFolder } from "../../../../src/miner/folders/memory-folder.ts";
import { Devnet } from "../../../../src/node/devnet.ts";
import {
  askNetwork,
  initGenesisMiner,
  initMiner,
  initNewMiner,
  MinerProcess,
  readSettings,
} from "../../../../src/node/miner-process/index.ts";
import { parseSettings } from "../../../../src/node/miner-process/settings.ts";
import { openSectorFolder } from "../../../../src/node/sector-home.ts";
import { memorySecrets } from "../../../../src/platform/secrets.ts";
import { MemoryStore } from "../../../../src/storage/memory.ts";
import { Address } from "../../../../src/types/address.ts";
import { FIL } from "../../../../src/types/amount.ts";
import { until } from "../../../support/until.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-miner-"));
const data = path.join(root, "miner");
let net: Devnet;
let url: string;
let keystore: Keystore;
const store = new MemoryStore();
const refusals = new WeakSet<Error>();
const request: RpcRequest = (method, ...params) =>
  net.request(method, ...params).catch((error: Error) => {
    refusals.add(error);
    throw error;
  });
const calls = { request, isRefusal: (error: unknown) => error instanceof Error && refusals.has(error) };

beforeAll(async () => {
  net = await Devnet.open({ accounts: 3, miners: 1, sectors: 1, seed: "filigree" });
  const { crypto } = net.node;
  const parts = {
    secrets: memorySecrets(),
    crypto,
    randomBytes: platform.randomBytes,
    local: true,
    prefix: "t",
  } as const;
  keystore = await Keystore.open(parts, "");
});
afterAll(async () => {
  await net?.close();
  await rm(root, { recursive: true, force: true });
});

async function initParts(into = store) {
  const { crypto } = net.node;
  const folder = await openSectorFolder(data);
  return {
    parts: {
      ...{ store: into, folder, keystore, crypto, network: await askNetwork(request), ...calls },
      randomBytes: platform.randomBytes,
      signal: new AbortController().signal,
      wait: (method: string, params: readonly unknown[]) => request(method, ...params),
    },
    folder,
  };
}

/** Calls the miner's own interface over HTTP. */
async function call<T>(method: string, ...params: readonly unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: `Filecoin.${method}`, params });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = (await answer.json()) as { result: T; error?: { message: string } };
  if (error !== undefined) throw new Error(error.message);
  return result;
}

test("init: an actor of its own, made once; miners that nodes have, or that there are not, are refused", async () => {
  const { parts, folder } = await initParts();
  const [owner] = net.accounts;
  const terms = { owner: owner?.secp256k1 as Address, worker: null, funds: 20n * FIL };
  // Ended while the worker's funds are on their way, they are not sent twice.
  const { wait } = parts;
  const gone = { ...parts, wait: () => Promise.reject(new Error("killed")) };
  const spent = async (): Promise<number> =>
    ((await net.request("StateListMessages", { From: `${owner?.secp256k1.toString("t")}` }, [], 0)) ?? []).length;
  await net.request("Devnet.setAutomine", false);
  await expect(initNewMiner(gone, terms)).rejects.toThrow("killed");
  await expect(initNewMiner(gone, terms)).rejects.toThrow("killed");
  await net.request("Devnet.setAutomine", true);
  // Ended between the push and the note of the actor: the message is not sent twice.
  let isCut = false;
  const cut = {
    ...parts,
    wait: async (method: string, params: readonly unknown[]) => {
      const found = (await wait(method, params)) as { readonly ReturnDec: unknown };
      if (found.ReturnDec !== null) {
        isCut = true;
        throw new Error("killed");
      }
      return found;
    },
  };
  await expect(initNewMiner(cut, terms)).rejects.toThrow("killed");
  expect(isCut).toBe(true);
  expect(await spent()).toBe(2);
  expect(await readSettings(store)).toBeNull();
  const before = (await net.request("StateListMiners", [])).length;
  const settings = await initNewMiner(parts, terms);
  expect((await net.request("StateListMiners", [])).length).toBe(before);
  expect(settings).toMatchObject({ networkName: "localnet", sealProof: 0, sectorBytes: 2048, presealed: [] });
  expect(await readSettings(store)).toEqual(settings);
  await expect(initNewMiner(parts, terms)).rejects.toMatchObject({ code: "NOT_EMPTY" });
  const other = { ...parts, store: new MemoryStore() };
  await expect(initGenesisMiner(other, net.miner)).rejects.toMatchObject({ code: "MINED_ELSEWHERE" });
  await expect(initGenesisMiner(other, Address.id(5000n))).rejects.toMatchObject({ code: "UNKNOWN_MINER" });
  // By either way: its worker's key may be in the wallet of the node that mines with it.
  await expect(initMiner(other, net.miner)).rejects.toMatchObject({ code: "MINED_ELSEWHERE" });
  // One that nobody has, without the key that follows from the seed: what is to be given is said, not whose key it is.
  const { network } = parts;
  const free = { ...network, miners: network.miners.map((one) => ({ ...one, node: null })) };
  const keyless = async (method: string, ...params: readonly unknown[]) =>
    method === "Filecoin.WalletHas" ? false : parts.request(method, ...params);
  await expect(initMiner({ ...other, network: free, request: keyless }, net.miner)).rejects.toThrow(
    /is a miner of the network's genesis, .*: give --genesis too/,
  );
  for (const text of ["{}", "no JSON", JSON.stringify({ format: 2 })])
    expect(() => parseSettings(text)).toThrow(/folder says of itself/);
  await folder.close();
  const unmined = { ...other.network, miners: other.network.miners.map((one) => ({ ...one, node: null })) };
  const left = { ...other, network: unmined, store: new MemoryStore(), folder: new MemoryFolder() };
  const { presealed } = await initGenesisMiner(left, net.miner);
  expect(presealed.map(({ number }) => number)).toEqual([0]);
  // Like a pledged one: what only sealing needed is gone.
  const names = await left.folder.names({ miner: net.miner.actorId as bigint, number: 0 });
  expect([...names].sort()).toEqual(["p_aux", "sc-02-data-tree-r-last.dat", "sealed"]);
});

test("run: a sector from nothing to proven over JSON-RPC, checked, damaged and told; folders come and stay", async () => {
  const settings = await readSettings(store);
  if (settings === null) throw new Error("no settings");
  const options = {
    ...{ store, settings, data, keystore, crypto: net.node.crypto, ...calls, version: "test" },
    tokenSecret: platform.randomBytes(32),
  };
  await expect(
    MinerProcess.open({ ...options, settings: { ...settings, genesis: "bafyother" } }),
  ).rejects.toMatchObject({
    code: "OTHER_NETWORK",
  });
  await expect(MinerProcess.open({ ...options, settings: { ...settings, miner: net.miner } })).rejects.toMatchObject({
    code: "MINED_ELSEWHERE",
  });
  const miner = await MinerProcess.open(options);
  expect(miner.mines).toBe(false);
  ({ url } = await miner.serve());
  try {
    const name = settings.miner.toString("t");
    expect(await call("ActorAddress")).toBe(name);
    expect(await call<{ Version: string }>("Version")).toMatchObject({ Version: "filigree-test" });
    const second = path.join(root, "second");
    await call("StorageAddLocal", second, { CanSeal: false });
    expect(new TextDecoder().decode(await store.metadata("miner/folders"))).toBe(JSON.stringify([second]));
    await expect(call("StorageAddLocal", second)).rejects.toThrow(/is attached already/);
    await expect(call("StorageAddLocal", "relative")).rejects.toThrow(/absolute path/);
    const { Number: number } = await call<{ Number: number }>("PledgeSector");
    await until("proven", async () => (await call<{ State: string }>("SectorsStatus", number)).State === "Proving");
    expect(await call("SectorsSummary")).toEqual({ Proving: 1 });
    const status = await call<{ Activation: number; InitialPledge: string }>("SectorsStatus", number, true, name);
    expect(status.Activation).toBeGreaterThan(0);
    expect(BigInt(status.InitialPledge)).toBeGreaterThan(0n);
    const lists = await call<Record<string, unknown[]>>("StorageList");
    const paths = await call<Record<string, string>>("StorageLocal");
    const [first] = Object.keys(paths).filter((id) => paths[id] !== second);
    expect(lists[first as string]).toEqual([{ Miner: Number(name.slice(2)), Number: number, SectorFileType: 6 }]);
    expect(await call("StorageInfo", first)).toMatchObject({ CanSeal: true, Weight: 10 });
    expect((await call<{ Used: number }>("StorageStat", first)).Used).toBeGreaterThan(2048);
    const refs = [{ ID: { Miner: Number(name.slice(2)), Number: number }, ProofType: 0 }];
    expect(await call("CheckProvable", 0, refs, true)).toEqual({});
    const files = path.join(data, "sectors", `s-${name}-${number}`);
    await writeFile(path.join(files, "sealed"), new Uint8Array(2048).fill(1));
    expect(await call("CheckProvable", 0, refs)).toEqual({ [number]: expect.stringMatching(/was changed/) });
    await call("SectorRemove", number);
    await until("removed", async () => (await call<{ State: string }>("SectorsStatus", number)).State === "Removed");
    expect(await readdir(path.join(data, "sectors"))).not.toContain(`s-${name}-${number}`);
    const health = await (await fetch(`${new URL(url).origin}/health`)).json();
    expect(health).toMatchObject({ status: "ok", miner: name });
    expect((await fetch(`${new URL(url).origin}/ipfs/bafy`)).status).toBe(404);
    await expect(call("ChainHead")).rejects.toThrow(/not found|no such|unknown/);
  } finally {
    await miner.stop();
  }
}, 120_000);
