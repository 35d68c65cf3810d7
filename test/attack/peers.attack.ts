/**
 * Bad peers of every kind against a node of a network with miners, one kind after another. After each: the peer is banned,
 * known for what it did, or its bytes led to nothing, as its kind says; an honest peer was served meanwhile and is blamed
 * for nothing; the chain did not move; nothing went wrong in the node; memory is bounded.
 */
import { afterAll, beforeAll, test } from "vitest";
import { DEADLINES } from "../../src/network/params.ts";
import type { CID } from "../../src/types/cid.ts";
import { type Attack, type Kind, recordOf } from "../support/bad-attack.ts";
import { KINDS } from "../support/bad-kinds.ts";
import { type BadPeer, openBadPeer } from "../support/bad-peer.ts";
import { chainSource, openTestNode, type TestNode, until } from "../support/network.ts";
import { openPeerNode, type PeerNode } from "../support/peer-nodes.ts";
import { attackTimes } from "./tally.ts";

/** Runs of each kind, in the whole. */
const RUNS = 20;
/** Bytes that all runs together may leave behind, and one run may take for a moment. */
const LEFT = 96 << 20;
const AT_ONCE = 320 << 20;
const EPOCHS = 8;
const SHORT = 1000;
/** Milliseconds between two requests of the honest peer. */
const HONEST_PACE = 40;

let node: PeerNode;
let honest: TestNode;
let genesis: CID;
let before: number;
const used = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
/** Memory once what is garbage is gone. */
const held = (): number => {
  (globalThis as unknown as { gc(): void }).gc();
  return used();
};

beforeAll(async () => {
  node = await openPeerNode({
    peers: {
      deadlines: { ...DEADLINES, hello: SHORT, exchangeRead: SHORT, bitswapMessage: SHORT },
    },
  });
  await node.mine(EPOCHS);
  const first = await node.net.node.chain.genesis();
  genesis = first.key[0] as CID;
  const { name } = node.net.node.states.network;
  honest = await openTestNode(chainSource([first]), [], undefined, { networkName: name });
  await honest.network.connect(node.address);
  before = held();
});
afterAll(async () => {
  await honest.network.close();
  await node.close();
});

/** When the honest peer asked last: it keeps to what a peer may ask. */
let lastAsked = 0;

async function fetchHonestly(): Promise<void> {
  const due = lastAsked + HONEST_PACE;
  lastAsked = Math.max(due, Date.now());
  await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
  const { key } = node.net.head;
  const got = await honest.network.exchange.fetch(key, 4, { messages: true, signal: AbortSignal.timeout(15_000) });
  if (got.length !== 4) throw new Error(`an honest peer got ${got.length} of 4 tipsets`);
}

async function attackOnce(kind: Kind): Promise<void> {
  const { book } = node.peers;
  const head = node.net.head.key.join();
  const peers: BadPeer[] = [];
  const attack: Attack = {
    node,
    genesis,
    isBanned: ({ id }) => book.isBanned(id),
    async peer(handlers, muxer) {
      const made = await openBadPeer(node.address, handlers, muxer);
      peers.push(made);
      return made;
    },
  };
  const honestly = fetchHonestly();
  try {
    const [peer] = await Promise.all([kind.run(attack), honestly]);
    await judge(kind, attack, peer);
    if (used() - before > AT_ONCE && held() - before > AT_ONCE)
      throw new Error(`${(used() - before) >> 20} MiB more than before`);
  } finally {
    await honestly.catch(() => undefined);
    await Promise.all(peers.map((peer) => peer.close()));
  }
  await fetchHonestly();
  const blamed = book.list().find(({ id }) => id === honest.network.id);
  if ((blamed?.lastOffence ?? null) !== null) throw new Error(`the honest peer is blamed for ${blamed?.lastOffence}`);
  if (node.faults.length > 0) throw new Error(`a fault of the node: ${node.faults.splice(0).join()}`);
  if (node.net.head.key.join() !== head) throw new Error("the head moved");
}

async function judge({ outcome: { fate, offence } }: Kind, attack: Attack, peer: BadPeer): Promise<void> {
  const points = (): number => recordOf(attack, peer)?.points ?? 0;
  if (fate === "banned") {
    await until("the ban", () => attack.isBanned(peer));
    await until("the end of its connections", () => peer.connection.status !== "open");
  } else if (fate === "scored") await until("points", () => points() > 0);
  else if (points() > 0 || attack.isBanned(peer)) throw new Error(`blamed for ${recordOf(attack, peer)?.lastOffence}`);
  const found = recordOf(attack, peer)?.lastOffence ?? undefined;
  if (offence !== undefined && found !== offence) throw new Error(`known for ${found}, not for ${offence}`);
}

for (const kind of KINDS)
  test(`${kind.name}: ${kind.outcome.fate}`, (context) => attackTimes(context, RUNS, () => attackOnce(kind)));

test("memory after all of them", async (context) => {
  await attackTimes(context, 1, async () => {
    const left = held() - before;
    if (left > LEFT) throw new Error(`${left >> 20} MiB are left`);
  });
});
