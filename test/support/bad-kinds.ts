/** What bad peers do to a node: each kind with what must become of the peer. */
import { connect as connectTcp, type Socket } from "node:net";
import type { Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import { concat, utf8 } from "../../src/base/bytes.ts";
import { signMessage } from "../../src/keys/keys.ts";
import { blocksTopic, messagesTopic } from "../../src/network/params.ts";
import type { Offence } from "../../src/network/peer-records.ts";
import { BITSWAP_PROTOCOLS, type BitswapMessage, encodeBitswap, prefixOf } from "../../src/network/wire/bitswap.ts";
import { type BlockMessage, encodeBlockMessage } from "../../src/network/wire/block-message.ts";
import { cborHead } from "../../src/network/wire/cbor.ts";
import {
  decodeExchangeResponse,
  EXCHANGE_PROTOCOL,
  EXCHANGE_STATUS,
  encodeExchangeRequest,
  encodeExchangeResponse,
  encodeExchangeTipset,
} from "../../src/network/wire/exchange.ts";
import { withLength } from "../../src/network/wire/frames.ts";
import { encodeHello, HELLO_PROTOCOL } from "../../src/network/wire/hello.ts";
import { type BlockHeader, makeTipset, type Tipset } from "../../src/types/block-header.ts";
import { type CID, cidOfBlock } from "../../src/types/cid.ts";
import { encodeSignedMessage } from "../../src/types/message.ts";
import { type BadPeer, iHave, subscribe } from "./bad-peer.ts";
import { cidNumber, plainChain, plainHeader } from "./headers.ts";
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

const BITSWAP = BITSWAP_PROTOCOLS[0];
const EMPTY = { wants: [], full: false, blocks: [], haves: [], dontHaves: [] } as const;
const HUGE = cborHead(4, 10n ** 9n);
/** Milliseconds between two bytes of slow peers. */
const DRIP_MS = 40;

/** Does a thing again and again until the peer is banned or cut off, at most `times`. */
async function again(attack: Attack, peer: BadPeer, times: number, once: (i: number) => Promise<unknown>) {
  for (let i = 0; i < times && !attack.isBanned(peer) && peer.connection.status === "open"; i++)
    await once(i).catch(() => undefined);
  return peer;
}

const honestHello = ({ node, genesis }: Attack, over = {}) => {
  const { key, height } = node.net.head;
  return encodeHello({ heaviest: key, height, weight: 1n, genesis, ...over });
};

/** Says the same bytes on a new stream, again and again. */
const saying =
  (protocol: string, bytes: (attack: Attack) => Uint8Array, times = 40, end = true) =>
  async (attack: Attack): Promise<BadPeer> => {
    const peer = await attack.peer();
    return again(attack, peer, times, async () => {
      await peer.say(protocol, bytes(attack), end);
      await pause(5);
    });
  };

/** Begins a message and goes on a byte at a time. */
const dripping =
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

const gossiping =
  (messages: (attack: Attack, peer: BadPeer, i: number) => Promise<readonly Uint8Array[]>, times = 60) =>
  async (attack: Attack): Promise<BadPeer> => {
    const peer = await attack.peer();
    return again(attack, peer, times, async (i) => {
      await peer.gossip(...(await messages(attack, peer, i)));
      await pause(5);
    });
  };

/** Targets named so far: each is another one. */
let targets = 0;

/** Names a better chain and answers the node's questions for it. */
const answering =
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

const closing = (bytes: Uint8Array) => (stream: Stream) => {
  stream.send(bytes);
  void stream.close().catch(() => undefined);
};
const chainOf = (...tipsets: readonly Tipset[]) =>
  tipsets.map(({ blocks }) => encodeExchangeTipset({ blocks, messages: null }));

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const topicOf = ({ node }: Attack): string => blocksTopic(node.net.node.states.network.name);
const blockBytes = (header: BlockHeader, over: Partial<BlockMessage> = {}): Uint8Array =>
  encodeBlockMessage({ header, blsMessages: [], secpMessages: [], ...over });
/** Announces a block, another one each time. */
const announcing = (header: (attack: Attack, i: number) => BlockHeader | Promise<BlockHeader>, times = 6) =>
  gossiping(
    async (attack, peer, i) => [await peer.signed(topicOf(attack), blockBytes(await header(attack, i)))],
    times,
  );
const headBlock = ({ node }: Attack): BlockHeader => node.net.head.blocks[0] as BlockHeader;

const BANNED = (offence: Offence): Outcome => ({ fate: "banned", offence });
const SCORED = (offence: Offence): Outcome => ({ fate: "scored", offence });
const DROPPED: Outcome = { fate: "dropped" };

const HELLOS: readonly Kind[] = [
  {
    name: "hello of another genesis",
    outcome: BANNED("wrongGenesis"),
    run: saying(HELLO_PROTOCOL, (attack) => honestHello(attack, { genesis: cidNumber(7) }), 1),
  },
  {
    name: "hello that is no hello",
    outcome: BANNED("badFrame"),
    run: saying(HELLO_PROTOCOL, () => Uint8Array.of(0xf6)),
  },
  {
    name: "hello of 10^9 blocks",
    outcome: BANNED("tooLarge"),
    run: saying(HELLO_PROTOCOL, () => concat(Uint8Array.of(0x84), HUGE)),
  },
  {
    name: "hello a byte at a time",
    outcome: SCORED("tooSlow"),
    run: dripping(HELLO_PROTOCOL, concat(Uint8Array.of(0x84), cborHead(4, 200))),
  },
  { name: "hello again and again", outcome: BANNED("tooManyRequests"), run: saying(HELLO_PROTOCOL, honestHello, 60) },
  {
    name: "hello nested without end",
    outcome: BANNED("badFrame"),
    run: saying(HELLO_PROTOCOL, () => new Uint8Array(1000).fill(0x81)),
  },
];

const REQUESTS: readonly Kind[] = [
  {
    name: "10^9 tipsets asked for",
    outcome: DROPPED,
    async run(attack) {
      const peer = await attack.peer();
      const { key } = attack.node.net.head;
      for (const length of [10 ** 9, 901, 0]) {
        const bytes = encodeExchangeRequest({ head: key, length, headers: true, messages: true });
        const { status, chain } = decodeExchangeResponse(await peer.ask(EXCHANGE_PROTOCOL, bytes));
        if (status !== EXCHANGE_STATUS.badRequest || chain.length > 0) throw new Error(`status ${status}`);
      }
      return peer;
    },
  },
  {
    name: "a request without end",
    outcome: BANNED("tooLarge"),
    run: saying(EXCHANGE_PROTOCOL, () =>
      concat(
        Uint8Array.of(0x83),
        cborHead(2, 60_000),
        new Uint8Array(60_000),
        cborHead(2, 60_000),
        new Uint8Array(60_000),
      ),
    ),
  },
  {
    name: "a request with a wrong length",
    outcome: BANNED("badFrame"),
    run: saying(EXCHANGE_PROTOCOL, () => Uint8Array.of(0x82, 0x80, 1)),
  },
  {
    name: "a request a byte at a time",
    outcome: SCORED("tooSlow"),
    run: dripping(EXCHANGE_PROTOCOL, Uint8Array.of(0x83, 0x59, 0x40, 0)),
  },
  {
    name: "requests without pause",
    outcome: BANNED("tooManyRequests"),
    async run(attack) {
      const peer = await attack.peer();
      const bytes = encodeExchangeRequest({ head: [cidNumber(1)], length: 1, headers: true, messages: false });
      // No more at once than there may be streams.
      return again(attack, peer, 60, () =>
        Promise.allSettled(Array.from({ length: 8 }, () => peer.ask(EXCHANGE_PROTOCOL, bytes))),
      );
    },
  },
  {
    name: "five hundred streams at once",
    outcome: BANNED("tooSlow"),
    async run(attack) {
      const peer = await attack.peer();
      await again(attack, peer, 500, () => peer.say(EXCHANGE_PROTOCOL, Uint8Array.of(0x83), false));
      return peer;
    },
  },
  {
    name: "a thousand streams of mplex, which has no limit",
    outcome: DROPPED,
    async run(attack) {
      const peer = await attack.peer({}, "mplex");
      // Past the host's own limits.
      const { muxer } = peer.connection as unknown as { readonly muxer: { createStream(): Promise<unknown> } };
      for (let i = 0; i < 1000 && peer.connection.status === "open"; i++) await muxer.createStream();
      await until("the connection cut", () => peer.connection.status !== "open");
      return peer;
    },
  },
  {
    name: "protocols that nobody speaks",
    outcome: DROPPED,
    async run(attack) {
      const peer = await attack.peer();
      await again(attack, peer, 30, (i) => peer.say(`/fil/none/${i}`, Uint8Array.of(1)));
      return peer;
    },
  },
];

const ANSWERS: readonly Kind[] = [
  {
    name: "a chain that is not the one asked for",
    outcome: BANNED("badChain"),
    run: answering((stream) =>
      closing(encodeExchangeResponse(0, "", chainOf(plainChain([0, 9], 1, 99)[1] as Tipset)))(stream),
    ),
  },
  {
    name: "a chain that does not link",
    outcome: BANNED("badChain"),
    run: answering((stream, wanted) =>
      closing(encodeExchangeResponse(101, "", chainOf(wanted, plainChain([0, 3], 1, 77)[1] as Tipset)))(stream),
    ),
  },
  {
    name: "an answer of nothing that calls itself good",
    outcome: BANNED("badChain"),
    run: answering(closing(encodeExchangeResponse(0, "", []))),
  },
  {
    name: "an answer that is no answer",
    outcome: BANNED("badFrame"),
    run: answering(closing(Uint8Array.of(0x83, 0xf6, 0xf6, 0xf6))),
  },
  {
    name: "an answer of 10^9 tipsets",
    outcome: BANNED("tooLarge"),
    run: answering(closing(concat(Uint8Array.of(0x83, 0, 0x60), HUGE))),
  },
  {
    name: "an answer a byte at a time",
    outcome: SCORED("tooSlow"),
    run: answering((stream) => {
      stream.send(concat(Uint8Array.of(0x83, 0), cborHead(3, 5000)));
      const timer = setInterval(
        () => (stream.status === "open" ? stream.send(Uint8Array.of(65)) : clearInterval(timer)),
        DRIP_MS,
      );
    }, 1),
  },
  {
    name: "a head that its peer does not have",
    outcome: SCORED("notFound"),
    run: answering(closing(encodeExchangeResponse(201, "", [])), 2),
  },
];

const GOSSIP: readonly Kind[] = [
  {
    name: "a block that is no block",
    outcome: BANNED("badBlock"),
    run: gossiping(async (attack, peer, i) => [await peer.signed(topicOf(attack), Uint8Array.of(0x83, i))]),
  },
  {
    name: "a block with another's messages",
    outcome: BANNED("badBlock"),
    run: announcing((attack, i) => ({ ...headBlock(attack), messages: cidNumber(i) })),
  },
  {
    name: "a block with a forged signature",
    outcome: BANNED("badBlock"),
    run: announcing((attack, i) => ({
      ...headBlock(attack),
      forkSignaling: BigInt(i + 1),
    })),
  },
  {
    name: "a block without a ticket",
    outcome: BANNED("badBlock"),
    run: announcing((attack, i) => ({ ...headBlock(attack), ticket: null, timestamp: BigInt(i) })),
  },
  { name: "a block that everybody has, announced anew", outcome: DROPPED, run: announcing(headBlock) },
  {
    name: "old blocks",
    outcome: DROPPED,
    run: announcing(async ({ node }, i) => {
      const tipset = await node.net.node.chain.tipsetAtOrBefore(1 + (i % 3));
      return tipset.blocks[0] as BlockHeader;
    }),
  },
  {
    name: "a block of the far future",
    outcome: DROPPED,
    run: announcing((attack, i) => ({ ...headBlock(attack), height: 10 ** 9 + i })),
  },
  {
    name: "a block far below finality",
    outcome: DROPPED,
    run: announcing((_attack, i) => plainHeader({ height: -(10 ** 6) - i })),
  },
  {
    name: "messages that are none",
    outcome: BANNED("badMessage"),
    run: gossiping(async ({ node }, peer, i) => [
      await peer.signed(
        messagesTopic(node.net.node.states.network.name),
        concat(Uint8Array.of(0x82, 0x80), utf8(`${i}`)),
      ),
    ]),
  },
  {
    name: "messages with forged signatures",
    outcome: BANNED("badMessage"),
    run: gossiping(async ({ node: { net } }, peer, i) => {
      const [account, other] = net.accounts as [(typeof net.accounts)[number], (typeof net.accounts)[number]];
      const signed = signMessage(net.services.crypto, other.keys.secp256k1, {
        ...{ to: account.id, from: account.secp256k1, value: 1n, method: 0n, params: new Uint8Array(0) },
        ...{ gasLimit: 1_000_000n, gasFeeCap: 10n ** 9n, gasPremium: 1000n, nonce: BigInt(i % 4) },
      });
      const forged = { ...signed, message: { ...signed.message, value: BigInt(i + 2) } };
      return [await peer.signed(messagesTopic(net.node.states.network.name), encodeSignedMessage(forged))];
    }),
  },
  {
    name: "gossip in another's name",
    outcome: BANNED("forged"),
    run: gossiping(async (attack, peer, i) => {
      await pause(200);
      return [await peer.signed(topicOf(attack), utf8(`${i}`), true)];
    }),
  },
  {
    name: "gossip on topics that nobody asked for",
    outcome: SCORED("unwantedTopic"),
    run: gossiping(async (_attack, peer, i) => [await peer.signed(`/fil/other/${i}`, utf8("x"))], 20),
  },
  {
    name: "ten thousand subscriptions",
    outcome: BANNED("badFrame"),
    run: gossiping(async () => [concat(...Array.from({ length: 10_000 }, (_, i) => subscribe(`topic ${i}`)))], 20),
  },
  {
    name: "subscriptions to topics that do not exist, one at a time",
    outcome: DROPPED,
    run: gossiping(async (_attack, _peer, i) => [subscribe(`/fil/none/${i}`)], 50),
  },
  {
    name: "gossip that is none",
    outcome: BANNED("badFrame"),
    run: gossiping(async () => [new Uint8Array(100).fill(0xff)]),
  },
  {
    name: "an oversized frame of gossip",
    outcome: BANNED("tooLarge"),
    async run(attack) {
      const peer = await attack.peer();
      return again(attack, peer, 10, async () => {
        await peer.say("/meshsub/1.1.0", withLength(new Uint8Array(2 << 20)), false);
        await pause(20);
      });
    },
  },
  {
    name: "a flood of gossip",
    outcome: BANNED("tooManyRequests"),
    async run(attack) {
      const peer = await attack.peer();
      const topic = topicOf(attack);
      return again(attack, peer, 600, async () => {
        await peer.gossip(iHave(topic, 900));
        await pause(1);
      });
    },
  },
  {
    name: "the same gossip over and over",
    outcome: DROPPED,
    async run(attack) {
      const peer = await attack.peer();
      const once = await peer.signed(topicOf(attack), blockBytes(headBlock(attack)));
      await again(attack, peer, 200, () => peer.gossip(once));
      return peer;
    },
  },
];

const OBJECTS: readonly Kind[] = [
  {
    name: "blocks of bitswap that nobody wanted",
    outcome: BANNED("unwantedBlock"),
    run: saying(BITSWAP, () => {
      const data = utf8("unasked");
      return framedBitswap({ blocks: [{ prefix: prefixOf(cidOfBlock(data)), data }] });
    }),
  },
  {
    name: "100,000 wants in one message",
    outcome: BANNED("badFrame"),
    run: saying(
      BITSWAP,
      () => {
        const want = { cid: cidNumber(1), priority: 1, cancel: false, type: "block", sendDontHave: false } as const;
        return framedBitswap({ wants: new Array(50_000).fill(want) });
      },
      5,
    ),
  },
  {
    name: "a bitswap message of a gigabyte",
    outcome: BANNED("tooLarge"),
    run: saying(BITSWAP, () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 4)),
  },
  {
    name: "bitswap that is none",
    outcome: BANNED("badFrame"),
    run: saying(BITSWAP, () => Uint8Array.of(4, 0x0b, 1, 1, 1)),
  },
  { name: "bitswap a byte at a time", outcome: SCORED("tooSlow"), run: dripping(BITSWAP, Uint8Array.of(0xff, 0x7f)) },
  {
    name: "bitswap without pause",
    outcome: BANNED("tooManyRequests"),
    async run(attack) {
      const peer = await attack.peer();
      const many = concat(...new Array(400).fill(framedBitswap({})));
      return again(attack, peer, 20, async () => {
        await peer.say(BITSWAP, many);
        await pause(20);
      });
    },
  },
];

