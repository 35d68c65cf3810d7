/** A page dials a node by WebSocket: hello, chain exchange, bitswap and gossip; then as a whole node. */
import { afterEach, expect, inject, test } from "vitest";
import { parseCid } from "../../../src/types/cid.ts";
import { plainChain } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode, until } from "../../support/network.ts";
import { openPeerNode, type PeerNode } from "../../support/peer-nodes.ts";

const { address, genesis, name } = inject("pagePeer");
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** Milliseconds that a busy machine may need for what a quiet one does in some seconds. */
const WAIT = 180_000;

test("hello, the chain by exchange, an object by bitswap, blocks by gossip", async () => {
  const source = { ...chainSource(plainChain([0])), genesis: parseCid(genesis) };
  const page: TestNode = await openTestNode(source, [], { get: async () => undefined }, { networkName: name });
  open.push(page.network);
  await page.network.connect(address);
  await until("hello", () => page.hellos.length > 0);
  const hello = page.hellos[0]?.hello;
  expect(`${hello?.genesis}`).toBe(genesis);
  const signal = AbortSignal.timeout(WAIT);
  const chain = await page.network.exchange.fetch(hello?.heaviest ?? [], 5, { messages: true, signal });
  expect(chain).toHaveLength(5);
  const root = chain[0]?.tipset.blocks[0]?.parentStateRoot as NonNullable<(typeof chain)[0]>["tipset"]["key"][0];
  const bytes = await page.network.bitswap?.getBlock(root, { signal });
  expect(bytes?.length).toBeGreaterThan(0);
  await until("a block by gossip", () => page.blocks.length > 0, WAIT);
  expect(page.blocks.every(({ header }) => header.height > 0)).toBe(true);
  expect(page.book.list().filter(({ points }) => points > 0)).toEqual([]);
}, 600_000);

test("a page synchronises, validates every block, follows the chain, and its message is mined by the others", async () => {
  const page: PeerNode = await openPeerNode({ peers: { listen: [], bootstrap: [address] } });
  open.push(page);
  const { chain } = page.net.node;
  await until("the chain", () => chain.head.height >= 6, WAIT);
  const [from, to] = page.net.accounts;
  await until("the page is not behind", () => !page.peers.syncer.isBehind(), WAIT);
  const message = { From: `${from?.secp256k1}`, To: `${to?.bls}`, Value: "7" };
  await page.net.request("MpoolPushMessage", message, null);
  expect(page.net.node.pool.size).toBe(1);
  await until("the message in a block of the others", () => page.net.node.pool.size === 0, WAIT);
  const { counts } = page.peers.syncer.status();
  expect(counts.blocks).toBeGreaterThan(0);
  expect(counts.winningPost.declared).toBe(0);
  expect(page.faults).toEqual([]);
}, 600_000);
