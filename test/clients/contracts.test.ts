/**
 * Contracts beside the published actors, by unmodified tools: a proxy, a factory with CREATE2, one that calls Filecoin's precompiles and
 * a miner actor (viem), an ERC-20 token (web3.js, Hardhat), and what contract developers do to a local network. Actors are nobody's to
 * commit: where no bundle is at hand this says so and skips. `npm run test:clients` installs the tools.
 */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import contracts from "../fixtures/contracts/contracts.json" with { type: "json" };
import token from "../fixtures/contracts/token.json" with { type: "json" };
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { call } from "../support/devnet.ts";
import { findCorpus } from "../support/find-corpus.ts";

// biome-ignore lint/suspicious/noExplicitAny: the tools' types are not installed where this is type-checked
type Any = any;
const load = createRequire(import.meta.url) as { (name: string): Any; resolve(name: string): string };

const VERSION = 23;
const pack = findCorpus().bundles.find((name) => /(^|[^0-9])v14\.tar\.zst$/.test(name));
const LACKING = "no pack v14.tar.zst of the reference node; set FILIGREE_BUNDLES to a folder that has it";
if (pack === undefined) console.warn(`skipped: ${LACKING}`);
/** FRC-42 number of "GetOwner" of a miner. */
const GET_OWNER = 3_275_365_574n;

