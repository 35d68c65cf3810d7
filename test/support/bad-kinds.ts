/** What bad peers do to a node: each kind with what must become of the peer. */
import { connect as connectTcp, type Socket } from "node:net";
import { multiaddr } from "@multiformats/multiaddr";
import { concat, utf8 } from "../../src/base/bytes.ts";
import { signMessage } from "../../src/keys/keys.ts";
import { messagesTopic } from "../../src/network/params.ts";
import { type BitswapMessage, encodeBitswap, prefixOf } from "../../src/network/wire/bitswap.ts";
import { cborHead } from "../../src/network/wire/cbor.ts";
import {
  decodeExchangeResponse,
  EXCHANGE_PROTOCOL,
  EXCHANGE_STATUS,
  encodeExchangeRequest,
  encodeExchangeResponse,
} from "../../src/network/wire/exchange.ts";
import { withLength } from "../../src/network/wire/frames.ts";
import { HELLO_PROTOCOL } from "../../src/network/wire/hello.ts";
import type { BlockHeader, Tipset } from "../../src/types/block-header.ts";
import { cidOfBlock } from "../../src/types/cid.ts";
import { encodeSignedMessage } from "../../src/types/message.ts";
import {
  again,
  announcing,
  answering,
  BANNED,
  BITSWAP,
  blockBytes,
  chainOf,
  closing,
  DRIP_MS,
  DROPPED,
  dripping,
  EMPTY,
  gossiping,
  HUGE,
  headBlock,
  honestHello,
  type Kind,
  pause,
  SCORED,
  saying,
  topicOf,
} from "./bad-attack.ts";
import { iHave, subscribe } from "./bad-peer.ts";
import { cidNumber, plainChain, plainHeader } from "./headers.ts";
import { until } from "./network.ts";

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
      return again(attack, peer, 120, () =>
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
    outcome: SCORED("slowAnswer"),
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
        // Offences of one flood are told a few times a second only.
        await pause(15);
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
