/**
 * The peers of `soak.ts`: light hosts in one process that say hello, join the topics, and ask now and then for stretches of
 * the chain and for headers by bitswap. They keep no chain and check nothing. One at a time leaves, and another comes under
 * a new identity. Told on the command line: the node's address, the network's name, the genesis' header in hex, how many.
 */
import { fromHex } from "../base/bytes.ts";
import { sleepFor } from "../base/sleep.ts";
import { makeIdentity } from "../network/host.ts";
import { Network } from "../network/network.ts";
import { PeerBook } from "../network/peer-book.ts";
import { decodeHeader, headerCid, makeTipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";

const [address, networkName, genesisHex, count] = process.argv.slice(2) as [string, string, string, string];
const genesis = makeTipset([decodeHeader(fromHex(genesisHex))]);
/** Milliseconds from one request of a peer to its next, from one exchange of a peer to the next, and for an answer. */
const ASK_MS = 10_000;
const REPLACE_MS = 20_000;
const ANSWER_MS = 30_000;
const STRETCH = 50;

let newest: CID | null = null;
const done = { hellos: 0, blocks: 0, messages: 0, tipsets: 0, objects: 0, unanswered: 0, replaced: 0, dialledAgain: 0 };
let lastFailure: string | null = null;
const failed = (error: unknown): void => {
  lastFailure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

async function join(): Promise<Network> {
  const network = await Network.open({
    identity: await makeIdentity(),
    networkName,
    listen: [],
    userAgent: "filigree-soak",
    local: true,
    peers: new PeerBook(Date.now),
    chain: {
      genesis: genesis.key[0] as CID,
      head: () => ({ tipset: genesis, weight: 0n }),
      tipset: async () => null,
      blockMessages: async () => null,
    },
    objects: { get: async () => undefined },
    handlers: {
      onHello: () => {
        done.hellos++;
      },
      onBlock: async ({ header }) => {
        done.blocks++;
        newest = headerCid(header);
        return "accept";
      },
      onMessage: async () => {
        done.messages++;
        return "accept";
      },
      onFault: (_, error) => failed(error),
    },
    now: Date.now,
  });
  try {
    await network.connect(address);
  } catch (error) {
    await network.close();
    throw error;
  }
  return network;
}

async function ask(network: Network): Promise<void> {
  if (newest === null) return;
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const got = await network.exchange.fetch([newest], STRETCH, { messages: Math.random() < 0.5, signal });
    done.tipsets += got.length;
    await network.bitswap?.getBlock(newest, { signal });
    done.objects++;
  } catch (error) {
    done.unanswered++;
    failed(error);
  }
}

const never = new AbortController().signal;
const peers: Network[] = [];
for (let i = 0; i < Number(count); i++) peers.push(await join());
process.stdout.write("joined\n");

/** One goes, and others come until all are there; who lost its connection dials again. */
async function replaceThem(): Promise<void> {
  for (;;) {
    await sleepFor(REPLACE_MS, never);
    await peers.shift()?.close();
    while (peers.length < Number(count)) {
      try {
        peers.push(await join());
        done.replaced++;
      } catch (error) {
        failed(error);
        await sleepFor(ASK_MS, never);
      }
    }
    for (const one of peers) {
      if (one.connected().length > 0) continue;
      done.dialledAgain++;
      await one.connect(address).catch(failed);
    }
  }
}
async function askThem(): Promise<void> {
  for (let i = 0; ; i++) {
    await sleepFor(ASK_MS / Number(count), never);
    const one = peers[i % peers.length];
    if (one !== undefined) void ask(one);
  }
}
setInterval(() => process.stdout.write(`${JSON.stringify({ ...done, peers: peers.length, lastFailure })}\n`), 5000);
await Promise.all([replaceThem(), askThem()]);
