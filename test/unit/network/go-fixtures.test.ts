/** Messages that Go wrote: read, and written again to the same bytes. How they were made stands in the fixture. */
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { decodeBlockMessage, encodeBlockMessage } from "../../../src/network/wire/block-message.ts";
import {
  decodeExchangeRequest,
  decodeExchangeResponse,
  encodeExchangeRequest,
  encodeExchangeResponse,
  encodeExchangeTipset,
} from "../../../src/network/wire/exchange.ts";
import { decodeHello, decodeHelloReply, encodeHello, encodeHelloReply } from "../../../src/network/wire/hello.ts";
import go from "../../fixtures/network/go-messages.json" with { type: "json" };

test("hello", () => {
  const hello = decodeHello(fromHex(go.hello));
  expect(hello).toMatchObject({ height: 5, weight: 1n << 40n });
  expect(toHex(encodeHello(hello))).toBe(go.hello);
  const reply = decodeHelloReply(fromHex(go.helloReply));
  expect(reply).toEqual({ arrival: 1_700_000_000_000_000_001n, sent: 1_700_000_000_000_000_002n });
  expect(toHex(encodeHelloReply(reply))).toBe(go.helloReply);
});

test("chain exchange", () => {
  const request = decodeExchangeRequest(fromHex(go.request));
  expect(request).toMatchObject({ length: 900, headers: true, messages: true });
  expect(toHex(encodeExchangeRequest(request))).toBe(go.request);
  const { status, errorMessage, chain } = decodeExchangeResponse(fromHex(go.response));
  expect(chain.map(({ blocks, messages }) => [blocks[0]?.height, messages?.bls[0]?.nonce])).toEqual([
    [1, 1n],
    [0, undefined],
  ]);
  expect(toHex(encodeExchangeResponse(status, errorMessage, chain.map(encodeExchangeTipset)))).toBe(go.response);
});

test("block message", () => {
  const block = decodeBlockMessage(fromHex(go.blockMessage));
  expect([block.header.height, block.blsMessages.length, block.secpMessages.length]).toEqual([7, 1, 0]);
  expect(toHex(encodeBlockMessage(block))).toBe(go.blockMessage);
});
