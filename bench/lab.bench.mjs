/**
 * A network for a test, beside hardhat's and anvil's of Ethereum: from nothing to the first value sent, in a new process and in one
 * that has run a network before, and a snapshot with the way back. They are not alike: a tipset of ours has an election and a proof of
 * spacetime (one miner with one real sector) unless it says "bare", and messages are paid for by a chain of storage; hardhat's
 * network is native code in a library, anvil's a native process that is spoken to over HTTP. All is timed by the clock; a round in a
 * new process from its start to its end.
 */
import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { median } from "./harness.mjs";

export const title = "A network for a test, by the clock";

const here = path.dirname(fileURLToPath(import.meta.url));
const [ROUNDS, CYCLES, WARM] = [5, 100, 2];
/** In which a value must be sent: a receipt stands in the tipset after the message. */
const EPOCHS = 10;
/** Times that a network of others is asked for a receipt. */
const ASKED = 10_000;
process.env["HARDHAT_CONFIG"] = path.join(here, "support-hardhat.cjs");

async function sendOurs(net) {
  const [from, to] = net.accounts.map((account) => account.secp256k1.toString("t"));
  const { CID } = await net.request("MpoolPushMessage", { From: from, To: to, Value: "1", Method: 0 }, null);
  let found = null;
  for (let i = 0; found === null && i < EPOCHS; i++) {
    await net.request("Devnet.mine", 1);
    found = await net.request("StateSearchMsg", [], CID, EPOCHS, true);
  }
  if (found?.Receipt.ExitCode !== 0) throw new Error("the value was not sent");
}

/** A network of ours that makes tipsets on call. */
async function openOurs(form) {
  // What `import "filigree"` loads in Node, and no process that runs another's network.
  const { Devnet } = await import("../dist/for-node/index.js");
  const net = await Devnet.open({ accounts: 2, seed: "lab", genesisTime: 1_700_000_000, ...form });
  await net.request("Devnet.setAutomine", false);
  return net;
}

/** hardhat's provider: one a process. */
function hardhat() {
  return createRequire(import.meta.url)("hardhat").network.provider;
}

/** anvil in a process of its own; `end` ends it. */
async function anvil() {
  const system = { linux: "linux", darwin: "darwin" }[process.platform];
  const machine = { x64: "amd64", arm64: "arm64" }[process.arch];
  const binary = createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${system}-${machine}/bin/anvil`);
  const child = spawn(binary, ["--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  let url = "";
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /Listening on (\S+)/.exec(line) ?? [];
    if (address === undefined) continue;
    url = `http://${address}`;
    break;
  }
  child.stdout.resume();
  const headers = { "content-type": "application/json" };
  return {
    async request({ method, params = [] }) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const { result, error } = await (await fetch(url, { method: "POST", headers, body })).json();
      if (error !== undefined) throw new Error(`${method}: ${error.message}`);
      return result;
    },
    end: () => child.kill(),
  };
}

async function sendTheirs(provider) {
  const [from, to] = await provider.request({ method: "eth_accounts" });
  const hash = await provider.request({ method: "eth_sendTransaction", params: [{ from, to, value: "0x1" }] });
  let found = null;
  // anvil answers before it has made the block.
  for (let i = 0; found === null && i < ASKED; i++)
    found = await provider.request({ method: "eth_getTransactionReceipt", params: [hash] });
  if (found?.status !== "0x1") throw new Error("the value was not sent");
}

const FORMS = { "ours, one miner with a sector": { miners: 1 }, "ours, bare": {} };

/** What a process of its own does: `node lab.bench.mjs <form>`. */
const once = {
  ours: async (form) => {
    const net = await openOurs(form);
    await sendOurs(net);
    await net.close();
  },
  hardhat: async () => {
    await sendTheirs(hardhat());
    process.exit(0);
  },
};

const [, self, name] = process.argv;
if (self === fileURLToPath(import.meta.url)) await (name === "hardhat" ? once.hardhat() : once.ours(FORMS[name]));

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Medians of the columns of rounds in which all take their turn. */
async function inTurns(rounds, works) {
  const times = works.map(() => []);
  for (let round = 0; round < rounds + 1; round++)
    for (const [i, work] of works.entries()) {
      const time = await seconds(work);
      if (round > 0) times[i].push(time);
    }
  return times.map(median);
}

export async function facts() {
  const own = [...Object.keys(FORMS), "hardhat"];
  const names = [...own, "anvil"];
  const fresh = (form) => () => {
    const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), form], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${form}: ${stderr}`);
  };
  const cold = await inTurns(ROUNDS, [
    ...own.map(fresh),
    async () => {
      const started = await anvil();
      await sendTheirs(started);
      started.end();
    },
  ]);
  const other = await anvil();
  const theirs = [hardhat(), other];
  const resets = ["hardhat_reset", "anvil_reset"];
  const warm = await inTurns(ROUNDS, [
    ...Object.values(FORMS).map((form) => () => once.ours(form)),
    ...theirs.map((provider, i) => async () => {
      await provider.request({ method: resets[i], params: [] });
      await sendTheirs(provider);
    }),
  ]);
  const nets = [];
  for (const form of Object.values(FORMS)) nets.push(await openOurs(form));
  const cycles = await inTurns(WARM + ROUNDS, [
    ...nets.map((net) => async () => {
      for (let i = 0; i < CYCLES; i++) {
        const id = await net.snapshot();
        await sendOurs(net);
        await net.revert(id);
      }
    }),
    ...theirs.map((provider) => async () => {
      for (let i = 0; i < CYCLES; i++) {
        const id = await provider.request({ method: "evm_snapshot" });
        await sendTheirs(provider);
        await provider.request({ method: "evm_revert", params: [id] });
      }
    }),
  ]);
  for (const net of nets) await net.close();
  other.end();
  return [
    ...names.map((form, i) => ({ name: `${form}: a process, to the first send`, value: cold[i], unit: "s" })),
    ...names.map((form, i) => ({
      name: `${form}: another network, to the first send`,
      value: 1000 * warm[i],
      unit: "ms",
    })),
    ...names.map((form, i) => ({
      name: `${form}: snapshot, send, way back`,
      value: (1000 * cycles[i]) / CYCLES,
      unit: "ms",
    })),
  ];
}
