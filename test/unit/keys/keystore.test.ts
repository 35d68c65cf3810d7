import { beforeAll, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, deriveKey, KeyError, signMessage, verifyBytes } from "../../../src/keys/keys.ts";
import { Keystore } from "../../../src/keys/keystore.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { messageCid } from "../../../src/types/message.ts";

let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});

const randomBytes = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));

test("keystore: keys come back with the passphrase, and with no other", async () => {
  const store = new MemoryStore();
  const keystore = await Keystore.open({ store, crypto, randomBytes }, "correct horse");
  const address = await keystore.add(deriveKey(crypto, "seed", "one", "secp256k1"));
  const bls = await keystore.add(deriveKey(crypto, "seed", "one", "bls"));
  const again = await Keystore.open({ store, crypto, randomBytes }, "correct horse");
  expect(again.list().map(String).sort()).toEqual([`${address}`, `${bls}`].sort());
  expect(again.get(address).secret).toEqual(keystore.get(address).secret);
  await expect(Keystore.open({ store, crypto, randomBytes }, "wrong")).rejects.toMatchObject({
    data: { code: "LOCKED" },
  });
});

test("keystore: no secret lies in the store in the open", async () => {
  const store = new MemoryStore();
  const keystore = await Keystore.open({ store, crypto, randomBytes }, "p");
  const key = deriveKey(crypto, "seed", "hidden", "secp256k1");
  await keystore.add(key);
  const secret = String.fromCharCode(...key.secret);
  for (const [, value] of await store.facts("")) expect(String.fromCharCode(...value)).not.toContain(secret);
});

test("keystore: a damaged record, an unknown key and a removed key are named", async () => {
  const store = new MemoryStore();
  const keystore = await Keystore.open({ store, crypto, randomBytes }, "");
  const address = await keystore.add(deriveKey(crypto, "seed", "x", "bls"));
  expect(`${await keystore.defaultAddress()}`).toBe(`${address}`);
  await keystore.remove(address);
  expect(await keystore.defaultAddress()).toBeNull();
  expect(() => keystore.get(address)).toThrow(KeyError);
  store.writeNow({ facts: [[`key/${address}`, new Uint8Array(70)]] });
  await expect(Keystore.open({ store, crypto, randomBytes }, "")).rejects.toMatchObject({
    data: { code: "BAD_KEYSTORE" },
  });
});

test("keys: a message's signature is the sender's and nobody else's, for both kinds", () => {
  for (const type of ["secp256k1", "bls"] as const) {
    const key = deriveKey(crypto, "seed", "signer", type);
    const from = addressOf(crypto, key);
    const other = addressOf(crypto, deriveKey(crypto, "seed", "other", type));
    const message = {
      to: other,
      from,
      nonce: 1n,
      value: 2n,
      gasLimit: 3n,
      gasFeeCap: 4n,
      gasPremium: 5n,
      method: 0n,
      params: new Uint8Array(0),
    };
    const signed = signMessage(crypto, key, message);
    const cid = messageCid(message).bytes;
    expect(verifyBytes(crypto, signed.signature, from, cid)).toBe(true);
    expect(verifyBytes(crypto, signed.signature, other, cid)).toBe(false);
    expect(verifyBytes(crypto, { ...signed.signature, data: signed.signature.data.slice(1) }, from, cid)).toBe(false);
  }
  expect(() => addressOf(crypto, { type: "secp256k1", secret: new Uint8Array(32) })).toThrow(KeyError);
  expect(() => addressOf(crypto, { type: "bls", secret: new Uint8Array(31) })).toThrow(KeyError);
});
