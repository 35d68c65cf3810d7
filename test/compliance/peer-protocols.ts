/**
 * What every implementation of the network's protocols between peers must do: hello, chain exchange, bitswap, and the
 * validators of the topics, drand's among them. An implementation gives a way to open a peer over a chain; the suite talks to it as another peer.
 */
import { afterEach, describe, expect, test } from "vitest";
import { concat, toHex } from "../../src/base/bytes.ts";
import { protobufField } from "../../src/base/protobuf.ts";
import type { DrandInfo } from "../../src/beacon/drand.ts";
import { localBeacon } from "../../src/beacon/local.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import type { ChainSource } from "../../src/network/chain-source.ts";
import type { Verdict } from "../../src/network/gossip.ts";
import { blocksTopic, drandTopic } from "../../src/network/params.ts";
import { BITSWAP_PROTOCOLS, decodeBitswap, encodeBitswap } from "../../src/network/wire/bitswap.ts";
import { encodeBlockMessage } from "../../src/network/wire/block-message.ts";
import {
  decodeExchangeResponse,
  EXCHANGE_PROTOCOL,
  EXCHANGE_STATUS,
  type ExchangeRequest,
  encodeExchangeRequest,
} from "../../src/network/wire/exchange.ts";
import { withLength, withoutLength } from "../../src/network/wire/frames.ts";
import { decodeHello, decodeHelloReply, encodeHello, HELLO_PROTOCOL } from "../../src/network/wire/hello.ts";
import { type Block, type CID, cidFromBytes, cidOfBlock } from "../../src/types/cid.ts";
import { type BadPeer, openBadPeer } from "../support/bad-peer.ts";
import { cidNumber, plainChain, plainHeader } from "../support/headers.ts";
import { chainSource, until } from "../support/network.ts";

export type PeerUnderTest = {
  /** Where it listens, with its identity. */
  readonly address: string;
  /** Blocks that its validator was given. */
  readonly blocks: readonly unknown[];
  /** The latest round of the beacon that gossip has brought, or null. */
  latestRound(): bigint | null;
  /** Points against a peer in its book, by peer id. */
  pointsOf(peer: string): number;
  close(): Promise<void>;
};
export type PeerMaker = (options: {
  readonly networkName: string;
  readonly chain: ChainSource;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly verdict: Verdict;
  /** A beacon whose topic the peer joins, and its time, milliseconds since 1970. */
  readonly beacon?: { readonly info: DrandInfo; readonly now: () => number };
}) => Promise<PeerUnderTest>;

const NETWORK = "compliance";
const chain = plainChain([0, 1, 2, 5], 2);
const head = chain[3] as (typeof chain)[0];
const genesis = chain[0]?.key[0] as CID;
const object: Block = { cid: cidOfBlock(Uint8Array.of(1, 2, 3)).bytes, bytes: Uint8Array.of(1, 2, 3) };

