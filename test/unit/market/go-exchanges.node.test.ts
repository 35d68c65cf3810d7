/** What go-fil-markets and lassie said in retrievals from and to a node: every message goes in and out to the same byte, and asks and pays what is reckoned here. */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { decodeGraphsync, encodeGraphsync } from "../../../src/market/graphsync/message.ts";
import {
  DEAL_STATUS,
  decodeQuery,
  decodeQueryResponse,
  encodeQuery,
  encodeQueryResponse,
  readPayment,
  readProposal,
  readResponse,
  type Terms,
  VOUCHER_TYPE,
} from "../../../src/market/retrieval/messages.ts";
import { nextPayPoint, owed } from "../../../src/market/retrieval/terms.ts";
import { decodeTransfer, encodeTransfer, TRANSFER_EXTENSION } from "../../../src/market/transfer/message.ts";
import recorded from "../../fixtures/retrieval/go-exchanges.json" with { type: "json" };

const TERMS: Terms = {
  ...{ pricePerByte: 3n, unsealPrice: 1000n, paymentInterval: 700_000, paymentIntervalIncrease: 300_000 },
};
/** Bytes of all blocks after the root, the first leaf and the second one. */
const PAYLOAD = 1_500_108;
const SENT = [108, 108 + 1_048_576, PAYLOAD];

const again: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  query: (bytes) => encodeQuery(decodeQuery(bytes)),
  answer: (bytes) => encodeQueryResponse(decodeQueryResponse(bytes)),
  transfer: (bytes) => encodeTransfer(decodeTransfer(bytes)),
  graphsync: (bytes) => encodeGraphsync(decodeGraphsync(bytes)),
};
const messagesOf = (who: string, kind: string): Uint8Array[] =>
  recorded.exchanges
    .filter((one) => one.who.startsWith(who))
    .flatMap(({ messages }) => messages.filter((one) => one.kind === kind).map(({ hex }) => fromHex(hex)));

describe.each(recorded.exchanges)("$who", ({ messages }) => {
  test.each(messages.map(({ kind, hex }, i) => [i, kind, hex] as const))("message %i: %s", (_, kind, hex) => {
    expect(toHex(again[kind]?.(fromHex(hex)) ?? new Uint8Array(0))).toBe(hex);
  });
});

/** The voucher, or what it is answered with, of each message of data transfer. */
const vouchersOf = (who: string, type: string) =>
  messagesOf(who, "transfer").flatMap((bytes) => {
    const message = decodeTransfer(bytes);
    const voucher = message.isRequest ? message.voucher : message.result;
    return voucher.type === type ? [voucher] : [];
  });

const total = (sent: number): bigint => TERMS.unsealPrice + BigInt(sent) * TERMS.pricePerByte;

test("the client pays all that it has at the pay points reckoned here, in one lane, and no more is owed at the end", () => {
  const [proposal] = vouchersOf("go-fil-markets 1.28.3 as client", VOUCHER_TYPE.proposal);
  expect(readProposal(proposal as NonNullable<typeof proposal>)).toMatchObject({ terms: TERMS });
  const payments = vouchersOf("go-fil-markets 1.28.3 as client", VOUCHER_TYPE.payment).map(readPayment);
  const amounts = [TERMS.unsealPrice];
  let paidBytes = 0;
  for (const sent of SENT)
    if (sent >= nextPayPoint(TERMS, paidBytes)) {
      amounts.push(total(sent));
      paidBytes = sent;
    }
  if (paidBytes < PAYLOAD) amounts.push(total(PAYLOAD));
  expect(payments.map(({ voucher }) => voucher.amount)).toEqual(amounts);
  expect(owed(TERMS, PAYLOAD, amounts.at(-1) as bigint, true)).toBe(0n);
  expect(new Set(payments.map(({ voucher }) => voucher.lane)).size).toBe(1);
});

test("the provider asks for what is owed here", () => {
  const asked = vouchersOf("go-fil-markets 1.28.3 as provider", VOUCHER_TYPE.response).map(readResponse);
  const { fundsNeededUnseal, fundsNeeded, fundsNeededLastPayment } = DEAL_STATUS;
  const due = asked.filter(({ owed: amount }) => amount > 0n).map(({ status, owed: amount }) => [status, amount]);
  expect(due).toEqual([
    [fundsNeededUnseal, owed(TERMS, 0, 0n, false)],
    [fundsNeeded, owed(TERMS, SENT[1] as number, TERMS.unsealPrice, false)],
    // All that had come was paid for then, more than was asked for.
    [fundsNeededLastPayment, owed(TERMS, PAYLOAD, total(SENT[1] as number), true)],
  ]);
  expect(asked.at(-1)).toMatchObject({ status: DEAL_STATUS.completed, owed: 0n });
});

test("lassie proposes a free deal, for the whole DAG, with its request of graphsync", () => {
  const [request] = messagesOf("lassie", "graphsync").flatMap((bytes) => decodeGraphsync(bytes).requests);
  const message = decodeTransfer(request?.extensions.get(TRANSFER_EXTENSION.any) as Uint8Array);
  if (!message.isRequest) throw new Error("a request");
  expect(readProposal(message.voucher).terms).toMatchObject({ pricePerByte: 0n, unsealPrice: 0n });
  expect(toHex(request?.selector as Uint8Array)).toBe(toHex(message.selector as Uint8Array));
});
