/** The free stream of 2019 between two nodes: off unless it is turned on; files, pieces, refusals and peers that lie. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { carOf } from "../../../src/market/data/car-out.ts";
import { FREE_PROTOCOL, freeStream } from "../../../src/market/retrieval/free-stream.ts";
import { frameStream, LengthScanner, withLength, withoutLength } from "../../../src/network/wire/frames.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";
import {
  closeRetrievalNodes,
  importFile,
  openRetrievalNode,
  type RetrievalNode,
} from "../../support/retrieval-nodes.ts";

const BYTES = 1_200_000;
const signal = new AbortController().signal;
let crypto: Crypto;
let client: RetrievalNode;
let provider: RetrievalNode;
let root: CID;
beforeAll(async () => {
  crypto = await loadCrypto();
});
beforeEach(async () => {
  [client, provider] = [await openRetrievalNode(crypto, 1), await openRetrievalNode(crypto, 2)];
  root = await importFile(provider, BYTES);
});
afterEach(() => closeRetrievalNodes([client, provider]));

const stream = (most = BYTES, cid = root) => client.market.stream(cid, provider.host.address, most, signal);
async function all(cid: CID): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of freeStream(client.host.streams, provider.host.address, cid, BYTES * 2, signal))
    parts.push(part);
  return concat(...parts);
}

test("nobody serves it who was not told to; then a file comes whole, and a piece as it is committed to", async () => {
  await expect(stream()).rejects.toThrow(/serves no free stream/);
  await provider.market.setFreeStream(true);
  expect(await provider.market.hasFreeStream()).toBe(true);
  expect(await stream()).toEqual({ bytes: BYTES });
  expect(await client.data.has(root)).toBe(true);
  expect((await client.data.imports()).map((one) => `${one.root}`)).toEqual([`${root}`]);
  const commP = new Uint8Array(32).fill(7);
  const store = await provider.data.store();
  const car: Uint8Array[] = [];
  for await (const part of carOf(store, root)) car.push(part);
  await store.notePiece(commP, { root, size: concat(...car).length, form: "car" });
  expect(toHex(await all(pieceCidV1(commP)))).toBe(toHex(concat(...car)));
  // One whose data was removed.
  const gone = new Uint8Array(32).fill(8);
  await store.notePiece(gone, { root: cidOfBlock(Uint8Array.of(1)), size: 200, form: "raw" });
  await expect(all(pieceCidV1(gone))).rejects.toThrow(/piece .* is not here/);
  await provider.market.setFreeStream(false);
  await expect(all(root)).rejects.toThrow(/serves no free stream/);
});

test("messages are go-filecoin's; what is not here is refused with a reason", async () => {
  await provider.market.setFreeStream(true);
  const asked = await provider.host.streams.open(provider.host.address, FREE_PROTOCOL, signal).catch(() => null);
  expect(asked).toBeNull();
  const one = await client.host.streams.open(provider.host.address, FREE_PROTOCOL, signal);
  const frames = frameStream(one, (limit) => new LengthScanner(limit));
  // {"pieceRef": 42(h'00…')} behind its length.
  await frames.write(concat(fromHex("33a1687069656365526566d82a5825"), Uint8Array.of(0), root.bytes), signal);
  const answer = withoutLength(await frames.read(1 << 20, signal));
  // {"status": 2, "errorMessage": ""}
  expect(toHex(answer)).toBe("a266737461747573026c6572726f724d65737361676560");
  const chunk = dagCbor.decode<{ data: Uint8Array }>(withoutLength(await frames.read(1 << 20, signal)));
  expect([Object.keys(chunk), chunk.data.length]).toEqual([["data"], 65_536]);
  one.abort(new Error("enough"));
  await expect(stream(BYTES, cidOfBlock(Uint8Array.of(1)))).rejects.toThrow(/does not give .* is not here/);
  await expect(stream(BYTES - 1)).rejects.toThrow(/sends more than 1199999 bytes/);
  expect(await client.data.imports()).toEqual([]);
  // A peer keeps four places at most: whoever comes next is not heard out.
  const open = () => client.host.streams.open(provider.host.address, FREE_PROTOCOL, signal);
  const held = [await open(), await open(), await open(), await open()];
  const last = frameStream(await open(), (limit) => new LengthScanner(limit));
  await expect(last.read(1 << 20, AbortSignal.timeout(5000))).rejects.toThrow(/reset|stream ended/);
  for (const idle of held) idle.abort(new Error("enough"));
});

test("a peer that sends another file, empty chunks or no messages is found out, and nothing is listed", async () => {
  const answers: Record<string, readonly Uint8Array[]> = {
    other: [{ status: 2, errorMessage: "" }, { data: Uint8Array.of(1, 2, 3) }].map((one) => dagCbor.encode(one)),
    empty: [{ status: 2, errorMessage: "" }, { data: new Uint8Array(0) }].map((one) => dagCbor.encode(one)),
    drops: [{ status: 2, errorMessage: "" }, ...Array.from({ length: 66 }, () => ({ data: Uint8Array.of(1) }))].map(
      (one) => dagCbor.encode(one),
    ),
    noise: [Uint8Array.of(0xff, 0xff)],
    list: [dagCbor.encode([2])],
  };
  const errors = {
    other: /is the file baf/,
    empty: /chunk of no bytes/,
    drops: /chunks of few bytes/,
    noise: /no DAG-CBOR/,
    list: /a message is a map/,
  };
  for (const [kind, messages] of Object.entries(answers)) {
    await provider.host.streams.handle(FREE_PROTOCOL, async (one) => {
      const frames = frameStream(one, (limit) => new LengthScanner(limit));
      await frames.read(1 << 20, signal);
      for (const message of messages) await frames.write(withLength(message), signal);
    });
    await expect(stream(), kind).rejects.toThrow(errors[kind as keyof typeof errors]);
    await provider.host.streams.unhandle(FREE_PROTOCOL);
  }
  expect(await client.data.imports()).toEqual([]);
});
