/** Messages of data transfer and graphsync: those that Go's own encoders wrote go in and out to the same byte; wrong ones are refused by name. */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { decodeVarint } from "../../../src/base/varint.ts";
import {
  cidOfReceived,
  decodeGraphsync,
  EXTENSION,
  encodeGraphsync,
  readCidList,
  readSkip,
} from "../../../src/market/graphsync/message.ts";
import {
  decodeQuery,
  decodeQueryResponse,
  decodeTransports,
  encodeQuery,
  encodeQueryResponse,
  encodeTransports,
  paymentVoucher,
  proposalVoucher,
  readPayment,
  readProposal,
  readResponse,
  responseVoucher,
  VOUCHER_TYPE,
} from "../../../src/market/retrieval/messages.ts";
import {
  decodeTransfer,
  encodeTransfer,
  TRANSFER_EXTENSION,
  transferRequest,
  transferResponse,
} from "../../../src/market/transfer/message.ts";
import { withLength } from "../../../src/network/wire/frames.ts";
import go from "../../fixtures/retrieval/go-messages.json" with { type: "json" };
import { readShared } from "../../support/vectors.ts";

const PLACE = "vectors/data-transfer/messages.json";
const published = await readShared(PLACE);
if (published === null) console.warn(`skipped: no ${PLACE}; set FILIGREE_VECTORS to the folder that has it`);

const goHex = (what: string): string => go.messages.find((one) => one.what === what)?.hex as string;

test.skipIf(published === null)("published messages of data transfer", () => {
  const all = JSON.parse(new TextDecoder().decode(published as Uint8Array)) as { what: string; hex: string }[];
  expect(all.length).toBeGreaterThan(0);
  for (const { what, hex } of all)
    expect([what, toHex(encodeTransfer(decodeTransfer(fromHex(hex))))]).toEqual([what, hex]);
});

describe("messages by Go", () => {
  const transfers = go.messages.filter(({ what }) => what.startsWith("transfer"));
  test.each(transfers.map(({ what, hex }) => [what, hex]))("%s", (_, hex) => {
    expect(toHex(encodeTransfer(decodeTransfer(fromHex(hex))))).toBe(hex);
  });

  test("what is in them", () => {
    const request = decodeTransfer(fromHex(goHex("transfer new pull request")));
    expect(request).toMatchObject({ isRequest: true, type: "new", pull: true, id: 42n, order: "canonical" });
    expect(request.isRequest && request.voucher.type).toBe("RetrievalDealProposal/1");
    expect(decodeTransfer(fromHex(goHex("transfer cancel request")))).toMatchObject({ type: "cancel" });
    const restart = decodeTransfer(fromHex(goHex("transfer restart existing channel")));
    expect(restart.isRequest && [restart.type, restart.restart.initiator.length, restart.restart.id]).toEqual([
      ...["restartExisting", 38, 42n],
    ]);
    expect(decodeTransfer(fromHex(goHex("transfer voucher result")))).toMatchObject({
      ...{ isRequest: false, type: "voucherResult", accepted: true, paused: true },
    });
  });

  const messages = go.messages.filter(({ what }) => what.startsWith("graphsync"));
  test.each(messages.map(({ what, hex }) => [what, hex]))("%s", (_, hex) => {
    const bytes = fromHex(hex);
    const length = decodeVarint(bytes, 0);
    if (typeof length === "string") throw new Error(length);
    const message = decodeGraphsync(bytes.subarray(length.size));
    expect(toHex(withLength(encodeGraphsync(message)))).toBe(hex);
  });

  test("extensions, links and blocks", () => {
    const [request] = decodeGraphsync(fromHex(goHex("graphsync request")).subarray(2)).requests;
    expect(request?.type).toBe("new");
    expect(readSkip(request?.extensions.get(EXTENSION.doNotSendFirstBlocks) as Uint8Array)).toBe(12);
    expect(readCidList(request?.extensions.get(EXTENSION.doNotSendCids) as Uint8Array, 10)).toHaveLength(1);
    expect(decodeTransfer(request?.extensions.get(TRANSFER_EXTENSION.any) as Uint8Array)).toMatchObject({ id: 42n });
    const response = decodeGraphsync(fromHex(goHex("graphsync response")).subarray(2));
    const [block] = response.blocks;
    const metadata = response.responses[0]?.metadata ?? [];
    expect(metadata.map(({ action }) => action)).toEqual(["present", "duplicate"]);
    expect(`${cidOfReceived(block as NonNullable<typeof block>)}`).toBe(`${metadata[0]?.link}`);
  });
});

