/** What gossip is told of messages that peers pass on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { signMessage } from "../../../src/keys/keys.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { PoolGossip } from "../../../src/node/pool-gossip.ts";
import type { Message, SignedMessage } from "../../../src/types/message.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
}, 120_000);
afterAll(() => net?.close());

test("a message of a peer is passed on if the pool takes it, dropped, or held against the peer", async () => {
  const { pool, crypto } = net.node;
  const published: SignedMessage[] = [];
  const publish = async (signed: SignedMessage): Promise<void> => void published.push(signed);
  const gossip = new PoolGossip({ pool, publish, onFault: () => undefined });
  const [alice, bob] = net.accounts as [(typeof net.accounts)[0], (typeof net.accounts)[0]];
  const made = (change: Partial<Message> = {}): SignedMessage =>
    signMessage(crypto, alice.keys.secp256k1, {
      from: alice.secp256k1,
      to: bob.secp256k1,
      nonce: 0n,
      value: 1n,
      gasLimit: 5_000_000n,
      gasFeeCap: 1_000_000_000n,
      gasPremium: 100_000n,
      method: 0n,
      params: new Uint8Array(0),
      ...change,
    });
  const good = made();
  expect(await gossip.received({ ...good, message: { ...good.message, value: 2n } })).toBe("reject");
  expect(await gossip.received(made({ gasLimit: 1n }))).toBe("reject");
  expect(await gossip.received(made({ gasFeeCap: 10n ** 15n }))).toBe("ignore");
  expect(pool.pending()).toHaveLength(0);
  expect(await gossip.received(good)).toBe("accept");
  expect(await gossip.received(good)).toBe("ignore");
  expect(pool.pending()).toHaveLength(1);
  // Gossip itself passes it on; only what this node's own user sends is published here.
  expect(published).toEqual([]);
  gossip.close();
});
