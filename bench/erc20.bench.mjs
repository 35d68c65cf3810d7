/**
 * The same tests of an ERC-20 token, by viem and by ethers as they come from npm, over HTTP against a process each (a deployment, ten transfers with
 * receipts, events and balances, a search of logs, a custom error): ours at network version 28 with the published actors (FILIGREE_BUNDLES, and the
 * tools of `npm run test:clients`), hardhat's node and anvil. By the clock, from the deployment to the last assertion, networks in turn.
 * They are not alike: a transaction of ours is executed by the published EVM actor in metered WebAssembly, and its receipt stands in the tipset
 * after. Ours has one producer, as contracts' tests want it: where miners are elected, viem stops at an epoch that nobody wins.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";
import token from "../test/fixtures/contracts/token.json" with { type: "json" };
import { median } from "./harness.mjs";

export const title = "Tests of an ERC-20 token, by the clock";

const here = path.dirname(fileURLToPath(import.meta.url));
const load = createRequire(path.join(here, "../test/clients/package.json"));
const peers = createRequire(import.meta.url);
const [ROUNDS, TRANSFERS] = [5, 10];
/** Characters of what a process prints in which its address is looked for. */
const MOST_TEXT = 100_000;
/** Keys 0 and 1 of the mnemonic that all three have. */
const KEYS = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
];
const { abi, bytecode } = token;

function same(found, wanted, what) {
  if (String(found) !== String(wanted)) throw new Error(`${what}: ${found} in place of ${wanted}`);
}

async function byViem(url, id) {
  const viem = load("viem");
  const { privateKeyToAccount } = load("viem/accounts");
  const chain = viem.defineChain({
    ...{ id, name: "local", rpcUrls: { default: { http: [url] } } },
    nativeCurrency: { name: "coin", symbol: "COIN", decimals: 18 },
  });
  const [owner, other] = KEYS.map((key) => privateKeyToAccount(key));
  const common = { chain, transport: viem.http(url), pollingInterval: 10, cacheTime: 0 };
  const reader = viem.createPublicClient(common);
  const wallet = viem.createWalletClient({ ...common, account: owner });
  const hash = await wallet.deployContract({ abi, bytecode, args: [1000n] });
  const { contractAddress: address, status, blockNumber } = await reader.waitForTransactionReceipt({ hash });
  same(status, "success", "deployment");
  for (let i = 1; i <= TRANSFERS; i++) {
    const args = [other.address, 7n];
    const sent = await wallet.writeContract({ abi, address, functionName: "transfer", args });
    const { logs } = await reader.waitForTransactionReceipt({ hash: sent });
    same(viem.parseEventLogs({ abi, logs })[0].args.value, 7n, "event");
    const balance = await reader.readContract({ abi, address, functionName: "balanceOf", args: [other.address] });
    same(balance, 7 * i, "balance");
  }
  const all = await reader.getContractEvents({ abi, address, eventName: "Transfer", fromBlock: blockNumber });
  same(all.length, TRANSFERS + 1, "events");
  const short = { abi, address, functionName: "transfer", args: [other.address, 5000n], account: owner };
  const refused = await reader.simulateContract(short).catch((error) => error);
  same(refused.walk((one) => one.data?.errorName !== undefined).data.errorName, "Short", "error");
}

async function byEthers(url) {
  const ethers = load("ethers");
  const provider = new ethers.JsonRpcProvider(url, undefined, { pollingInterval: 10, cacheTimeout: -1 });
  try {
    const [owner, other] = KEYS.map((key) => new ethers.Wallet(key, provider));
    const contract = await new ethers.ContractFactory(abi, bytecode, owner).deploy(1000n);
    await contract.waitForDeployment();
    const { blockNumber } = await contract.deploymentTransaction().wait();
    for (let i = 1; i <= TRANSFERS; i++) {
      const receipt = await (await contract.transfer(other.address, 7n)).wait();
      same(contract.interface.parseLog(receipt.logs[0]).args[2], 7n, "event");
      same(await contract.balanceOf(other.address), 7 * i, "balance");
    }
    same((await contract.queryFilter("Transfer", blockNumber)).length, TRANSFERS + 1, "events");
    const refused = await contract.transfer.staticCall(other.address, 5000n).catch((error) => error);
    same(refused.revert?.name, "Short", "error");
  } finally {
    provider.destroy();
  }
}

/** A process that serves a network: its address is the first match in what it prints. `started` takes it, so that it is ended whatever comes. */
function serve(started, command, args, pattern, env = {}) {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: here,
    env: { ...process.env, ...env },
  });
  started.push(child);
  return new Promise((resolve, reject) => {
    let text = "";
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${command} ended with ${code} before it served`)));
    child.stdout.on("data", (bytes) => {
      if (text.length > MOST_TEXT) return;
      text += bytes;
      const url = pattern.exec(text)?.[1];
      if (url !== undefined) resolve(/^http/.test(url) ? url : `http://${url}`);
    });
  });
}

function ours(started, pack) {
  const main = path.join(here, "../dist/cli/bin.js");
  const options = [
    "--network-version",
    "28",
    "--bundle",
    pack,
    "--block-time",
    "0",
    "--memory",
    "--port",
    "0",
    "--miners",
    "0",
  ];
  return serve(started, process.execPath, [main, "devnet", ...options], /JSON-RPC\s+(http\S+)\s/);
}

export async function facts() {
  const pack = path.resolve(process.env["FILIGREE_BUNDLES"] ?? "../shared/bundles", "v18.tar.zst");
  if (!existsSync(pack)) {
    process.stdout.write("  no pack v18.tar.zst at hand: set FILIGREE_BUNDLES to a folder that has it\n");
    return [];
  }
  const system = { linux: "linux", darwin: "darwin" }[process.platform];
  const machine = { x64: "amd64", arm64: "arm64" }[process.arch];
  const anvil = peers.resolve(`@foundry-rs/anvil-${system}-${machine}/bin/anvil`);
  const cli = path.join(path.dirname(peers.resolve("hardhat/package.json")), "internal/cli/cli.js");
  const config = { HARDHAT_CONFIG: path.join(here, "support-hardhat.cjs") };
  const started = [];
  const times = new Map();
  try {
    const node = [cli, "node", "--hostname", "127.0.0.1", "--port", "38545"];
    const nets = {
      ours: await ours(started, pack),
      hardhat: await serve(started, process.execPath, node, /server at (http\S+?)\/?\s/, config),
      anvil: await serve(started, anvil, ["--port", "0"], /Listening on (\S+)\s/),
    };
    for (let round = 0; round <= ROUNDS; round++)
      for (const [name, url] of Object.entries(nets)) {
        const headers = { "content-type": "application/json" };
        const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
        const id = Number((await (await fetch(url, { method: "POST", headers, body })).json()).result);
        for (const [tool, work] of [
          ["viem", () => byViem(url, id)],
          ["ethers", () => byEthers(url)],
        ]) {
          const start = performance.now();
          await work();
          const key = `${tool}, ${name}`;
          // The first round warms all of them.
          if (round > 0) times.set(key, [...(times.get(key) ?? []), (performance.now() - start) / 1000]);
        }
      }
  } finally {
    for (const child of started) child.kill();
  }
  return [...times].map(([name, values]) => ({ name, value: median(values), unit: "s" }));
}
