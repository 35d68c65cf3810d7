/** How bad peers go about it: one thing again and again, a byte at a time, by gossip, or in answer to questions. */
import type { Stream } from "@libp2p/interface";
import { blocksTopic } from "../../src/network/params.ts";
import type { Offence } from "../../src/network/peer-records.ts";
import { BITSWAP_PROTOCOLS } from "../../src/network/wire/bitswap.ts";
import { type BlockMessage, encodeBlockMessage } from "../../src/network/wire/block-message.ts";
import { cborHead } from "../../src/network/wire/cbor.ts";
import { EXCHANGE_PROTOCOL, encodeExchangeTipset } from "../../src/network/wire/exchange.ts";
import { encodeHello, HELLO_PROTOCOL } from "../../src/network/wire/hello.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../../src/types/block-header.ts";
import type { CID } from "../../src/types/cid.ts";
import type { BadPeer } from "./bad-peer.ts";
import { cidNumber, plainHeader } from "./headers.ts";
import { until } from "./network.ts";
import type { PeerNode } from "./peer-nodes.ts";

/** What becomes of the peer: banned, known for an offence, or nothing but that its bytes led to nothing. */
export type Outcome = { readonly fate: "banned" | "scored" | "dropped"; readonly offence?: Offence };

export type Attack = {
  readonly node: PeerNode;
  readonly genesis: CID;
  /** A peer connected to the node, closed after the run. */
  peer(handlers?: Readonly<Record<string, (stream: Stream) => void>>, muxer?: "yamux" | "mplex"): Promise<BadPeer>;
  /** Whether the node has banned this peer. */
  isBanned(peer: BadPeer): boolean;
};

export type Kind = {
  readonly name: string;
  readonly outcome: Outcome;
  /** Does it; resolves to the peer that did. */
  run(attack: Attack): Promise<BadPeer>;
};

export const BITSWAP = BITSWAP_PROTOCOLS[0];
export const EMPTY = { wants: [], full: false, blocks: [], haves: [], dontHaves: [] } as const;
export const HUGE = cborHead(4, 10n ** 9n);
/** Milliseconds between two bytes of slow peers. */
export const DRIP_MS = 40;

/** Does a thing again and again until the peer is banned or cut off, at most `times`. */
export async function again(attack: Attack, peer: BadPeer, times: number, once: (i: number) => Promise<unknown>) {
  for (let i = 0; i < times && !attack.isBanned(peer) && peer.connection.status === "open"; i++)
    await once(i).catch(() => undefined);
  return peer;
}

export const honestHello = ({ node, genesis }: Attack, over = {}) => {
  const { key, height } = node.net.head;
  return encodeHello({ heaviest: key, height, weight: 1n, genesis, ...over });
};

/** Says the same bytes on a new stream, again and again. */
export const saying =
  (protocol: string, bytes: (attack: Attack) => Uint8Array, times = 40, end = true) =>
  async (attack: Attack): Promise<BadPeer> => {
    const peer = await attack.peer();
    return again(attack, peer, times, async () => {
      await peer.say(protocol, bytes(attack), end);
      await pause(5);
    });
  };

/** Begins a message and goes on a byte at a time. */
export const dripping =
  (protocol: string, start: Uint8Array) =>
  async (attack: Attack): Promise<BadPeer> => {
    const peer = await attack.peer();
    const stream = await peer.say(protocol, start, false);
    for (let i = 0; i < 100 && stream.status === "open"; i++) {
      stream.send(Uint8Array.of(0));
      await pause(DRIP_MS);
    }
    return peer;
  };

/** Messages gossiped so far: each is another one, or it would be known. */
let said = 0;

export const gossiping =
  (messages: (attack: Attack, peer: BadPeer, i: number) => Promise<readonly Uint8Array[]>, times = 60) =>
  async (attack: Attack): Promise<BadPeer> => {
    const peer = await attack.peer();
    return again(attack, peer, times, async () => {
      await peer.gossip(...(await messages(attack, peer, ++said)));
      await pause(5);
    });
  };

/** Targets named so far: each is another one. */
let targets = 0;

/** Names a better chain and answers the node's questions for it. */
export const answering =
  (answer: (stream: Stream, wanted: Tipset) => void, times = 4) =>
  async (attack: Attack): Promise<BadPeer> => {
    const height = attack.node.net.head.height + 1;
    const next = (): Tipset =>
      makeTipset([plainHeader({ height, parents: [cidNumber(height)], timestamp: BigInt(++targets) })]);
    let wanted = next();
    const peer = await attack.peer({
      [EXCHANGE_PROTOCOL]: (stream) => {
        stream.addEventListener("message", () => undefined);
        answer(stream, wanted);
      },
    });
    return again(attack, peer, times, async () => {
      wanted = next();
      const { points = 0 } = recordOf(attack, peer) ?? {};
      await peer.ask(HELLO_PROTOCOL, honestHello(attack, { heaviest: wanted.key, height, weight: 1n << 60n }));
      const answered = (): boolean => attack.isBanned(peer) || (recordOf(attack, peer)?.points ?? 0) > points;
      await until("an answer that is judged", answered, 5000);
    });
  };

export const recordOf = ({ node }: Pick<Attack, "node">, { id }: Pick<BadPeer, "id">) =>
  node.peers.book.list().find((record) => record.id === id);

export const closing = (bytes: Uint8Array) => (stream: Stream) => {
  stream.send(bytes);
  void stream.close().catch(() => undefined);
};
export const chainOf = (...tipsets: readonly Tipset[]) =>
  tipsets.map(({ blocks }) => encodeExchangeTipset({ blocks, messages: null }));

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export const topicOf = ({ node }: Attack): string => blocksTopic(node.net.node.states.network.name);
export const blockBytes = (header: BlockHeader, over: Partial<BlockMessage> = {}): Uint8Array =>
  encodeBlockMessage({ header, blsMessages: [], secpMessages: [], ...over });
/** Announces a block, another one each time. */
export const announcing = (header: (attack: Attack, i: number) => BlockHeader | Promise<BlockHeader>, times = 6) =>
  gossiping(
    async (attack, peer, i) => [await peer.signed(topicOf(attack), blockBytes(await header(attack, i)))],
    times,
  );
export const headBlock = ({ node }: Attack): BlockHeader => node.net.head.blocks[0] as BlockHeader;

export const BANNED = (offence: Offence): Outcome => ({ fate: "banned", offence });
export const SCORED = (offence: Offence): Outcome => ({ fate: "scored", offence });
export const DROPPED: Outcome = { fate: "dropped" };
