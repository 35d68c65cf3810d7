/**
 * Foundry's cast and forge, unmodified, on a local network at version 28: what is asked of a chain, transactions, a token; contracts that
 * forge deploys and a script broadcasts, a test on a fork. Where no bundle is at hand, or the programs are none of this machine's, this
 * says so and skips. `npm run test:clients` installs them.
 */
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import token from "../fixtures/contracts/token.json" with { type: "json" };
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { call } from "../support/devnet.ts";
import { findCorpus } from "../support/find-corpus.ts";

// biome-ignore lint/suspicious/noExplicitAny: what programs print
type Any = any;
const load = createRequire(import.meta.url);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const VERSION = 28;
const pack = findCorpus().bundles.find((name) => /(^|[^0-9])v18\.tar\.zst$/.test(name));
const [cast, forge] = [programOf("cast"), programOf("forge")];
const LACKING =
  pack === undefined
    ? "no pack v18.tar.zst of the reference node; set FILIGREE_BUNDLES to a folder that has it"
    : `npm has no cast and forge for ${process.platform} on ${process.arch}`;
const isHere = pack !== undefined && cast !== null && forge !== null;
if (!isHere) console.warn(`skipped: ${LACKING}`);
/** Of a program that compiles, on cores that others use. */
const LONG = 300_000;
const NOBODY = "0x00000000000000000000000000000000000000aa";

/** Where npm put a program of Foundry for this machine; null where it has none. */
function programOf(name: string): string | null {
  const system = { linux: "linux", darwin: "darwin" }[process.platform as string];
  const machine = { x64: "amd64", arm64: "arm64" }[process.arch as string];
  try {
    return load.resolve(`@foundry-rs/${name}-${system}-${machine}/bin/${name}`);
  } catch {
    return null;
  }
}

