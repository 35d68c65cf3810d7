/** After a network was closed, whatever is asked of it fails by one error: nothing is answered from memory, and nothing starts again. */
import { expect, expectTypeOf, test } from "vitest";
import { Executor } from "../../../src/exec/executor.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { openProvider } from "../../../src/provider.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { FIL } from "../../../src/types/amount.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

test("a closed network answers nothing, makes nothing and serves nothing", async () => {
  const net = await Devnet.open({ ...TEST_OPTIONS, accounts: 1, balance: FIL });
  const before = net.head;
  const mining = net.clock.mine(3);
  const closing = net.close();
  await mining;
  const address = `${net.accounts[0]?.secp256k1.toString("t")}`;
  const asked: Readonly<Record<string, () => unknown>> = {
    "a method that would find its answer in memory": () => net.request("ChainHead"),
    Version: () => net.request("Version"),
    "what is read from the state": () => net.request("WalletBalance", address),
    "what waits": () => net.request("MpoolPending", []),
    "mining by a method": () => net.request("Devnet.mine", 1),
    mine: () => net.clock.mine(1),
    mineTo: () => net.clock.mineTo(99),
    skip: () => net.clock.skip(1),
    start: () => net.clock.start(),
    setBlockTime: () => net.clock.setBlockTime(1),
    setAutomine: () => net.clock.setAutomine(false),
    serve: () => net.serve(),
    snapshot: () => net.snapshot(),
    revert: () => net.revert(1),
    dump: () => net.dump().next(),
  };
  const fails = async (): Promise<void> => {
    for (const [name, ask] of Object.entries(asked)) {
      const error = await (async () => ask())().then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error, name).toMatchObject({ code: "CLOSED" });
    }
  };
  await closing;
  await fails();
  await net.close();
  await fails();
  expect(net.isClosed).toBe(true);
  expect(net.head.height - before.height).toBeLessThanOrEqual(3);
  expect(Object.values(net.health()).map(({ status }) => status)).not.toContain("ok");
});

test("a provider of a closed network says that it is disconnected, whichever of the two was closed", async () => {
  const closeBy = [(one: { close(): Promise<void> }) => one.close(), (one: { network: Devnet }) => one.network.close()];
  for (const close of closeBy) {
    const provider = await openProvider({ ...TEST_OPTIONS, accounts: 1, balance: FIL });
    expect(await provider.request({ method: "eth_chainId" })).toBe("0x1df5e76");
    // As `any` it is no account to clients of Ethereum, and what they are to send does not compile.
    const [owner] = await provider.request({ method: "eth_accounts" });
    expectTypeOf(owner).toEqualTypeOf<`0x${string}`>();
    await close(provider as never);
    await expect(provider.request({ method: "eth_chainId" })).rejects.toMatchObject({
      name: "ProviderRpcError",
      code: 4900,
    });
    await provider.close();
  }
});

test("a closed executor runs nothing", async () => {
  const parts = { blocks: new MemoryStore(), randomness: undefined as never, proofs: undefined as never };
  const executor = new Executor({}, parts);
  await executor.close();
  await expect(executor.run(undefined as never, () => 1)).rejects.toMatchObject({ code: "CLOSED" });
});
