/**
 * FilOzone's synapse-sdk, unmodified, on a local network at version 28: it makes its client and reads chain and balances, and prices, an
 * account, approvals and providers of contracts that stand in for the service's: they answer what they were told to, encoded by the sdk's own
 * interfaces. The service's contracts are FilOzone's and in no package; they are read in the same way where a folder of what forge made of
 * them is named by FILIGREE_SYNAPSE_CONTRACTS (docs/guide-contracts.md). What is not at hand is said and skipped.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import own from "../fixtures/contracts/contracts.json" with { type: "json" };
import token from "../fixtures/contracts/token.json" with { type: "json" };
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { findCorpus } from "../support/find-corpus.ts";

// biome-ignore lint/suspicious/noExplicitAny: the tools' types are not installed where this is type-checked
type Any = any;
const VERSION = 28;
const pack = findCorpus().bundles.find((name) => /(^|[^0-9])v18\.tar\.zst$/.test(name));
const LACKING = "no pack v18.tar.zst of the reference node; set FILIGREE_BUNDLES to a folder that has it";
if (pack === undefined) console.warn(`skipped: ${LACKING}`);
const folder = process.env["FILIGREE_SYNAPSE_CONTRACTS"];
if (folder === undefined)
  console.warn(
    "skipped: reads of the service's own contracts; FILIGREE_SYNAPSE_CONTRACTS names no folder of forge's output",
  );
const LONG = 300_000;
const WHOLE = 10n ** 18n;

describe.skipIf(pack === undefined)("synapse-sdk", { timeout: LONG }, () => {
  let net: CommandNet;
  let viem: Any;
  let sdk: Any;
  let devnet: Any;
  let account: Any;
  let reader: Any;
  let wallet: Any;

  beforeAll(async () => {
    const options = ["--network-version", `${VERSION}`, "--bundle", pack as string, "--predeploy"];
    net = await startCommandNet("--block-time", "0", "--seed", "synapse", ...options);
    viem = await import("viem" as string);
    sdk = await import("@filoz/synapse-sdk" as string);
    ({ devnet } = await import("@filoz/synapse-core/chains" as string));
    const { privateKeyToAccount } = await import("viem/accounts" as string);
    account = privateKeyToAccount(`0x${net.accounts[0]?.keys.ethereum}`);
    const common = { chain: devnet, transport: viem.http(net.url), pollingInterval: 50, cacheTime: 0 };
    reader = viem.createPublicClient(common);
    wallet = viem.createWalletClient({ ...common, account });
  }, LONG);
  afterAll(() => net?.close());

  const mined = async (hash: string): Promise<Any> => {
    const receipt = await reader.waitForTransactionReceipt({ hash });
    expect(receipt.status).toBe("success");
    return receipt;
  };
  const deploy = async (abi: Any, bytecode: string, args: unknown[] = []): Promise<string> =>
    (await mined(await wallet.deployContract({ abi, bytecode, args }))).contractAddress;
  /** The sdk's client on its own chain of local networks, with the contracts that are there. */
  const client = (addresses: Readonly<Record<string, string>>): Any => {
    const given = Object.entries(addresses).map(([name, address]) => [
      name,
      { ...devnet.contracts[name], address: viem.getAddress(address) },
    ]);
    const chain = { ...devnet, contracts: { ...devnet.contracts, ...Object.fromEntries(given) } };
    return sdk.Synapse.create({ chain, account, transport: viem.http(net.url), source: "test" });
  };

  test("chain, height, FIL, a token through Multicall3; a service that is not there is an error with words", async () => {
    const usdfc = await deploy(token.abi, token.bytecode, [100n]);
    const synapse = client({ usdfc });
    expect(await synapse.client.getChainId()).toBe(net.start["chainId"]);
    expect(await synapse.client.getBlockNumber()).toBeGreaterThan(0n);
    const { payments } = synapse;
    expect(await payments.walletBalance()).toBe(await reader.getBalance({ address: account.address }));
    expect(await payments.walletBalance({ token: sdk.TOKENS.USDFC })).toBe(100n);
    const spender = `0x${"22".repeat(20)}`;
    expect(await payments.allowance({ spender })).toBe(0n);
    await mined(await payments.approve({ spender, amount: 9n }));
    expect(await payments.allowance({ spender })).toBe(9n);
    await expect(payments.accountInfo()).rejects.toThrow(/returned no data/);
    await expect(synapse.providers.getProviderCount()).rejects.toThrow(/returned no data/);
  });

  test("what stands in for the service: prices, an account, approvals, providers; what it was not told is an error with its words", async () => {
    const usdfc = await deploy(token.abi, token.bytecode, [100n]);
    const addresses: Record<string, string> = { usdfc };
    for (const name of ["filecoinPay", "fwss", "fwssView", "serviceProviderRegistry"])
      addresses[name] = await deploy(own.Answers.abi, own.Answers.bytecode);
    const tell = async (name: string, functionName: string, result: unknown): Promise<void> => {
      const { abi } = devnet.contracts[name];
      const method = viem.toFunctionSelector(viem.getAbiItem({ abi, name: functionName }));
      const args = [method, viem.encodeFunctionResult({ abi, functionName, result })];
      const { Answers } = own;
      const call = { abi: Answers.abi, address: addresses[name], functionName: "answer", args };
      await mined(await wallet.writeContract(call));
    };
    const { encodePDPCapabilities } = await import("@filoz/synapse-core/utils" as string);
    const pdp = {
      ...{ serviceURL: "https://example.com", minPieceSizeInBytes: 127n, maxPieceSizeInBytes: 1n << 30n },
      ...{ storagePricePerTibPerDay: 3n, minProvingPeriodInEpochs: 30n, location: "C=CH;ST=ZH;L=Z" },
      ...{ ipniPiece: false, ipniIpfs: false, paymentTokenAddress: usdfc.toLowerCase() },
    };
    const [capabilityKeys, productCapabilityValues] = encodePDPCapabilities(pdp);
    const providerInfo = {
      ...{ serviceProvider: account.address, payee: account.address, isActive: true },
      ...{ name: "one", description: "a provider" },
    };
    const product = { productType: 0, capabilityKeys, isActive: true };
    const provider = { providerId: 2n, providerInfo, product, productCapabilityValues };
    await tell("filecoinPay", "accounts", [5n * WHOLE, 10n, 2n, 0n]);
    await tell("filecoinPay", "operatorApprovals", [true, 7n, 8n, 9n, 10n, 2880n]);
    await tell("fwss", "getServicePrice", {
      ...{ pricePerTiBPerMonthNoCDN: 864_000n, pricePerTiBCdnEgress: 1n, pricePerTiBCacheMissEgress: 2n },
      ...{ tokenAddress: viem.getAddress(usdfc), epochsPerMonth: 86_400n, minimumPricePerMonth: 3n },
    });
    await tell("fwssView", "getApprovedProviders", []);
    await tell("serviceProviderRegistry", "getProviderCount", 3n);
    await tell("serviceProviderRegistry", "isRegisteredProvider", true);
    await tell("serviceProviderRegistry", "getProvidersByProductType", { providers: [provider], hasMore: false });

    const { payments, providers, storage } = client(addresses);
    const height: bigint = await reader.getBlockNumber();
    expect(await payments.accountInfo()).toEqual({
      ...{ funds: 5n * WHOLE, lockupCurrent: 10n, lockupRate: 2n, lockupLastSettledAt: 0n },
      availableFunds: 5n * WHOLE - 10n - 2n * height,
    });
    expect(await payments.serviceApproval()).toEqual({
      ...{ isApproved: true, rateAllowance: 7n, lockupAllowance: 8n, rateUsage: 9n, lockupUsage: 10n },
      maxLockupPeriod: 2880n,
    });
    const { pricing, allowances } = await storage.getStorageInfo();
    expect(pricing.noCDN).toEqual({ perTiBPerMonth: 864_000n, perTiBPerDay: 28_800n, perTiBPerEpoch: 10n });
    expect(pricing.tokenAddress).toBe(viem.getAddress(usdfc));
    expect(allowances).toMatchObject({ isApproved: true, rateUsed: 9n, lockupUsed: 10n });
    expect(await providers.getProviderCount()).toBe(3n);
    expect(await providers.isRegisteredProvider({ address: account.address })).toBe(true);
    expect(await providers.getAllActiveProviders()).toMatchObject([{ id: 2n, ...providerInfo, pdp }]);
    await expect(providers.activeProviderCount()).rejects.toThrow(/nothing was said of this method/);
  });

  test.skipIf(folder === undefined)("the service's contracts: prices, accounts, approvals, providers", async () => {
    const synapse = client(await deployService());
    const { payments, providers, storage } = synapse;
    expect(await payments.walletBalance({ token: sdk.TOKENS.USDFC })).toBe(1000n * WHOLE);
    expect(await payments.accountInfo()).toMatchObject({ funds: 0n, availableFunds: 0n });
    expect(await payments.serviceApproval()).toMatchObject({ isApproved: false, lockupUsage: 0n });
    expect(await storage.findDataSets()).toEqual([]);
    expect(await storage.getUploadCosts({ dataSize: 1_000_000n })).toMatchObject({ ready: false });
    expect(await providers.getAllActiveProviders()).toEqual([]);
    const pdpOffering = {
      ...{ serviceURL: "https://example.com", minPieceSizeInBytes: 127n, maxPieceSizeInBytes: 1n << 30n },
      ...{ storagePricePerTibPerDay: 1n, minProvingPeriodInEpochs: 30n, location: "C=CH;ST=ZH;L=Z" },
      paymentTokenAddress: synapse.chain.contracts.usdfc.address,
    };
    const offered = { payee: account.address, name: "one", description: "a provider", pdpOffering };
    await mined(await providers.registerProvider(offered));
    const pdp = { ...pdpOffering, paymentTokenAddress: pdpOffering.paymentTokenAddress.toLowerCase() };
    expect(await providers.getAllActiveProviders()).toMatchObject([{ id: 1n, name: "one", pdp }]);
    expect(await synapse.getProviderInfo(account.address)).toMatchObject({ id: 1n, payee: account.address });
    const { filecoinPay } = synapse.chain.contracts;
    await mined(await payments.approve({ spender: filecoinPay.address, amount: WHOLE }));
    await mined(await payments.deposit({ amount: WHOLE }));
    await mined(await payments.approveService());
    expect(await payments.accountInfo()).toMatchObject({ funds: WHOLE, availableFunds: WHOLE });
    const { pricing, allowances } = await storage.getStorageInfo();
    expect(pricing.noCDN.perTiBPerMonth).toBeGreaterThan(0n);
    expect(pricing.tokenAddress).toBe(synapse.chain.contracts.usdfc.address);
    expect(allowances).toMatchObject({ isApproved: true, rateUsed: 0n });
  });

  /** Deploys the service like its own script: implementations, proxies before them, libraries, the view of its state. */
  async function deployService(): Promise<Record<string, string>> {
    const read = (name: string): Any =>
      JSON.parse(readFileSync(path.join(folder as string, `${name}.sol`, `${name}.json`), "utf8"));
    const made = async (
      name: string,
      args: unknown[] = [],
      libraries: Record<string, string> = {},
    ): Promise<string> => {
      const { abi, bytecode } = read(name);
      let code: string = bytecode.object;
      for (const file of Object.values<Any>(bytecode.linkReferences))
        for (const [library, places] of Object.entries<Any>(file))
          for (const { start, length } of places) {
            const [from, to] = [2 + 2 * start, 2 + 2 * (start + length)];
            code = code.slice(0, from) + `${libraries[library]}`.slice(2).toLowerCase() + code.slice(to);
          }
      return deploy(abi, code, args);
    };
    const behindProxy = async (name: string, logic: string, args: unknown[]): Promise<string> => {
      const { abi } = read(name);
      const address = await deploy(own.Proxy.abi, own.Proxy.bytecode, [logic]);
      await mined(await wallet.writeContract({ abi, address, functionName: "initialize", args }));
      return address;
    };
    const usdfc = await deploy(token.abi, token.bytecode, [1000n * WHOLE]);
    const filecoinPay = await made("FilecoinPayV1");
    const verifier = await made("PDPVerifier", [1n, usdfc, WHOLE / 10n, filecoinPay]);
    const pdp = await behindProxy("PDPVerifier", verifier, [150n]);
    const registry = await made("ServiceProviderRegistry", [1n]);
    const serviceProviderRegistry = await behindProxy("ServiceProviderRegistry", registry, []);
    const sessionKeyRegistry = await made("SessionKeyRegistry");
    const endorsements = await made("ProviderIdSet");
    const libraries = { Rails: await made("Rails"), SignatureVerificationLib: await made("SignatureVerificationLib") };
    const of = [pdp, filecoinPay, usdfc, account.address, serviceProviderRegistry, sessionKeyRegistry, 1n];
    const service = await made("FilecoinWarmStorageService", of, libraries);
    const texts = ["Local", "A service on a local network"];
    const fwss = await behindProxy("FilecoinWarmStorageService", service, [2880n, 30n, account.address, ...texts]);
    const fwssView = await made("FilecoinWarmStorageServiceStateView", [fwss]);
    const { abi } = read("FilecoinWarmStorageService");
    await mined(await wallet.writeContract({ abi, address: fwss, functionName: "setViewContract", args: [fwssView] }));
    return { usdfc, filecoinPay, pdp, serviceProviderRegistry, sessionKeyRegistry, endorsements, fwss, fwssView };
  }
});