describe("wrong messages", () => {
  const request = encodeTransfer(transferRequest({ type: "voucher", id: 1n }));
  const hex = toHex(request);
  const replaced = (from: string, to: string): Uint8Array => {
    expect(hex).toContain(from);
    return fromHex(hex.replace(from, to));
  };
  const name = (text: string): string => toHex(new TextEncoder().encode(text));
  test.each([
    ["nothing", new Uint8Array(0), /message: ends early/],
    ["no map", Uint8Array.of(0x80), /message: CBOR major type 5 expected/],
    ["the other kind", replaced(`${name("IsRq")}f5`, `${name("IsRq")}f4`), /there is no Response/],
    ["a field that nobody knows", replaced(name("Paus"), name("Pauz")), /Request: no field "Pauz"/],
    ["a field twice", replaced(name("Paus"), name("Part")), /Request: field "Part" twice/],
    ["a type of messages that is none", replaced(`${name("Type")}04`, `${name("Type")}08`), /no type 8/],
    ["no truth", replaced(`${name("Pull")}f4`, `${name("Pull")}00`), /Request\.Pull: true or false expected/],
    ["a number that is negative", replaced(`${name("XferID")}01`, `${name("XferID")}20`), /XferID/],
    ["a length that is not minimal", replaced(`${name("XferID")}01`, `${name("XferID")}1801`), /not minimal/],
    ["something behind its end", fromHex(`${hex}00`), /1 bytes after its end/],
    ["its end missing", request.subarray(0, -1), /ends early/],
    ["too long", new Uint8Array(200_000), /over 131072/],
    ["a voucher nested without end", replaced(`${name("Vouch")}f6`, `${name("Vouch")}${"81".repeat(100)}f6`), /nested/],
  ])("%s", (_, bytes, why) => {
    expect(() => decodeTransfer(bytes)).toThrow(why);
  });

  test("a message of graphsync that is none", () => {
    for (const [text, why] of [
      ["a1", /ends early/],
      ["a163677331a0", /no field "gs1"/],
      [`a163677332a16372657181a1626964410${"1"}`, /an id of 1 bytes/],
      [`a163677332a1${toHex(new TextEncoder().encode("creq"))}9a00ffffff`, /at most 256|beyond the message/],
    ] as const)
      expect(() => decodeGraphsync(fromHex(text)), text).toThrow(why);
  });

  test("a response of ours reads back", () => {
    const response = transferResponse({ type: "complete", id: 9n, accepted: true, paused: true });
    expect(decodeTransfer(encodeTransfer(response))).toEqual({ ...response, order: "canonical" });
  });
});

describe("messages of the retrieval market by Go", () => {
  const bytesOf = (what: string): Uint8Array => fromHex(goHex(`retrieval ${what}`));

  test("queries and their answers", () => {
    for (const what of ["Query", "Query without piece"])
      expect(toHex(encodeQuery(decodeQuery(bytesOf(what))))).toBe(toHex(bytesOf(what)));
    const answer = decodeQueryResponse(bytesOf("QueryResponse"));
    expect(answer).toMatchObject({
      status: "available",
      pieceFound: "unknown",
      size: 2048,
      pricePerByte: 2n,
      unsealPrice: 50n,
    });
    expect(toHex(encodeQueryResponse(answer))).toBe(toHex(bytesOf("QueryResponse")));
    expect(() => decodeQuery(bytesOf("QueryResponse"))).toThrow(/9 pairs, at most 2 allowed/);
  });

  test("vouchers of a deal", () => {
    for (const what of ["DealProposal", "DealProposal free without selector"]) {
      const voucher = { type: VOUCHER_TYPE.proposal, bytes: bytesOf(what) };
      expect(toHex(proposalVoucher(readProposal(voucher)).bytes)).toBe(toHex(voucher.bytes));
    }
    for (const what of ["DealResponse", "DealResponse without amount"]) {
      const voucher = { type: VOUCHER_TYPE.response, bytes: bytesOf(what) };
      expect(toHex(responseVoucher(readResponse(voucher)).bytes)).toBe(toHex(voucher.bytes));
    }
    const payment = { type: VOUCHER_TYPE.payment, bytes: bytesOf("DealPayment") };
    expect(readPayment(payment)).toMatchObject({ id: 7n, voucher: { lane: 3n, nonce: 2n, amount: 2050n } });
    expect(toHex(paymentVoucher(readPayment(payment)).bytes)).toBe(toHex(payment.bytes));
    expect(() => readPayment({ ...payment, type: VOUCHER_TYPE.proposal })).toThrow(
      /"RetrievalDealPayment\/1" is expected/,
    );
    const id = { type: VOUCHER_TYPE.response, bytes: payment.bytes };
    expect(() => readResponse(id)).toThrow(/no field "PaymentChannel"/);
  });

  test("transports", () => {
    const transports = [{ name: "http", addresses: [Uint8Array.of(4, 127, 0, 0, 1)] }];
    expect(decodeTransports(encodeTransports(transports))).toEqual(transports);
    // Written by boost 1.7.5 (retrievalmarket/types): http at /ip4/127.0.0.1/tcp/8080/http.
    const boost = "a16950726f746f636f6c7381a2644e616d65646874747069416464726573736573814a047f000001061f90e003";
    expect(decodeTransports(fromHex(boost)).map(({ name }) => name)).toEqual(["http"]);
    expect(toHex(encodeTransports(decodeTransports(fromHex(boost))))).toBe(boost);
  });
});