export function peerProtocolsSuite(name: string, make: PeerMaker): void {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  async function meet(
    handlers: Parameters<typeof openBadPeer>[1] = {},
    verdict: Verdict = "accept",
    beacon?: Parameters<PeerMaker>[0]["beacon"],
  ): Promise<[PeerUnderTest, BadPeer]> {
    const objects = new Map([[`${cidFromBytes(object.cid)}`, object.bytes]]);
    const peer = await make({
      networkName: NETWORK,
      chain: chainSource(chain),
      objects,
      verdict,
      ...(beacon ? { beacon } : {}),
    });
    open.push(peer);
    const other = await openBadPeer(peer.address, handlers);
    open.push(other);
    return [peer, other];
  }
  const ask = async (other: BadPeer, over: Partial<ExchangeRequest>) => {
    const request = { head: head.key, length: 2, headers: true, messages: false, ...over };
    return decodeExchangeResponse(await other.ask(EXCHANGE_PROTOCOL, encodeExchangeRequest(request)));
  };

  describe(`${name}: hello`, () => {
    test("is said once identified, with head and genesis, and answered with the clock", async () => {
      const said: Uint8Array[] = [];
      const [, other] = await meet({
        [HELLO_PROTOCOL]: (stream) => stream.addEventListener("message", ({ data }) => said.push(data.slice())),
      });
      const hello = { heaviest: head.key, height: head.height, weight: 1n, genesis };
      const before = BigInt(Date.now() - 1) * 1_000_000n;
      const reply = decodeHelloReply(await other.ask(HELLO_PROTOCOL, encodeHello(hello)));
      expect([reply.arrival >= before, reply.sent >= reply.arrival]).toEqual([true, true]);
      await until("its hello", () => said.length > 0);
      const its = decodeHello(said[0] as Uint8Array);
      expect([its.heaviest.join(), its.height, `${its.genesis}`]).toEqual([head.key.join(), head.height, `${genesis}`]);
    });

    test("of another genesis ends the connection, without an answer", async () => {
      const [, other] = await meet();
      const hello = { heaviest: head.key, height: 1, weight: 1n, genesis: cidNumber(5) };
      expect(await other.ask(HELLO_PROTOCOL, encodeHello(hello))).toHaveLength(0);
      await until("the end", () => other.connection.status !== "open");
    });
  });

  describe(`${name}: chain exchange`, () => {
    test("gives tipsets from the head down, headers, messages or both, and stops at the genesis", async () => {
      const [, other] = await meet();
      const two = await ask(other, {});
      expect([two.status, two.chain.map(({ blocks }) => blocks[0]?.height)]).toEqual([EXCHANGE_STATUS.ok, [5, 2]]);
      expect(two.chain.map(({ messages }) => messages)).toEqual([null, null]);
      const all = await ask(other, { length: 900, messages: true });
      expect([all.status, all.chain.length]).toEqual([EXCHANGE_STATUS.ok, 4]);
      expect(all.chain[0]?.messages?.blsIncludes).toHaveLength(2);
      const bare = await ask(other, { headers: false, messages: true });
      expect(bare.chain.map(({ blocks }) => blocks.length)).toEqual([0, 0]);
    });

    test("says what it does not have and what may not be asked", async () => {
      const [, other] = await meet();
      expect((await ask(other, { head: [cidNumber(9)] })).status).toBe(EXCHANGE_STATUS.notFound);
      for (const over of [{ length: 0 }, { length: 901 }, { head: [] }, { headers: false }])
        expect((await ask(other, over)).status).toBe(EXCHANGE_STATUS.badRequest);
    });
  });

  describe(`${name}: bitswap`, () => {
    test.each(BITSWAP_PROTOCOLS)("%s: sends what it has, on a stream of its own", async (protocol) => {
      const got: Uint8Array[] = [];
      const [, other] = await meet({
        [protocol]: (stream) => stream.addEventListener("message", ({ data }) => got.push(data.slice())),
      });
      const want = (cid: CID) => ({ cid, priority: 1, cancel: false, type: "block", sendDontHave: true }) as const;
      const wants = [want(cidFromBytes(object.cid)), want(cidNumber(8))];
      const message = { wants, full: true, blocks: [], haves: [], dontHaves: [] };
      await other.say(protocol, withLength(encodeBitswap(message, protocol)), false);
      await until("the block", () => got.length > 0);
      const answer = decodeBitswap(withoutLength(got[0] as Uint8Array));
      expect(answer.blocks.map(({ data }) => data)).toEqual([object.bytes]);
      const says = protocol === BITSWAP_PROTOCOLS[0] ? [`${cidNumber(8)}`] : [];
      expect(answer.dontHaves.map(String)).toEqual(says);
    });
  });

  describe(`${name}: topics`, () => {
    test.each(["accept", "ignore", "reject"] as const)(
      "a block is given to the validator once: %s",
      async (verdict) => {
        const [peer, other] = await meet({}, verdict);
        const bytes = encodeBlockMessage({ header: plainHeader({ height: 7 }), blsMessages: [], secpMessages: [] });
        const signed = await other.signed(blocksTopic(NETWORK), bytes);
        await other.gossip(signed);
        await until("the block", () => peer.blocks.length > 0);
        await other.gossip(signed, await other.signed(blocksTopic(NETWORK), Uint8Array.of(0x80)));
        const last = encodeBlockMessage({ header: plainHeader({ height: 8 }), blsMessages: [], secpMessages: [] });
        await other.gossip(await other.signed(blocksTopic(NETWORK), last));
        await until("the next block", () => peer.blocks.length > 1);
        expect(peer.blocks).toHaveLength(2);
      },
    );

    test("unsigned gossip, and gossip of other topics, reaches no validator", async () => {
      const [peer, other] = await meet();
      const bytes = (height: number) =>
        encodeBlockMessage({ header: plainHeader({ height }), blsMessages: [], secpMessages: [] });
      await other.gossip(await other.signed(blocksTopic(NETWORK), bytes(1), true));
      await other.gossip(await other.signed(blocksTopic("another"), bytes(2)));
      await other.gossip(await other.signed(blocksTopic(NETWORK), bytes(3)));
      await until("the good one", () => peer.blocks.length > 0);
      expect(peer.blocks).toHaveLength(1);
    });

    test("drand's: an entry that verifies is taken, another counts against who sent it", async () => {
      const beacon = localBeacon(await loadCrypto(), "compliance", { genesisTime: 1_600_000_000, blockDelay: 4 });
      const { info, source } = beacon;
      const now = () => (info.genesisTime + 99 * info.period) * 1000;
      const [peer, other] = await meet({}, "accept", { info, now });
      const topic = drandTopic(toHex(info.chainHash));
      const say = async (round: bigint, isForged = false): Promise<void> => {
        const { data } = await source.entry(info, round, AbortSignal.timeout(5000));
        const sent = isForged ? data.slice().fill(1, 5, 9) : data;
        await other.gossip(await other.signed(topic, concat(protobufField(1, round), protobufField(2, sent))));
      };
      await say(100n);
      await until("the entry", () => peer.latestRound() === 100n);
      expect(peer.pointsOf(other.id)).toBe(0);
      await say(101n, true);
      await until("the offence", () => peer.pointsOf(other.id) > 0);
      expect(peer.latestRound()).toBe(100n);
    });
  });
}
