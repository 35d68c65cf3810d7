/** RLP, and transactions of Ethereum as messages and back: published examples, those of another library, and what is refused. */
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/base/bytes.ts";
import { hashOf } from "../../../src/chain/eth-hashes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { verifyMessage } from "../../../src/keys/keys.ts";
import {
  decodeTransaction,
  encodeTransaction,
  messageOfTransaction,
  signerOf,
  signingDigest,
  transactionHash,
  transactionOf,
} from "../../../src/types/eth-transaction.ts";
import { SIGNATURE_TYPE } from "../../../src/types/message.ts";
import { decodeRlp, encodeRlp, integerBytes, type Rlp } from "../../../src/types/rlp.ts";
import fixture from "../../fixtures/contracts/transactions.json" with { type: "json" };

const crypto = await loadCrypto();
const hex = (text: string): Uint8Array => fromHex(text.replace(/^0x/, "").toLowerCase());

/** Example of EIP-155: chain id 1, the key 0x46 thirty-two times. */
const EIP_155 = {
  raw: "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
  digest: "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53",
  from: "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
};

/** Order of secp256k1. Source: SEC 2, section 2.4.1. */
const ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

describe("RLP", () => {
  test.each<[string, Rlp, string]>([
    ["a word", utf8("dog"), "83646f67"],
    ["a list", [utf8("cat"), utf8("dog")], "c88363617483646f67"],
    ["nothing", utf8(""), "80"],
    ["an empty list", [], "c0"],
    ["a small byte", Uint8Array.of(0x0f), "0f"],
    ["1024", integerBytes(1024n), "820400"],
    ["lists of lists", [[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"],
    [
      "a long word",
      utf8("Lorem ipsum dolor sit amet, consectetur adipisicing elit"),
      `b838${toHex(utf8("Lorem ipsum dolor sit amet, consectetur adipisicing elit"))}`,
    ],
  ])("%s, as the encoding's page has it", (_, value, text) => {
    expect(toHex(encodeRlp(value))).toBe(text);
    expect(decodeRlp(hex(text))).toEqual(value);
  });

  test.each([
    ["a longer form than needed", "8101"],
    ["a long length that is short", "b80161"],
    ["a length with a leading zero", `b90038${"61".repeat(56)}`],
    ["cut short", "83646f"],
    ["bytes behind", "c000"],
    ["a list that ends inside of an item", "c283616263"],
    ["a length that nothing has", "bfffffffffffffffff"],
    ["lists without end", "c1".repeat(20)],
    ["nothing at all", ""],
  ])("refused: %s", (_, text) => {
    expect(() => decodeRlp(hex(text))).toThrow(/bad RLP at byte/);
  });

  test("refused: more items than any transaction has", () => {
    expect(() => decodeRlp(encodeRlp(Array<Uint8Array>(2000).fill(utf8(""))))).toThrow(/more than 1024 items/);
  });
});

describe("transactions", () => {
  test("the example of EIP-155", () => {
    const tx = decodeTransaction(hex(EIP_155.raw), 1);
    expect(toHex(signingDigest(tx, 1))).toBe(EIP_155.digest);
    expect(toHex(signerOf(crypto, tx, 1)?.ethereum ?? new Uint8Array(0))).toBe(EIP_155.from);
    expect(toHex(encodeTransaction(tx, 1))).toBe(EIP_155.raw);
    expect([tx.kind, tx.nonce, tx.value, tx.gasLimit]).toEqual(["eip155", 9n, 10n ** 18n, 21000n]);
    expect(() => decodeTransaction(hex(EIP_155.raw), 314)).toThrow(/not that of chain 314/);
  });

  test.each(fixture.transactions.map((one, i) => [i, one] as const))(
    "transaction %i of another library: hash, signer, and the message that it is on chain",
    (_, { raw, hash, from }) => {
      const { chainId } = fixture;
      const tx = decodeTransaction(hex(raw), chainId);
      expect(toHex(transactionHash(tx, chainId))).toBe(hash.slice(2));
      const signer = signerOf(crypto, tx, chainId);
      expect(toHex(signer?.ethereum ?? new Uint8Array(0))).toBe(from.slice(2).toLowerCase());
      if (signer === null) return;
      const signed = messageOfTransaction(tx, signer);
      expect(signed.signature.type).toBe(SIGNATURE_TYPE.delegated);
      expect(transactionOf(signed)).toEqual(tx);
      expect(hashOf(signed, chainId)).toEqual(hex(hash));
      expect(verifyMessage(crypto, signed, signer, chainId)).toBe(true);
      // A changed message has another signer; one of another chain, too, but for the kind that names none.
      const more = { ...signed, message: { ...signed.message, value: signed.message.value + 1n } };
      expect(verifyMessage(crypto, more, signer, chainId)).toBe(false);
      expect(verifyMessage(crypto, signed, signer, chainId + 1)).toBe(tx.kind === "legacy");
    },
  );

  test("what is no transaction", () => {
    const { chainId } = fixture;
    const [first] = fixture.transactions;
    const raw = hex(first?.raw ?? "");
    const list = decodeRlp(raw.subarray(1)) as readonly Rlp[];
    const changed = (at: number, value: Rlp): Uint8Array =>
      concat(Uint8Array.of(2), encodeRlp(list.map((one, i) => (i === at ? value : one))));
    const refused = (bytes: Uint8Array, why: RegExp): void => {
      expect(() => decodeTransaction(bytes, chainId)).toThrow(why);
    };
    refused(new Uint8Array(0), /nothing/);
    refused(Uint8Array.of(1, 0xc0), /EIP-2930/);
    refused(Uint8Array.of(3, 0xc0), /unknown type 3/);
    refused(changed(0, integerBytes(1n)), /for chain 1/);
    refused(changed(1, Uint8Array.of(0)), /shortest form/);
    refused(changed(1, new Uint8Array(9).fill(1)), /more than 8 bytes/);
    refused(changed(5, new Uint8Array(19).fill(1)), /receiver of 19 bytes/);
    refused(changed(8, [utf8("a")]), /access lists must be empty/);
    refused(changed(9, integerBytes(2n)), /v must be 0 or 1/);
    refused(concat(Uint8Array.of(2), encodeRlp(list.slice(1))), /12 items/);
    for (let end = 1; end < raw.length; end += 5)
      expect(() => decodeTransaction(raw.subarray(0, end), chainId)).toThrow();
  });

  test("before EIP-1559: numbers in a longer form, too many bytes, another v and too few items are refused", () => {
    const whole = decodeRlp(hex(EIP_155.raw)) as readonly Rlp[];
    const changed = (at: number, value: Rlp): Uint8Array => encodeRlp(whole.map((one, i) => (i === at ? value : one)));
    const padded = (at: number): Uint8Array => concat(Uint8Array.of(0), whole[at] as Uint8Array);
    const refused = (bytes: Uint8Array, why: RegExp): void => {
      expect(() => decodeTransaction(bytes, 1)).toThrow(why);
    };
    // Nonce, price, limit, value, v; r and s have all their bytes already.
    for (const at of [0, 1, 2, 4, 6]) refused(changed(at, padded(at)), /shortest form/);
    for (const at of [7, 8]) refused(changed(at, padded(at)), /more than 32 bytes/);
    for (const at of [0, 2]) refused(changed(at, new Uint8Array(9).fill(1)), /more than 8 bytes/);
    for (const at of [1, 4, 6, 7, 8]) refused(changed(at, new Uint8Array(33).fill(1)), /more than 32 bytes/);
    for (const at of [0, 7]) refused(changed(at, []), /a number is a byte string/);
    // 37 and 38 are those of chain 1.
    for (const v of [0n, 1n, 26n, 29n, 36n, 39n, 2n ** 64n])
      refused(changed(6, integerBytes(v)), /not that of chain 1/);
    refused(encodeRlp(whole.slice(1)), /9 items/);
    refused(encodeRlp([...whole, utf8("")]), /9 items/);
  });

  test("nobody signs with r or s of 0 or not below the order; of a high s the key is recovered, as the reference does", () => {
    const { chainId } = fixture;
    const order = BigInt(`0x${ORDER}`);
    for (const { raw } of fixture.transactions) {
      const tx = decodeTransaction(hex(raw), chainId);
      for (const wrong of [0n, order, order + 1n, 2n ** 256n - 1n]) {
        expect(signerOf(crypto, { ...tx, r: wrong }, chainId)).toBeNull();
        expect(signerOf(crypto, { ...tx, s: wrong }, chainId)).toBeNull();
      }
      // 0 and 1, 27 and 28, and the pairs of EIP-155, which begin with an odd number.
      const isFirst = tx.v % 2n === (tx.kind === "eip1559" ? 0n : 1n);
      const v = isFirst ? tx.v + 1n : tx.v - 1n;
      expect(signerOf(crypto, { ...tx, s: order - tx.s, v }, chainId)).toEqual(signerOf(crypto, tx, chainId));
    }
  });

  test("a v that another one stands for has no hash and no signer: a transaction is one message alone", () => {
    const { chainId } = fixture;
    const all = fixture.transactions.map(({ raw }) => decodeTransaction(hex(raw), chainId));
    const of = (kind: string) => all.find((tx) => tx.kind === kind) ?? all[0];
    for (const [kind, v] of [
      // A byte more, of which a recovery would see the low one alone.
      ["legacy", (of("legacy")?.v ?? 0n) + 256n],
      ["legacy", of("eip155")?.v ?? 0n],
      ["eip155", of("legacy")?.v ?? 0n],
    ] as const) {
      const tx = of(kind);
      const signer = tx && signerOf(crypto, tx, chainId);
      if (tx?.kind !== kind || signer == null) throw new Error(`no ${kind} transaction`);
      const signed = messageOfTransaction({ ...tx, v }, signer);
      expect(hashOf(signed, chainId)).toBeNull();
      expect(verifyMessage(crypto, signed, signer, chainId)).toBe(false);
    }
  });

  test("messages that no transaction gives have no hash and no signer", () => {
    const { chainId } = fixture;
    const tx = decodeTransaction(hex(fixture.transactions[0]?.raw ?? ""), chainId);
    const signer = signerOf(crypto, tx, chainId);
    if (signer === null) throw new Error("nobody signed");
    const { message, signature } = messageOfTransaction(tx, signer);
    for (const wrong of [{ method: 2n }, { params: utf8("\u0001") }, { params: Uint8Array.of(0x40) }]) {
      const signed = { message: { ...message, ...wrong }, signature };
      expect([verifyMessage(crypto, signed, signer, chainId), hashOf(signed, chainId)]).toEqual([false, null]);
    }
    const short = { message, signature: { ...signature, data: signature.data.subarray(0, 64) } };
    expect(verifyMessage(crypto, short, signer, chainId)).toBe(false);
  });
});
