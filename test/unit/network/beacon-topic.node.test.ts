/** drand's topic between hosts: entries reach a source through a third, forged ones go no further and are held against who sent them. */
import { afterEach, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { protobufField } from "../../../src/base/protobuf.ts";
import { GossipSource } from "../../../src/beacon/gossip-source.ts";
import { localBeacon } from "../../../src/beacon/local.ts";
import { verifierOf } from "../../../src/beacon/rules.ts";
import { VerifiedEntries } from "../../../src/beacon/source.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { drandTopic } from "../../../src/network/params.ts";
import type { BeaconEntry } from "../../../src/types/block-header.ts";
import { plainChain, plainHeader } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode, until } from "../../support/network.ts";

const open: TestNode[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});

test("an entry goes through the middle to a source that waits for it; a forged one does not", async () => {
  const crypto = await loadCrypto();
  const times = { genesisTime: Math.floor(Date.now() / 1000) - 4000, blockDelay: 4 };
  const { info, source: signer } = localBeacon(crypto, "topic", times);
  const signal = AbortSignal.timeout(30_000);
  const latest = BigInt(Math.floor((Date.now() / 1000 - info.genesisTime) / info.period) + 1);
  const chain = chainSource(plainChain([0]));
  const make = async (listen?: readonly string[]) => {
    const verified = new VerifiedEntries(verifierOf(crypto));
    const otherwise = { entry: () => new Promise<never>(() => undefined) };
    const source = new GossipSource({ info, verified, otherwise, waitMs: 60_000, now: Date.now });
    const name = drandTopic(source.chainHash);
    const topics = [{ name, validate: (data: Uint8Array) => source.received(data) }];
    const node = await openTestNode(chain, listen, undefined, { topics });
    open.push(node);
    return { node, source, name, verified };
  };
  const [a, b, c] = [await make(), await make(), await make([])];
  await a.node.network.connect(b.node.network.addresses()[0] as string);
  await c.node.network.connect(b.node.network.addresses()[0] as string);
  const bytes = (data: Uint8Array, round: bigint) => concat(protobufField(1, round), protobufField(2, data));
  // Until the mesh stands: a block tells. Then rounds one after another: a round that the middle knows goes no further.
  let tries = 0n;
  await until("the mesh", async () => {
    const header = plainHeader({ height: 1, timestamp: tries++ });
    await a.node.network.publishBlock({ header, blsMessages: [], secpMessages: [] }).catch(() => undefined);
    return c.node.blocks.length > 0;
  });
  let round = latest - 30n;
  let wait: Promise<BeaconEntry> | undefined;
  await until("an entry", async () => {
    if (++round > latest) throw new Error("no entry came through");
    wait = c.source.entry(info, round, signal);
    wait.catch(() => undefined);
    const { data } = await signer.entry(info, round, signal);
    await a.node.network.publish(a.name, bytes(data, round));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return c.verified.get(info, round) !== null;
  });
  const entry = await signer.entry(info, round, signal);
  expect(await wait).toEqual(entry);
  await a.node.network.publish(a.name, bytes(entry.data, latest));
  const offence = () => b.node.book.list().find(({ id }) => id === a.node.network.id)?.lastOffence;
  await until("the offence", () => offence() === "badMessage");
  expect(c.node.book.list().filter(({ points }) => points > 0)).toEqual([]);
});
