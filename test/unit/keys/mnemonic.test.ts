/** Keys of a mnemonic: the words of every development tool, against addresses that other wallets derive. */
import { beforeAll, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, deriveKey, KeyError } from "../../../src/keys/keys.ts";
import { exportKey, importKey } from "../../../src/keys/lotus-key.ts";
import { accountPath, MnemonicKeys, mnemonicOf, parseMnemonic } from "../../../src/keys/mnemonic.ts";

const JUNK = "test test test test test test test test test test test junk";
let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});

test("the first Ethereum account of the words that everybody tests with", () => {
  // Printed by hardhat, anvil and ganache as account 0 and 1.
  const keys = new MnemonicKeys(JUNK);
  expect(toHex(keys.key(accountPath("ethereum", 0)).secret)).toBe(
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  );
  expect(toHex(keys.key(accountPath("ethereum", 1)).secret)).toBe(
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  );
});

test("Filecoin accounts have the addresses that iso-filecoin derives", () => {
  const keys = new MnemonicKeys(JUNK);
  // Derived with iso-filecoin 7.4.7, accountFromMnemonic(words, "SECP256K1", path, "", "testnet").
  expect([0, 1].map((i) => addressOf(crypto, keys.key(accountPath("filecoin", i))).toString("t"))).toEqual([
    "t1qid3qslm4jax2jpohkdwomtidgd3x7xa7qvahea",
    "t14zh7ha4hrtjida77isj2oskt73ykwbrmppo7tny",
  ]);
});

test("a passphrase gives other keys", () => {
  const path = accountPath("filecoin", 0);
  expect(new MnemonicKeys(JUNK, "secret").key(path)).not.toEqual(new MnemonicKeys(JUNK).key(path));
});

test("entropy becomes twelve words that are read again", () => {
  const words = mnemonicOf(new Uint8Array(16).fill(0x7f));
  // BIP-39's own vector for 7f × 16.
  expect(words).toBe("legal winner thank year wave sausage worth useful legal winner thank yellow");
  expect(parseMnemonic(`  ${words.toUpperCase().replaceAll(" ", "  ")} `)).toBe(words);
});

test.each([
  ["test test", /2 words/],
  [JUNK.replace("junk", "jank"), /word 12 is not/],
  [JUNK.replace("junk", "zoo"), /checksum/],
])("%j is no mnemonic", (text, why) => {
  expect(() => parseMnemonic(text)).toThrow(why);
  expect(() => new MnemonicKeys(text)).toThrow(KeyError);
});

test.each([-1, 1.5, 2 ** 31])("there is no account %d", (index) => {
  expect(() => accountPath("filecoin", index)).toThrow(KeyError);
});

test.each(["secp256k1", "bls"] as const)("an exported %s key is read again, in both forms", (type) => {
  const key = deriveKey(crypto, "seed", "export", type);
  const text = exportKey(key);
  expect(importKey(`${text}\n`)).toEqual(key);
  expect(
    importKey(new TextDecoder().decode(Uint8Array.from(text.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)))),
  ).toEqual(key);
});

test("the export of lotus for a known secret", () => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
  expect(exportKey({ type: "secp256k1", secret })).toBe(
    "7b2254797065223a22736563703235366b31222c22507269766174654b6579223a2241514944424155474277674a4367734d4451345045424553457851564668635947526f62484230654879413d227d",
  );
});

test.each([
  "",
  "zz",
  "7b",
  "{}",
  '{"Type":"rsa","PrivateKey":"AA=="}',
  '{"Type":"bls","PrivateKey":"AA=="}',
  "7b".repeat(5000),
])("%j is no export", (text) => {
  expect(() => importKey(text)).toThrow(KeyError);
});
