/** Forks of a network of several nodes: of a node that began it, and of one that joined. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { initNode, openJoinedNode } from "../../src/node/joined-node.ts";
import { LocalNetwork } from "../../src/node/local-network.ts";
import { descriptionToJson, parseDescription } from "../../src/node/network-description.ts";
import { memorySecrets } from "../../src/platform/secrets.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { FIL } from "../../src/types/amount.ts";
import { networkOptions, waitFor } from "../support/local-network.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const OWN_WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow";

let net: LocalNetwork;
let url: string;
beforeAll(async () => {
  net = await LocalNetwork.open(networkOptions({ nodes: 2, miners: 2, mnemonic: OWN_WORDS }));
  const [node] = net.nodes as [LocalNetwork["nodes"][0]];
  ({ url } = await node.serve());
  await waitFor("two epochs", () => node.node.chain.head.height >= 2 || null);
});
afterAll(() => net?.close());

/** A node that joins a network, served. */
async function join(of: LocalNetwork) {
  const store = new MemoryStore();
  const car = await of.genesisCar();
  await initNode(store, parseDescription(JSON.stringify(descriptionToJson(of.describe()))), {
    size: car.length,
    read: async (from, size) => car.subarray(from, from + size),
  });
  const joined = await openJoinedNode({
    ...{ store, secrets: memorySecrets(), listen: ["/ip4/127.0.0.1/tcp/0"], mine: [], machine: "thread" },
    version: "test",
  });
  return { joined, url: (await joined.serve()).url };
}

async function pay(fork: Devnet): Promise<void> {
  const [alice, bob] = fork.accounts.map(({ secp256k1 }) => secp256k1.toString("t"));
  const before = BigInt(await fork.request<string>("WalletBalance", bob));
  const message = { From: alice, To: bob, Value: `${FIL}`, Method: 0 };
  const { CID } = await fork.request("MpoolPushMessage", message as never, null);
  await fork.request("Devnet.mine", 2);
  expect((await fork.request("StateWaitMsg", CID, 0, -1, true)).Receipt.ExitCode).toBe(0);
  expect(BigInt(await fork.request<string>("WalletBalance", bob))).toBe(before + FIL);
}

test("a node that began the network gives a fork with its accounts, which passes epochs by itself", async () => {
  const fork = await Devnet.fork(url);
  try {
    expect(fork.accounts.map(({ secp256k1 }) => `${secp256k1}`)).toEqual(
      net.accounts.map(({ secp256k1 }) => `${secp256k1}`),
    );
    expect(fork.clock.blockTime).toBe(1);
    await pay(fork);
  } finally {
    await fork.close();
  }
});

test("a node that joined has the words that nobody chose; of others it says what can be forked instead", async () => {
  const own = await join(net);
  await expect(Devnet.fork(own.url).finally(() => own.joined.stop())).rejects.toThrow(
    /Devnet\.info: no mnemonic \(.*a node that joined does not know: fork a node of the process that began/,
  );
  const usual = await LocalNetwork.open(networkOptions({ nodes: 1, miners: 1 }));
  const joined = await join(usual);
  try {
    const fork = await Devnet.fork(joined.url);
    await pay(fork).finally(() => fork.close());
  } finally {
    await joined.joined.stop();
    await usual.close();
  }
});