function framedBitswap(over: Partial<BitswapMessage>): Uint8Array {
  return withLength(encodeBitswap({ ...EMPTY, ...over }, BITSWAP));
}

const CONNECTIONS: readonly Kind[] = [
  {
    name: "connection upon connection of one peer",
    outcome: SCORED("tooManyConnections"),
    async run(attack) {
      const peer = await attack.peer();
      for (let i = 0; i < 8; i++)
        await peer.host.dial(multiaddr(attack.node.address), { force: true }).catch(() => undefined);
      await until(
        "the excess cut",
        () => (attack.node.peers.network?.connected() ?? []).filter(({ id }) => id === peer.id).length <= 4,
      );
      return peer;
    },
  },
  {
    name: "connections that never say a word",
    outcome: DROPPED,
    async run(attack) {
      const [, , , , port] = attack.node.address.split("/");
      const sockets: Socket[] = [];
      for (let i = 0; i < 60; i++) sockets.push(connectTcp(Number(port), "127.0.0.1").on("error", () => undefined));
      const peer = await attack.peer();
      for (const socket of sockets) socket.destroy();
      return peer;
    },
  },
  {
    name: "bytes that are no handshake",
    outcome: DROPPED,
    async run(attack) {
      const [, , , , port] = attack.node.address.split("/");
      const sockets = Array.from({ length: 20 }, (_, i) => {
        const socket = connectTcp(Number(port), "127.0.0.1").on("error", () => undefined);
        socket.write(new Uint8Array(5000).fill(i * 13));
        return socket;
      });
      const peer = await attack.peer();
      for (const socket of sockets) socket.destroy();
      return peer;
    },
  },
];

export const KINDS: readonly Kind[] = [...HELLOS, ...REQUESTS, ...ANSWERS, ...GOSSIP, ...OBJECTS, ...CONNECTIONS];
