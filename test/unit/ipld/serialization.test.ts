/**
 * Messages and block headers of the network's serialization vectors, to the byte, in the core and in the host.
 * The vectors are not part of this repository (see test/support/vectors.ts for where they are looked for).
 */
import { beforeAll, describe, expect, test } from "vitest";
import { fromBase64, fromHex, fromUtf8, toHex } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, type KeyInfo, signMessage, verifyBytes } from "../../../src/keys/keys.ts";
import { decodeHeader, encodeHeader, headerCid, headerToJson } from "../../../src/types/block-header.ts";
import {
  decodeMessage,
  encodeMessage,
  messageCid,
  messageFromJson,
  signatureFromJson,
} from "../../../src/types/message.ts";
import { readShared } from "../../support/vectors.ts";
import { KIND, Probe } from "./probe.ts";

type Vectors = readonly Record<string, unknown>[];

async function load(name: string): Promise<Vectors | null> {
  const bytes = await readShared(`vectors/serialization/${name}.json`);
  if (bytes === null) return null;
  // Numbers beyond 2^53 are kept as text: they stand bare in these files.
  return JSON.parse(fromUtf8(bytes).replace(/: (\d{16,})/g, ': "$1"')) as Vectors;
}

const unsignedMessages = await load("unsigned_messages");
const blockHeaders = await load("block_headers");
const signing = await load("message_signing");
const present = unsignedMessages !== null && blockHeaders !== null && signing !== null;
if (!present) console.warn("skipped: no vectors/serialization; set FILIGREE_VECTORS to the folder that has it");

let probe: Probe;
beforeAll(async () => {
  probe = await Probe.load();
});

describe.skipIf(!present)("serialization vectors", () => {
  test("unsigned messages read back to the same bytes and hold the fields of the vector", () => {
    const vectors = unsignedMessages as Vectors;
    expect(vectors.length).toBeGreaterThan(0);
    for (const vector of vectors) {
      const bytes = fromHex(String(vector["hex_cbor"]));
      const fields = vector["message"] as Record<string, unknown>;
      expect(probe.read(KIND.message, bytes)).toEqual(bytes);
      const message = decodeMessage(bytes);
      expect(encodeMessage(message)).toEqual(bytes);
      expect(message.nonce).toBe(BigInt(String(fields["Nonce"])));
      expect(message.method).toBe(BigInt(String(fields["Method"])));
      expect(message.gasLimit).toBe(BigInt(String(fields["GasLimit"])));
      expect(message.value).toBe(BigInt(String(fields["Value"])));
      expect(message.to.toString("t")).toBe(fields["To"]);
      expect(message.from.toString("t")).toBe(fields["From"]);
    }
  });

  test("block headers read back to the same bytes under the CID of the vector", () => {
    const vectors = blockHeaders as Vectors;
    expect(vectors.length).toBeGreaterThan(0);
    for (const vector of vectors) {
      const bytes = fromHex(String(vector["cbor_hex"]));
      expect(probe.read(KIND.blockHeader, bytes)).toEqual(bytes);
      const header = decodeHeader(bytes);
      expect(encodeHeader(header)).toEqual(bytes);
      expect(headerCid(header).toString()).toBe(vector["cid"]);
      expect(toHex(probe.cidOf(bytes))).toBe(toHex(headerCid(header).bytes));
      expect(headerToJson(header, "t")).toEqual(vector["block"]);
    }
  });

  test("what is signed is the CID of the message", async () => {
    const crypto = await loadCrypto();
    const vectors = signing as Vectors;
    expect(vectors.length).toBeGreaterThan(0);
    for (const vector of vectors) {
      const message = messageFromJson(vector["Unsigned"]);
      const bytes = encodeMessage(message);
      expect(messageCid(message).toString()).toBe(vector["Cid"]);
      expect(toHex(probe.cidOf(bytes))).toBe(vector["CidHexBytes"]);
      expect(probe.read(KIND.message, bytes)).toEqual(bytes);
      const key: KeyInfo = { type: "bls", secret: fromBase64(String(vector["PrivateKey"])) };
      expect(addressOf(crypto, key).equals(message.from)).toBe(true);
      const signature = signatureFromJson(vector["Signature"]);
      expect(signMessage(crypto, key, message).signature).toEqual(signature);
      expect(verifyBytes(crypto, signature, message.from, messageCid(message).bytes)).toBe(true);
    }
  });
});
