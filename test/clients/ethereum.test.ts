/**
 * Ethereum's tools, unmodified, on a local network with the published actors: an ERC-20 token deployed and used by viem and by ethers.
 * Actors are nobody's to commit: where no bundle is at hand this says so and skips. `npm run test:clients` installs the tools.
 */
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import token from "../fixtures/contracts/token.json" with { type: "json" };
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { findCorpus } from "../support/find-corpus.ts";

// biome-ignore lint/suspicious/noExplicitAny: the tools' types are not installed where this is type-checked
type Any = any;
const load = createRequire(import.meta.url) as (name: string) => Any;

const VERSION = 23;
const pack = findCorpus().bundles.find((name) => /(^|[^0-9])v14\.tar\.zst$/.test(name));
const LACKING = "no pack v14.tar.zst of the reference node; set FILIGREE_BUNDLES to a folder that has it";
if (pack === undefined) console.warn(`skipped: ${LACKING}`);

describe.skipIf(pack === undefined)("an ERC-20 token", () => {
  let net: CommandNet;
  const key = (i: number): string => `0x${net.accounts[i]?.keys.ethereum}`;

  beforeAll(async () => {
    const options = ["--network-version", `${VERSION}`, "--bundle", pack as string];
    net = await startCommandNet("--block-time", "0", "--seed", "ethereum", ...options);
  });
  afterAll(() => net?.close());

  test("viem", async () => {
    const viem = load("viem");
    const { privateKeyToAccount } = load("viem/accounts");
    const { abi, bytecode } = token;
    const chain = viem.defineChain({
      ...{ id: net.start["chainId"], name: "local", rpcUrls: { default: { http: [net.url] } } },
      nativeCurrency: { name: "FIL", symbol: "FIL", decimals: 18 },
    });
    const [owner, other] = [privateKeyToAccount(key(0)), privateKeyToAccount(key(1))];
    const common = { chain, transport: viem.http(net.url), pollingInterval: 50, cacheTime: 0 };
    const reader = viem.createPublicClient(common);
    const wallet = viem.createWalletClient({ ...common, account: owner });
    expect(await reader.getChainId()).toBe(chain.id);

    const deployed = await reader.waitForTransactionReceipt({
      hash: await wallet.deployContract({ abi, bytecode, args: [1000n] }),
    });
    expect([deployed.status, deployed.logs.length]).toEqual(["success", 1]);
    const address = deployed.contractAddress;
    const to = other.address;
    const hash = await wallet.writeContract({ abi, address, functionName: "transfer", args: [to, 7n] });
    const moved = await reader.waitForTransactionReceipt({ hash });
    expect(viem.parseEventLogs({ abi, logs: moved.logs })).toMatchObject([
      { eventName: "Transfer", args: { from: owner.address, to, value: 7n } },
    ]);
    expect(await reader.readContract({ abi, address, functionName: "balanceOf", args: [to] })).toBe(7n);
    const events = { abi, address, eventName: "Transfer", args: { to }, fromBlock: 0n };
    expect((await reader.getContractEvents(events)).map((one: Any) => one.transactionHash)).toEqual([hash]);
    expect(await reader.getTransaction({ hash })).toMatchObject({
      from: owner.address.toLowerCase(),
      nonce: 1,
      to: address,
    });

    const [number, , id] = await reader.readContract({ abi, address, functionName: "where" });
    expect([number, id]).toEqual([await reader.getBlockNumber(), BigInt(chain.id)]);
    const short = { abi, address, functionName: "transfer", args: [to, 5000n], account: owner };
    const refused = await reader.simulateContract(short).catch((error: Any) => error);
    expect(refused.walk((one: Any) => one.data?.errorName !== undefined).data).toMatchObject({
      ...{ errorName: "Short", args: [993n, 5000n] },
    });
    const taken = { abi, address, functionName: "transferFrom", args: [to, owner.address, 1n], account: owner };
    expect((await reader.simulateContract(taken).catch((error: Any) => error)).shortMessage).toMatch(/not allowed/);
    expect((await reader.getCode({ address })).length).toBeGreaterThan(1000);
    expect(BigInt(await reader.getStorageAt({ address, slot: "0x0" }))).toBe(1000n);
    const sent = await wallet.sendTransaction({ to: address, value: 5n });
    expect((await reader.waitForTransactionReceipt({ hash: sent })).status).toBe("success");
    expect(await reader.getBalance({ address })).toBe(5n);
    expect((await reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] })).reward).toHaveLength(2);
  });

  test("ethers", async () => {
    const ethers = load("ethers");
    const provider = new ethers.JsonRpcProvider(net.url, undefined, { pollingInterval: 50, cacheTimeout: -1 });
    try {
      const wallet = new ethers.Wallet(key(2), provider);
      const to = ethers.computeAddress(key(3));
      const contract = await new ethers.ContractFactory(token.abi, token.bytecode, wallet).deploy(500n);
      await contract.waitForDeployment();
      expect(await contract.totalSupply()).toBe(500n);
      const receipt = await (await contract.transfer(to, 3n)).wait();
      expect([receipt.status, receipt.logs.length, await contract.balanceOf(to)]).toEqual([1, 1, 3n]);
      expect(await contract.queryFilter("Transfer", 0)).toHaveLength(2);
      await expect(contract.transfer(to, 5000n)).rejects.toMatchObject({ code: "CALL_EXCEPTION" });
      const legacy = await (await wallet.sendTransaction({ to, value: 1n, type: 0 })).wait();
      expect([legacy.status, legacy.type]).toEqual([1, 0]);
    } finally {
      provider.destroy();
    }
  });
});
