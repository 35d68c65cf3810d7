/** The network's DHT between hosts on loopback: who finds whom, and what is neither answered nor believed. */
import type { Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import { afterEach, describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { protobufField } from "../../../src/base/protobuf.ts";
import type { Insides } from "../../../src/network/dht.ts";
import type { Host } from "../../../src/network/host.ts";
import { DHT_LIMITS, dhtProtocol } from "../../../src/network/params.ts";
import { withLength } from "../../../src/network/wire/frames.ts";
import { openBadPeer } from "../../support/bad-peer.ts";
import { plainChain } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode } from "../../support/network.ts";
import { until } from "../../support/until.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
const chain = chainSource(plainChain([0], 1));
const signal = () => AbortSignal.timeout(20_000);
const PROTOCOL = dhtProtocol("testing");
/** Source: libp2p's specification of kad-dht, Message.MessageType. */
const KIND = { putValue: 0, getValue: 1, addProvider: 2, getProviders: 3, findNode: 4, ping: 5 } as const;

async function node(dht?: "client" | "server"): Promise<TestNode> {
  const made = await openTestNode(chain, undefined, undefined, dht === undefined ? {} : { dht });
  open.push(made.network);
  return made;
}
function hostOf({ network }: TestNode): Pick<Host, "peerStore" | "services" | "getConnections"> {
  const { host } = network as unknown as { readonly host: Host };
  return { peerStore: host.peerStore, services: host.services, getConnections: () => host.getConnections() };
}
const addressOf = ({ network }: TestNode): string => network.addresses()[0] as string;
const question = (kind: number, key: Uint8Array): Uint8Array =>
  withLength(concat(protobufField(1, kind), protobufField(2, key)));

async function badPeer(victim: TestNode, ...more: readonly [handlers?: Parameters<typeof openBadPeer>[1]]) {
  const peer = await openBadPeer(addressOf(victim), ...more);
  open.push(peer);
  return peer;
}

describe("peers find one another", () => {
  test("a client finds a server through the one it knows, and nobody who is not there", async () => {
    const [known, other, asking] = [await node("server"), await node("server"), await node("client")];
    await other.network.connect(addressOf(known));
    await asking.network.connect(addressOf(known));
    const found = await asking.network.find(other.network.id, signal());
    expect(found.map((address) => `${address}/p2p/${other.network.id}`)).toContain(addressOf(other));
    await until("the found peer to be known by its identity alone", async () => {
      await asking.network.connect(`/p2p/${other.network.id}`, signal());
      return asking.network.connected().some(({ id }) => id === other.network.id);
    });
    const nobody = await node();
    expect(await asking.network.find(nobody.network.id, signal())).toEqual([]);
    const many = Array.from({ length: 2 * DHT_LIMITS.lookups }, () => asking.network.find(nobody.network.id, signal()));
    const refused = (await Promise.allSettled(many)).filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(DHT_LIMITS.lookups);
    expect(await asking.network.find(nobody.network.id, signal())).toEqual([]);
  });

  test("a node without a DHT finds nobody, and answers nobody", async () => {
    const [plain, asking] = [await node(), await node("server")];
    await asking.network.connect(addressOf(plain));
    expect(await plain.network.find(asking.network.id, signal())).toEqual([]);
    expect((await asking.network.details(plain.network.id))?.protocols).not.toContain(PROTOCOL);
  });
});

describe("what peers may ask", () => {
  test("nothing is kept for them: of records and providers nothing is answered", async () => {
    const bad = await badPeer(await node("server"));
    const key = bad.host.peerId.toMultihash().bytes;
    for (const kind of [KIND.putValue, KIND.getValue, KIND.addProvider, KIND.getProviders])
      expect((await bad.ask(PROTOCOL, question(kind, key))).length).toBe(0);
    for (const kind of [KIND.findNode, KIND.ping])
      expect((await bad.ask(PROTOCOL, question(kind, key))).length).toBeGreaterThan(0);
  });

  test("no endless question, and no flood of them", async () => {
    const victim = await node("server");
    const bad = await badPeer(victim);
    const offence = () => victim.book.list().find(({ id }) => id === bad.id)?.lastOffence;
    const stream = await bad.say(PROTOCOL, question(KIND.findNode, new Uint8Array(DHT_LIMITS.questionBytes)), false);
    await until("too long a question", () => offence() === "tooLarge");
    await until("the end of its stream", () => stream.status !== "open");
    const asking = await badPeer(victim);
    const flood = Array.from({ length: 4 * DHT_LIMITS.burst }, () => question(KIND.ping, utf8("key")));
    await asking.say(PROTOCOL, concat(...flood));
    await until(
      "too many questions",
      () => victim.book.list().find(({ id }) => id === asking.id)?.lastOffence === "tooManyRequests",
    );
  });
});

test("of the peers that an answer tells of only so many are taken and remembered", async () => {
  const victim = await node("client");
  const { peerStore, services, getConnections } = hostOf(victim);
  const address = multiaddr("/ip4/127.0.0.1/tcp/9").bytes;
  const closer = Array.from({ length: 5 * DHT_LIMITS.peersOfAnswer }, (_, i) => {
    // A multihash of SHA-256, as identities of RSA keys are.
    const id = concat(Uint8Array.of(0x12, 0x20), new Uint8Array(32).fill(i));
    return protobufField(8, concat(protobufField(1, id), protobufField(2, address)));
  });
  await badPeer(victim, {
    [PROTOCOL]: (stream) => {
      stream.send(withLength(concat(protobufField(1, KIND.ping), ...closer)));
      void stream.close();
    },
  });
  await until("the connection", () => getConnections().length > 0);
  const stream = await getConnections()[0]?.newStream(PROTOCOL);
  const answer = await (services.dht as unknown as Insides).network._writeReadMessage(
    stream as Stream,
    { type: "PING" },
    { signal: signal() },
  );
  expect(answer.closer).toHaveLength(DHT_LIMITS.peersOfAnswer);
  const others = async () => (await peerStore.all()).filter(({ id }) => id.type === "RSA").length;
  await until("peers to be remembered", async () => (await others()) > 0);
  await until("all of them", async () => (await others()) === DHT_LIMITS.peersOfAnswer);
});

test("of a peer that is told of again and again with other addresses only so many are remembered", async () => {
  const victim = await node("client");
  const { peerStore, services } = hostOf(victim);
  const id = peerIdFromString("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  for (let told = 0; told < 10; told++) {
    const multiaddrs = Array.from({ length: 3 }, (_, i) => multiaddr(`/ip4/127.0.0.1/tcp/${1 + 3 * told + i}`));
    (services.dht as unknown as EventTarget).dispatchEvent(new CustomEvent("peer", { detail: { id, multiaddrs } }));
  }
  const known = async () => (await peerStore.get(id).catch(() => null))?.addresses.length ?? 0;
  await until("addresses to be remembered", async () => (await known()) >= DHT_LIMITS.addresses);
  // What was under way has ended when this has.
  await peerStore.merge(id, {});
  expect(await known()).toBe(DHT_LIMITS.addresses);
});
