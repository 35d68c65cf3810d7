/** A client and asks that their provider has replaced since: whoever heard one may give it again, signed as it is. */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { signBytes } from "../../../src/keys/keys.ts";
import { encodeAsk, type SignedAsk } from "../../../src/market/storage/legacy-messages.ts";
import type { ProviderLink } from "../../../src/market/storage/link.ts";
import { FakeMarket, MINER } from "../../support/market-chain.ts";
import { newDisk, openNode } from "../../support/market-node.ts";
import { keyOfNumber } from "../../support/paych-chain.ts";

const crypto = await loadCrypto();
const WORKER = 2;

function signedAsk(seqNo: bigint, timestamp: bigint, price = 100n, key = WORKER): SignedAsk {
  const ask = {
    ...{ price, verifiedPrice: 10n, minPieceSize: 128n, maxPieceSize: 2048n, miner: MINER },
    ...{ timestamp, expiry: timestamp + 1_000_000n, seqNo },
  };
  return { ask, signature: signBytes(crypto, keyOfNumber(key), encodeAsk(ask)) };
}

test("an ask that was replaced is refused, also by a client that was started anew; a provider that counts anew is heard", async () => {
  const market = new FakeMarket(crypto);
  const disk = newDisk();
  let given = signedAsk(0n, 10n);
  const linkTo = () => ({ ask: async () => given }) as unknown as ProviderLink;
  let node = await openNode(market, disk, { linkTo });
  const heard = async (next: SignedAsk): Promise<bigint> => {
    given = next;
    return (await node.client.ask(MINER, "a peer")).ask.price;
  };
  const old = signedAsk(3n, 2000n, 1n);
  expect(await heard(old)).toBe(1n);
  expect(await heard(signedAsk(4n, 2100n))).toBe(100n);
  await expect(heard(old)).rejects.toThrow(
    /number 3 of epoch 2000, and number 4 of epoch 2100 is known; ask the provider/,
  );
  expect(await node.client.providerAmong(MINER, ["a peer"])).toBeNull();
  // What somebody else has signed changes nothing.
  await expect(heard(signedAsk(9n, 9000n, 1n, 1))).rejects.toThrow(/not signed by its worker/);
  await node.stop();
  node = await openNode(market, disk, { linkTo });
  await expect(heard(old)).rejects.toThrow(/an old one/);
  expect(await heard(signedAsk(4n, 2100n))).toBe(100n);
  // A fork took its head back by some epochs.
  expect(await heard(signedAsk(5n, 2050n, 50n))).toBe(50n);
  // It has lost its records: the number begins anew, and what was signed before them is old.
  expect(await heard(signedAsk(0n, 8000n, 70n))).toBe(70n);
  for (const one of [old, signedAsk(5n, 2050n, 50n)]) await expect(heard(one)).rejects.toThrow(/an old one/);
  expect(await heard(signedAsk(1n, 8001n, 71n))).toBe(71n);
  await node.stop();
});

test("an ask that has run out is refused, and is known as the newest all the same", async () => {
  const market = new FakeMarket(crypto);
  const [runOut, before] = [signedAsk(4n, 2100n), signedAsk(3n, 2000n)];
  let given = runOut;
  const node = await openNode(market, newDisk(), {
    linkTo: () => ({ ask: async () => given }) as unknown as ProviderLink,
  });
  const { expiry } = runOut.ask;
  market.epoch = Number(expiry);
  await expect(node.client.ask(MINER, "a peer")).rejects.toThrow(
    `held until epoch ${expiry}, and it is epoch ${expiry}`,
  );
  expect(await node.client.providerAmong(MINER, ["a peer"])).toBeNull();
  market.epoch--;
  expect((await node.client.ask(MINER, "a peer")).ask).toEqual(runOut.ask);
  given = before;
  await expect(node.client.ask(MINER, "a peer")).rejects.toThrow(/an old one/);
  await node.stop();
});