describe.skipIf(!isHere)("foundry", { timeout: LONG }, () => {
  let net: CommandNet;
  let folder: string;
  let owner: string;
  let address: string;
  let hash: string;
  const key = (): string => `0x${net.accounts[0]?.keys.ethereum}`;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "filigree-foundry-"));
    const options = ["--network-version", `${VERSION}`, "--bundle", pack as string, "--predeploy"];
    net = await startCommandNet("--block-time", "0", "--seed", "foundry", ...options);
    await Promise.all(["src", "script", "test"].map((name) => mkdir(path.join(folder, name))));
    await copyFile(here("../fixtures/contracts/token.sol"), path.join(folder, "src/token.sol"));
    await copyFile(here("foundry/deploy.sol"), path.join(folder, "script/deploy.sol"));
    await copyFile(here("foundry/fork.sol"), path.join(folder, "test/fork.t.sol"));
    await copyFile(here("foundry/solc.cjs"), path.join(folder, "solc.cjs"));
    await chmod(path.join(folder, "solc.cjs"), 0o755);
    const settings = ["[profile.default]", `solc = "${folder}/solc.cjs"`, "offline = true", "libs = []"];
    await writeFile(path.join(folder, "foundry.toml"), `${settings.join("\n")}\n`);
    owner = (await run(cast, "wallet", "address", key())).trim();
  }, LONG);
  afterAll(async () => {
    await net?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What a program prints; throws with what it complains of. Its home is the test's folder: it takes over no settings of anybody. */
  async function run(program: string | null, ...args: readonly string[]): Promise<string> {
    const env = {
      ...{ ...process.env, HOME: folder, ETH_RPC_URL: net.url, NO_COLOR: "1", TOKEN: address, OWNER: owner },
      SOLC_MODULE: load.resolve("solc"),
    };
    const { stdout } = await promisify(execFile)(program as string, args, { cwd: folder, env, timeout: LONG });
    return stdout.trim();
  }
  const ask = (...args: readonly string[]): Promise<string> => run(cast, ...args);
  const send = async (...args: readonly string[]): Promise<Any> =>
    JSON.parse(await ask("send", "--private-key", key(), "--json", ...args));

  test("cast: the chain, an account, transactions of both types", async () => {
    expect(await ask("chain-id")).toBe(`${net.start["chainId"]}`);
    expect(await ask("client")).toMatch(/^filigree\//);
    expect(await ask("block-number")).toBe("0");
    expect(await ask("balance", owner, "--ether")).toBe("1000000.000000000000000000");
    expect(await ask("nonce", owner)).toBe("0");
    expect(Number(await ask("gas-price"))).toBeGreaterThan(0);
    const sent = await send(NOBODY, "--value", "1ether");
    expect([sent.status, sent.type, sent.from]).toEqual(["0x1", "0x2", owner.toLowerCase()]);
    expect((await send(NOBODY, "--value", "1", "--legacy")).type).toBe("0x0");
    expect(await ask("balance", NOBODY)).toBe("1000000000000000001");
    expect(await ask("nonce", owner)).toBe("2");
    const block = JSON.parse(await ask("block", `${Number(sent.blockNumber)}`, "--json"));
    expect([block.hash, block.transactions]).toEqual([sent.blockHash, [sent.transactionHash]]);
    // Signed in one step and sent in another; and by an account of the node.
    const raw = await ask("mktx", "--private-key", key(), NOBODY, "--value", "2");
    expect(JSON.parse(await ask("publish", raw)).status).toBe("0x1");
    const [, other] = JSON.parse(await ask("rpc", "eth_accounts"));
    const unlocked = await ask("send", "--unlocked", "--from", other, NOBODY, "--value", "3", "--json");
    expect(JSON.parse(unlocked).from).toBe(other);
    expect(await ask("balance", NOBODY)).toBe("1000000000000000006");
  });

  test("cast: a token", async () => {
    const data = token.bytecode + 1000n.toString(16).padStart(64, "0");
    address = (await send("--create", data)).contractAddress;
    const transfer = [address, "transfer(address,uint256)", NOBODY];
    const gas = BigInt(await ask("estimate", "--from", owner, ...transfer, "7"));
    const moved = await send(...transfer, "7");
    hash = moved.transactionHash;
    expect(BigInt(moved.gasUsed)).toBeLessThanOrEqual(gas);
    expect(await ask("call", address, "balanceOf(address)(uint256)", NOBODY)).toBe("7");
    await expect(ask("call", "--from", owner, ...transfer, "9999")).rejects.toThrow(/execution reverted.*0x994fecf5/);
    await expect(send(...transfer, "9999")).rejects.toThrow(/execution reverted.*0x994fecf5/);
    const before = `${Number(moved.blockNumber) - 1}`;
    expect(await ask("call", address, "balanceOf(address)(uint256)", NOBODY, "--block", before)).toBe("0");
    const event = "Transfer(address indexed,address indexed,uint256)";
    const logs = JSON.parse(await ask("logs", event, "--address", address, "--from-block", "0", "--json"));
    expect(logs).toHaveLength(2);
    expect(logs[1]).toMatchObject({ transactionHash: hash, data: `0x${"7".padStart(64, "0")}` });
    expect(await ask("receipt", hash, "status")).toMatch(/^(1|true)/);
    expect(JSON.parse(await ask("tx", hash, "--json"))).toMatchObject({ hash, to: address, nonce: "0x4" });
    expect(await ask("tx", hash, "--raw")).toMatch(/^0x02/);
    expect(await ask("code", address)).toBe(await call(net.url, "eth_getCode", [address, "latest"]));
    expect(BigInt(await ask("storage", address, "0"))).toBe(1000n);
    // Executed again, step by step, by cast itself over the state before.
    expect(await ask("run", hash)).toMatch(/transfer.*7/);
  });

  test("forge: a token deployed, a script broadcast, a test on a fork", async () => {
    await run(forge, "build");
    const by = ["--rpc-url", net.url, "--private-key", key(), "--broadcast"];
    const args = ["create", "src/token.sol:Token", ...by, "--json", "--constructor-args", "1000"];
    const made = JSON.parse(await run(forge, ...args));
    address = made.deployedTo;
    expect(await ask("call", address, "balanceOf(address)(uint256)", owner)).toMatch(/^1000\b/);
    // Gas is Filecoin's: what forge would count by Ethereum's table is left out, and the network is asked.
    await run(forge, "script", "script/deploy.sol:Deploy", ...by, "--skip-simulation");
    const log = path.join(folder, `broadcast/deploy.sol/${net.start["chainId"]}/run-latest.json`);
    const { transactions, receipts } = JSON.parse(await readFile(log, "utf8"));
    expect(transactions.map((one: Any) => one.transactionType)).toEqual(["CREATE", "CALL", "CREATE2"]);
    expect(receipts.map((one: Any) => one.status)).toEqual(["0x1", "0x1", "0x1"]);
    const [first, , second] = transactions.map((one: Any) => one.contractAddress);
    expect(await ask("call", first, "balanceOf(address)(uint256)", NOBODY)).toBe("7");
    expect(await ask("call", second, "totalSupply()(uint256)")).toBe("5");
    const told = await run(forge, "test", "--fork-url", net.url);
    expect(told).toMatch(/1 tests? passed, 0 failed/);
    expect(await ask("call", address, "balanceOf(address)(uint256)", owner)).toMatch(/^1000\b/);
  });
});
