import { beforeAll, expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, deriveKey, KeyError, signMessage, verifyBytes } from "../../../src/keys/keys.ts";
import { Keystore } from "../../../src/keys/keystore.ts";
import { memorySecrets } from "../../../src/platform/secrets.ts";
import { messageCid } from "../../../src/types/message.ts";

let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});

const prefix = "t" as const;
const randomBytes = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));

test("keystore: keys come back with the passphrase, and with no other", async () => {
  const secrets = memorySecrets();
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, prefix, local: false }, "correct horse");
  const address = await keystore.add(deriveKey(crypto, "seed", "one", "secp256k1"));
  const bls = await keystore.add(deriveKey(crypto, "seed", "one", "bls"));
  const again = await Keystore.open({ secrets, crypto, randomBytes, prefix, local: false }, "correct horse");
  expect(again.list().map(String).sort()).toEqual([`${address}`, `${bls}`].sort());
  expect(again.get(address).secret).toEqual(keystore.get(address).secret);
  await expect(Keystore.open({ secrets, crypto, randomBytes, prefix, local: false }, "wrong")).rejects.toMatchObject({
    data: { code: "LOCKED" },
  });
});

test("keystore: no secret lies in the store in the open", async () => {
  const secrets = memorySecrets();
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, prefix, local: false }, "p");
  const key = deriveKey(crypto, "seed", "hidden", "secp256k1");
  await keystore.add(key);
  const secret = String.fromCharCode(...key.secret);
  const stored = JSON.parse(new TextDecoder().decode((await secrets.read("keystore")) as Uint8Array)) as {
    keys: Record<string, string>;
  };
  expect(Object.values(stored.keys).length).toBe(1);
  for (const record of Object.values(stored.keys))
    expect(String.fromCharCode(...fromBase64(record))).not.toContain(secret);
});

test("keystore: guessing costs what a passphrase hides: much, and nothing for the one that everybody knows", async () => {
  for (const [local, passphrase, logN] of [
    [false, "p", 15],
    [true, "p", 15],
    [true, "", 10],
  ] as const) {
    const secrets = memorySecrets();
    const parts = { secrets, crypto, randomBytes, prefix, local } as const;
    const address = await (await Keystore.open(parts, passphrase)).add(deriveKey(crypto, "seed", "cost", "secp256k1"));
    const { keys } = JSON.parse(new TextDecoder().decode((await secrets.read("keystore")) as Uint8Array));
    expect(fromBase64(keys[`${address}`])[4]).toBe(logN);
    expect((await Keystore.open(parts, passphrase)).list()).toEqual([address]);
  }
});

test("keystore: a damaged record, an unknown key and a removed key are named", async () => {
  const secrets = memorySecrets();
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, prefix, local: true }, "");
  const address = await keystore.add(deriveKey(crypto, "seed", "x", "bls"));
  expect(`${await keystore.defaultAddress()}`).toBe(`${address}`);
  await keystore.remove(address);
  expect(await keystore.defaultAddress()).toBeNull();
  expect(() => keystore.get(address)).toThrow(KeyError);
  // As this network spells addresses.
  expect(() => keystore.get(address)).toThrow(`no key for ${address.toString("t")} in this wallet`);
  const damaged = [
    JSON.stringify({ format: 1, default: null, keys: { [`${address}`]: toBase64(new Uint8Array(70)) } }),
    JSON.stringify({ format: 1, default: `${address}`, keys: {} }),
    JSON.stringify({ format: 1, default: null, keys: { "no address": "" } }),
    "{",
    "null",
    "",
  ];
  for (const text of damaged) {
    await secrets.write("keystore", new TextEncoder().encode(text));
    await expect(Keystore.open({ secrets, crypto, randomBytes, prefix, local: true }, "")).rejects.toMatchObject({
      data: { code: "BAD_KEYSTORE" },
    });
  }
});

test("keystore: a key that does not open with a passphrase that opens others is damaged", async () => {
  const secrets = memorySecrets();
  const parts = { secrets, crypto, randomBytes, prefix, local: true };
  const keystore = await Keystore.open(parts, "");
  await keystore.addAll([deriveKey(crypto, "seed", "1", "bls"), deriveKey(crypto, "seed", "2", "secp256k1")]);
  const stored = JSON.parse(new TextDecoder().decode((await secrets.read("keystore")) as Uint8Array)) as {
    keys: Record<string, string>;
  };
  const [name, text] = Object.entries(stored.keys)[0] as [string, string];
  const record = fromBase64(text);
  record[record.length - 3] = (record[record.length - 3] as number) ^ 1;
  stored.keys[name] = toBase64(record);
  await secrets.write("keystore", new TextEncoder().encode(JSON.stringify(stored)));
  await expect(Keystore.open(parts, "")).rejects.toMatchObject({ code: "BAD_KEYSTORE" });
});

test("keystore: off a local network no key lies under an empty passphrase", async () => {
  const parts = { secrets: memorySecrets(), crypto, randomBytes, prefix };
  await expect(Keystore.open({ ...parts, local: false }, "")).rejects.toMatchObject({ code: "NO_PASSPHRASE" });
  await Keystore.open({ ...parts, local: true }, "");
});

test("keystore: keys added at once are all kept, and a change that cannot be written does not hold", async () => {
  const secrets = memorySecrets();
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, prefix, local: true }, "");
  const keys = Array.from({ length: 5 }, (_, i) => deriveKey(crypto, "seed", `${i}`, "secp256k1"));
  await Promise.all(keys.map((key) => keystore.add(key)));
  expect((await Keystore.open({ secrets, crypto, randomBytes, prefix, local: true }, "")).list().length).toBe(5);
  const failing = { ...secrets, write: () => Promise.reject(new Error("full")) };
  const other = await Keystore.open({ secrets: failing, crypto, randomBytes, prefix, local: true }, "");
  await expect(other.add(deriveKey(crypto, "seed", "more", "bls"))).rejects.toThrow("full");
  expect(other.list().length).toBe(5);
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
