/** The hooks into the gossip implementation are where they are expected, and count what they should. */
import type { GossipSub } from "@libp2p/gossipsub";
import { expect, test } from "vitest";
import { guardGossip } from "../../../src/network/gossip-guard.ts";
import { makeIdentity, openHost } from "../../../src/network/host.ts";
import { OwnTime } from "../../../src/network/own-time.ts";
import { GOSSIP_LIMITS } from "../../../src/network/params.ts";
import { PeerBook } from "../../../src/network/peer-book.ts";

test("the implementation has what is hooked", async () => {
  let found: GossipSub | undefined;
  const time = new OwnTime();
  const host = await openHost({
    identity: await makeIdentity(),
    networkName: "testing",
    listen: [],
    ...{ time, now: Date.now, onOffence: () => undefined },
    peers: new PeerBook(Date.now),
    guard: (pubsub) => {
      found = pubsub;
    },
    userAgent: "filigree-test",
    local: true,
  });
  time.stop();
  await host.stop();
  const inside = found as unknown as Record<string, unknown> & { score: Record<string, unknown> };
  for (const name of ["pipePeerReadStream", "decodeRpc", "handleReceivedRpc", "applyIwantPenalties"])
    expect(inside[name]).toBeTypeOf("function");
  expect(inside.score["rejectInvalidMessage"]).toBeTypeOf("function");
  expect(inside["allowedTopics"]).toBeInstanceOf(Set);
  expect((inside["gossipTracer"] as { promises: unknown }).promises).toBeInstanceOf(Map);
});

type Frame = { subarray(): Uint8Array; readonly byteLength: number };
function fake(local = false) {
  const offences: string[] = [];
  const handled: unknown[] = [];
  let now = 0;
  const time = { late: 0 };
  const promises = new Map([["id", new Map([["a", 5000]])]]);
  const broken: string[] = [];
  const inside = {
    gossipTracer: { promises },
    applyIwantPenalties() {
      for (const [peer, until] of promises.get("id") ?? []) if (until < now) broken.push(peer);
    },
    allowedTopics: new Set(["good"]),
    score: { rejectInvalidMessage: () => undefined },
    decodeRpc(bytes: Uint8Array) {
      if (bytes[0] === 255) throw new Error("no message");
      return { messages: [] };
    },
    async handleReceivedRpc(_peer: unknown, rpc: unknown) {
      handled.push(rpc);
    },
    async pipePeerReadStream(_peer: unknown, stream: AsyncIterable<Frame>) {
      for await (const frame of stream) {
        try {
          inside.decodeRpc(frame.subarray());
        } catch {}
      }
    },
  };
  guardGossip(inside as unknown as GossipSub, {
    now: () => now,
    onOffence: (peer, offence) => offences.push(`${peer} ${offence}`),
    local,
    time,
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { inside, offences, handled, pass, time, broken };
}
async function* frames(...sizes: readonly number[]): AsyncGenerator<Frame> {
  for (const size of sizes) {
    const bytes = new Uint8Array(Math.abs(size)).fill(size < 0 ? 255 : 0);
    yield { subarray: () => bytes, byteLength: bytes.length };
  }
}

test("what cannot be decoded, and too many bytes, are the sender's", async () => {
  const { inside, offences, pass } = fake();
  await inside.pipePeerReadStream("a", frames(10, -10));
  await inside.pipePeerReadStream("b", frames(GOSSIP_LIMITS.bytesBurst, 1));
  expect(offences).toEqual(["a badFrame", "b tooManyRequests"]);
  pass(1000);
  await inside.pipePeerReadStream("b", frames(GOSSIP_LIMITS.bytesPerSecond));
  expect(offences).toHaveLength(2);
});

test("a length above the limit is an offence, a broken stream is none", async () => {
  const { inside, offences } = fake();
  const failing = (name: string) =>
    // biome-ignore lint/correctness/useYield: it fails before
    (async function* (): AsyncGenerator<Frame> {
      throw Object.assign(new Error("length"), { name });
    })();
  await expect(inside.pipePeerReadStream("a", failing("InvalidDataLengthError"))).rejects.toThrow();
  await expect(inside.pipePeerReadStream("b", failing("StreamResetError"))).rejects.toThrow();
  expect(offences).toEqual(["a tooLarge"]);
});

test("a flood is cut and told of a few times, not thousands", async () => {
  const { inside, offences, handled } = fake();
  const rpc = { messages: new Array(GOSSIP_LIMITS.itemsBurst / 2).fill({ topic: "good" }) };
  for (let i = 0; i < 100; i++) await inside.handleReceivedRpc("a", rpc);
  expect(handled).toHaveLength(1);
  expect(offences).toEqual(new Array(4).fill("a tooManyRequests"));
  await inside.handleReceivedRpc("b", { messages: [{ topic: "bad" }] });
  inside.score.rejectInvalidMessage.call(inside.score, ...(["b", "good"] as unknown as []));
  expect(offences.slice(4)).toEqual(["b unwantedTopic", "b forged"]);
});

test("what a peer promised before this node stood still is no broken promise until it could be read", () => {
  const { inside, pass, time, broken } = fake();
  pass(60_000);
  time.late = 58_000;
  inside.applyIwantPenalties();
  expect(broken).toEqual([]);
  pass(4001);
  inside.applyIwantPenalties();
  expect(broken).toEqual(["a"]);
});
