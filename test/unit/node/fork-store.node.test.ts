/** A fork's store with a node that lies about its chain: nothing of that comes into the index of the network's own. */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { ForkStore } from "../../../src/node/fork/fork-store.ts";
import type { RemoteChain, RemoteTipset } from "../../../src/node/fork/remote-chain.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { Tipset } from "../../../src/types/block-header.ts";

const name = (height: number): string => `height/${`${height}`.padStart(16, "0")}`;

test("a tipset of another epoch than was asked for, or than its header says, is refused", async () => {
  const net = await Devnet.open({ accounts: 1 });
  net.clock.setAutomine(false);
  const first = await net.clock.mine(1);
  const point = await net.clock.mine(5);
  let answer: RemoteTipset = first;
  const remote = {
    url: "http://other",
    block: (cid: { readonly bytes: Uint8Array }) => net.node.chain.blocks.get(cid.bytes),
    atOrBefore: async () => answer,
    atOrAfter: async () => answer,
  } as unknown as RemoteChain;
  const inner = new MemoryStore();
  const store = new ForkStore(inner, remote, await loadCrypto(), point);
  const refused = async (height: number, { key }: Tipset, said: number, why: string): Promise<void> => {
    answer = { key, height: said };
    await expect(store.metadata(name(height))).rejects.toThrow(why);
    expect(await inner.metadataWith("")).toEqual([]);
  };
  // One of this network's own epochs would be overwritten.
  await refused(3, first, 100, "is at epoch 100, and one from 0 to 3 was asked for");
  await refused(3, first, 3, "is of epoch 1");
  answer = first;
  expect(await store.metadata(name(3))).toBeUndefined();
  expect(await store.metadata(name(1))).toBeDefined();
  await net.close();
});