describe.skipIf(pack === undefined)("contracts", () => {
  let net: CommandNet;
  const key = (i: number): string => `0x${net.accounts[i]?.keys.ethereum}`;
  const ask = (method: string, ...params: readonly unknown[]): Promise<Any> => call(net.url, method, params);

  beforeAll(async () => {
    const options = ["--network-version", `${VERSION}`, "--bundle", pack as string, "--predeploy"];
    net = await startCommandNet("--block-time", "0", "--seed", "contracts", ...options);
    await ask("Devnet.mine", 1);
  });
  afterAll(() => net?.close());

  /** viem's clients of an account, and how a contract is deployed by it. */
  function viemOf(account: number) {
    const viem = load("viem");
    const owner = load("viem/accounts").privateKeyToAccount(key(account));
    const contracts = { multicall3: { address: "0xca11bde05977b3631167028862be2a173976ca11" } };
    const chain = viem.defineChain({
      ...{ id: net.start["chainId"], name: "local", rpcUrls: { default: { http: [net.url] } }, contracts },
      nativeCurrency: { name: "FIL", symbol: "FIL", decimals: 18 },
    });
    const common = { chain, transport: viem.http(net.url), pollingInterval: 50, cacheTime: 0 };
    const reader = viem.createPublicClient(common);
    const wallet = viem.createWalletClient({ ...common, account: owner });
    const mined = (hash: string): Promise<Any> => reader.waitForTransactionReceipt({ hash });
    const deploy = async ({ abi, bytecode }: Any, args: unknown[] = []): Promise<string> =>
      (await mined(await wallet.deployContract({ abi, bytecode, args }))).contractAddress;
    const write = async (request: Any): Promise<Any> => mined(await wallet.writeContract(request));
    return { viem, owner, reader, wallet, deploy, write, mined };
  }

  test("a proxy, whose calls are delegated: storage, events, errors, traces", async () => {
    const { viem, owner, reader, deploy, write } = viemOf(0);
    const { abi } = contracts.Counter;
    const logic = await deploy(contracts.Counter);
    const address = await deploy(contracts.Proxy, [logic]);
    const receipt = await write({ abi, address, functionName: "add", args: [5n] });
    expect(viem.parseEventLogs({ abi, logs: receipt.logs })).toMatchObject([
      { address, eventName: "Counted", args: { by: owner.address, count: 5n } },
    ]);
    const read = (at: string): Promise<bigint> => reader.readContract({ abi, address: at, functionName: "count" });
    expect([await read(address), await read(logic)]).toEqual([5n, 0n]);
    const refused = await reader
      .simulateContract({ abi, address, functionName: "add", args: [5000n], account: owner })
      .catch((error: Any) => error);
    expect(refused.walk((one: Any) => one.data?.errorName !== undefined).data).toMatchObject({ errorName: "TooMuch" });
    const traces = await ask("trace_transaction", receipt.transactionHash);
    expect(traces.map((one: Any) => [one.action.callType, one.action.to, one.traceAddress])).toEqual([
      ["call", address, []],
      ["delegatecall", logic, [0]],
    ]);
    expect(traces[1].action.input).toBe(traces[0].action.input);
    // Both in one call, by the contract that stands at Multicall3's address.
    const each = { abi, functionName: "count" };
    const both = await reader.multicall({
      contracts: [
        { ...each, address },
        { ...each, address: logic },
      ],
    });
    expect(both.map((one: Any) => one.result)).toEqual([5n, 0n]);
    // With storage that is not the chain's.
    const stateOverride = [{ address, stateDiff: [{ slot: viem.pad("0x0"), value: viem.pad("0x4d") }] }];
    expect(await reader.readContract({ ...each, address, stateOverride })).toBe(77n);
  });

  test("a factory with CREATE2, and the deterministic deployer", async () => {
    const { viem, reader, wallet, deploy, write, mined } = viemOf(1);
    const { abi } = contracts.Factory;
    const address = await deploy(contracts.Factory);
    const salt = viem.pad("0x07");
    const expected = await reader.readContract({ abi, address, functionName: "addressOf", args: [salt] });
    const receipt = await write({ abi, address, functionName: "make", args: [salt] });
    expect(viem.parseEventLogs({ abi, logs: receipt.logs })).toMatchObject([{ args: { at: expected } }]);
    expect(
      viem.getContractAddress({ opcode: "CREATE2", from: address, salt, bytecode: contracts.Counter.bytecode }),
    ).toBe(expected);
    const created = (await ask("trace_transaction", receipt.transactionHash)).find((one: Any) => one.type === "create");
    expect(created.result.address).toBe(expected.toLowerCase());
    const deployer = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
    await mined(await wallet.sendTransaction({ to: deployer, data: viem.concat([salt, contracts.Counter.bytecode]) }));
    const at = viem.getContractAddress({
      opcode: "CREATE2",
      from: deployer,
      salt,
      bytecode: contracts.Counter.bytecode,
    });
    expect((await reader.getCode({ address: at })).length).toBeGreaterThan(100);
  });

  test("one that calls Filecoin's precompiles and a miner actor", async () => {
    const { viem, reader, deploy } = viemOf(2);
    const address = await deploy(contracts.Native);
    const { abi } = contracts.Native;
    const miner = `${net.start["miner"] ?? (await ask("Devnet.info"))["miner"]}`;
    const id = BigInt(miner.slice(2));
    const ask2 = async (functionName: string, args: unknown[]): Promise<Any> =>
      (await reader.simulateContract({ abi, address, functionName, args })).result;
    // f410 of the contract itself, in bytes: protocol 4, namespace 10.
    const own = await ask2("resolve", [viem.concat(["0x040a", address])]);
    expect(await ask("Filecoin.StateLookupID", await ask("Filecoin.EthAddressToFilecoinAddress", address), [])).toBe(
      `t0${own}`,
    );
    expect(await ask2("lookup", [own])).toBe(`0x040a${address.slice(2).toLowerCase()}`);
    const [exit, codec, data] = await ask2("ask", [id, GET_OWNER, "0x"]);
    // [owner, nobody proposed]: the first account.
    expect([exit, codec, data]).toEqual([0n, 0x51n, "0x82420064f6"]);
  });

  test("web3.js: an ERC-20 token of an account of the node", async () => {
    const { Web3 } = load("web3");
    const web3 = new Web3(net.url);
    web3.eth.transactionPollingInterval = 100;
    const [from, to] = await web3.eth.getAccounts();
    const made = new web3.eth.Contract(token.abi).deploy({ data: token.bytecode, arguments: [100n] });
    const contract = await made.send({ from });
    expect(await contract.methods.totalSupply().call()).toBe(100n);
    const receipt = await contract.methods.transfer(to, 7).send({ from });
    expect([receipt.status, Object.keys(receipt.events)]).toEqual([1n, ["Transfer"]]);
    expect(await contract.methods.balanceOf(to).call()).toBe(7n);
    expect(await contract.getPastEvents("Transfer", { fromBlock: 0 })).toHaveLength(2);
    await expect(contract.methods.transfer(to, 5000).send({ from })).rejects.toThrow();
  });

  test("Hardhat: an ERC-20 token by a script, with a snapshot", async () => {
    const folder = fileURLToPath(new URL(".", import.meta.url));
    const cli = load.resolve("hardhat/internal/cli/bootstrap");
    const args = [cli, "--config", "hardhat/hardhat.config.cjs", "run", "--no-compile", "hardhat/token.cjs"];
    const env = { ...process.env, FILECOIN_URL: net.url, HARDHAT_DISABLE_TELEMETRY_PROMPT: "true" };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env });
    expect(JSON.parse(stdout.trim().split("\n").at(-1) as string)).toEqual({
      ...{ made: "0x1", moved: "0x1", logs: 1, after: 7, reverted: 0 },
    });
  });

  test("viem's test client: snapshot, time, balances, impersonation, storage", async () => {
    const { viem, reader, deploy } = viemOf(3);
    const { abi } = contracts.Counter;
    const address = await deploy(contracts.Counter);
    const { chain } = reader;
    const dev = viem.createTestClient({ chain, mode: "anvil", transport: viem.http(net.url) });
    const nobody = `0x${"ab".repeat(20)}`;
    const id = await dev.snapshot();
    await dev.setBalance({ address: nobody, value: 10n ** 18n });
    await dev.impersonateAccount({ address: nobody });
    const wallet = viem.createWalletClient({ chain, account: nobody, transport: viem.http(net.url) });
    const hash = await wallet.writeContract({ abi, address, functionName: "add", args: [3n] });
    expect((await reader.waitForTransactionReceipt({ hash, pollingInterval: 50 })).status).toBe("success");
    const read = (functionName: string): Promise<Any> => reader.readContract({ abi, address, functionName });
    expect([await read("count"), (await read("last")).toLowerCase()]).toEqual([3n, nobody]);
    await dev.setStorageAt({ address, index: 0, value: viem.pad("0x63") });
    expect(await read("count")).toBe(99n);
    const [before] = await read("time");
    await dev.increaseTime({ seconds: 86_400 });
    await dev.mine({ blocks: 2 });
    const [after] = await read("time");
    expect(Number(after - before)).toBeGreaterThanOrEqual(86_400);
    await dev.revert({ id });
    expect([await read("count"), await reader.getBalance({ address: nobody })]).toEqual([0n, 0n]);
  });
});
