import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBlockMessage, encodeBlockMessage } from "../../../src/network/wire/block-message.ts";
import { CborReader, cborHead, ItemScanner, WireError } from "../../../src/network/wire/cbor.ts";
import {
  decodeExchangeRequest,
  decodeExchangeResponse,
  encodeExchangeRequest,
  encodeExchangeResponse,
  encodeExchangeTipset,
} from "../../../src/network/wire/exchange.ts";
import { decodeHello, decodeHelloReply, encodeHello, encodeHelloReply } from "../../../src/network/wire/hello.ts";
import { Address } from "../../../src/types/address.ts";
import { SIGNATURE_TYPE, type SignedMessage } from "../../../src/types/message.ts";
import { cidNumber, plainChain, plainHeader } from "../../support/headers.ts";

const message = (nonce: bigint): SignedMessage => ({
  message: {
    to: Address.id(101),
    from: Address.id(100),
    nonce,
    value: 5n,
    gasLimit: 1_000_000n,
    gasFeeCap: 100n,
    gasPremium: 1n,
    method: 0n,
    params: new Uint8Array(3),
  },
  signature: { type: SIGNATURE_TYPE.secp256k1, data: new Uint8Array(65) },
});

describe("items in a stream", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.oneof(fc.maxSafeInteger(), fc.string(), fc.boolean(), fc.constant(null)), { maxLength: 40 }),
    fc.dictionary(fc.string(), fc.array(fc.maxSafeInteger(), { maxLength: 5 }), { maxKeys: 8 }),
  );

  test("the end is found wherever the bytes are cut", () => {
    fc.assert(
      fc.property(anything, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (value, cuts) => {
        const bytes = dagCbor.encode(value);
        const scanner = new ItemScanner(bytes.length);
        let at = 0;
        for (let i = 0; ; i++) {
          const chunk = bytes.subarray(at, at + (cuts[i % cuts.length] as number));
          const end = scanner.take(chunk);
          at += end < 0 ? chunk.length : end;
          if (end >= 0) break;
        }
        expect(at).toBe(bytes.length);
      }),
    );
  });

  test("what is longer than allowed is refused at its head, not after it arrived", () => {
    expect(() => new ItemScanner(100).take(cborHead(2, 101))).toThrow(WireError);
    expect(() => new ItemScanner(100).take(cborHead(4, 1n << 40n))).toThrow(WireError);
    expect(() => new ItemScanner(1000).take(new Uint8Array(17).fill(0x81))).toThrow(WireError);
    expect(() => new ItemScanner(100).take(Uint8Array.of(0x9f))).toThrow(WireError);
  });

  test("heads that are not minimal are refused", () => {
    for (const bytes of [
      [0x18, 23],
      [0x19, 0, 255],
      [0x1a, 0, 0, 255, 255],
      [0x1b, 0, 0, 0, 0, 255, 255, 255, 255],
    ])
      expect(() => new CborReader(Uint8Array.from(bytes)).unsigned("number")).toThrow("not minimal");
  });
});

describe("hello", () => {
  const hello = { heaviest: [cidNumber(1), cidNumber(2)], height: 77, weight: 1234567n << 70n, genesis: cidNumber(3) };

  test("round trip", () => {
    expect(decodeHello(encodeHello(hello))).toEqual(hello);
    const reply = { arrival: 1_700_000_000_000_000_000n, sent: 1_700_000_000_000_000_009n };
    expect(decodeHelloReply(encodeHelloReply(reply))).toEqual(reply);
  });

  test("no prefix and no changed byte is taken for another error than a named one", () => {
    const bytes = encodeHello(hello);
    for (let i = 0; i < bytes.length; i++) expect(() => decodeHello(bytes.subarray(0, i))).toThrow(WireError);
    expect(() => decodeHello(new Uint8Array([...bytes, 0]))).toThrow("after its end");
  });
});

describe("block message", () => {
  const block = { header: plainHeader(), blsMessages: [cidNumber(5)], secpMessages: [cidNumber(6), cidNumber(7)] };

  test("round trip, as the tuple that the reference encodes", () => {
    const bytes = encodeBlockMessage(block);
    expect(decodeBlockMessage(bytes)).toEqual(block);
    const [header, bls, secp] = dagCbor.decode(bytes) as unknown[][];
    expect(header).toHaveLength(16);
    expect([bls?.length, secp?.length]).toEqual([1, 2]);
  });

  test("trailing bytes are refused", () => {
    expect(() => decodeBlockMessage(new Uint8Array([...encodeBlockMessage(block), 0]))).toThrow("after its end");
  });
});

describe("chain exchange", () => {
  test("requests", () => {
    const request = { head: [cidNumber(1)], length: 900, headers: true, messages: false };
    expect(decodeExchangeRequest(encodeExchangeRequest(request))).toEqual(request);
  });

  test("responses with and without messages", () => {
    const [genesis, one] = plainChain([0, 1], 2);
    const messages = {
      bls: [message(1n).message],
      blsIncludes: [[0], []],
      secp: [message(2n), message(3n)],
      secpIncludes: [[0, 1], [1]],
    };
    const chain = [
      { blocks: one?.blocks ?? [], messages },
      { blocks: genesis?.blocks ?? [], messages: null },
    ];
    const bytes = encodeExchangeResponse(101, "some", chain.map(encodeExchangeTipset));
    expect(decodeExchangeResponse(bytes)).toEqual({ status: 101, errorMessage: "some", chain });
    expect(dagCbor.decode(bytes)).toHaveLength(3);
  });

  test("an index without its message is refused", () => {
    const messages = { bls: [], blsIncludes: [[0]], secp: [], secpIncludes: [[]] };
    const bytes = encodeExchangeResponse(0, "", [encodeExchangeTipset({ blocks: [plainHeader()], messages })]);
    expect(() => decodeExchangeResponse(bytes)).toThrow("index 0 of 0 messages");
  });

  test("changed bytes end in a named error or in another response, never in something else", () => {
    const [genesis] = plainChain([0]);
    const bytes = encodeExchangeResponse(0, "", [
      encodeExchangeTipset({ blocks: genesis?.blocks ?? [], messages: null }),
    ]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ flip;
        try {
          decodeExchangeResponse(changed);
        } catch (error) {
          expect(error).toHaveProperty("data.code");
        }
      }),
      { numRuns: 500 },
    );
  });
});
