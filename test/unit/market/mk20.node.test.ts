/**
 * Deals of MK20: their JSON and signatures are those of Curio's own types, and against a stand-in for its server (`Mk20Stub`: no
 * Curio was asked) deals are made once, and their data arrives whole over breaks, full servers and an end of the node.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { addressOf, signBytes } from "../../../src/keys/keys.ts";
import { ClientData } from "../../../src/market/data/client-data.ts";
import { pieceBytes } from "../../../src/market/data/commit-car.ts";
import { Mk20Client, type Mk20Options, type Mk20Wanted } from "../../../src/market/storage/mk20/client.ts";
import { authDigest } from "../../../src/market/storage/mk20/http.ts";
import {
  checkDeal,
  encodeDeal,
  goJson,
  type Mk20Deal,
  readNames,
  readStatus,
  readUpload,
} from "../../../src/market/storage/mk20/messages.ts";
import { isUlid, newUlid } from "../../../src/market/storage/mk20/ulid.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, parseCid } from "../../../src/types/cid.ts";
import { readFixtureJson } from "../../support/files.ts";
import { Mk20Stub } from "../../support/mk20-stub.ts";
import { keyOfNumber } from "../../support/paych-chain.ts";

const { vectors } = await readFixtureJson<{ readonly vectors: Readonly<Record<string, string>> }>("market/mk20.json");
const KEY = keyOfNumber(7);
const signal = new AbortController().signal;
const NOW = 1_800_000_059_999;
const BYTES = 100_000;

let crypto: Crypto;
let wallet: Address;
let data: ClientData;
let root: CID;
let stub: Mk20Stub;
let url: string;

beforeAll(async () => {
  crypto = await loadCrypto();
  wallet = addressOf(crypto, KEY);
  data = new ClientData({ open: async () => new MemoryStore(), hashes: crypto });
  const content = (async function* () {
    yield Uint8Array.from({ length: BYTES }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
  })();
  const entries = (async function* () {
    yield { path: "f", content };
  })();
  root = (await (await data.store()).importFiles("f", entries)).root;
  stub = new Mk20Stub(crypto, () => NOW);
  url = await stub.open();
});
afterAll(async () => {
  stub.close();
  await data.stop();
});

/** Lacks the first chunk whenever it is asked, and the second every other time. */
class Greedy extends Map<number, Buffer> {
  private looks = 0;

  override has(number: number): boolean {
    if (number === 1) this.looks++;
    // The stand-in looks twice as it lists chunks, and once as it gets one.
    return number === 2 ? Math.floor(this.looks / 3) % 2 === 0 : number !== 1 && super.has(number);
  }
}

let made = 0;
function open(blocks = new MemoryStore(), more: Partial<Mk20Options> = {}): Mk20Client {
  return new Mk20Client({
    ...{ blocks, data, prefix: "t", now: () => NOW, randomBytes: (n) => new Uint8Array(n).fill(++made), againMs: 1 },
    messages: {
      keyOf: async (address) => address,
      hasKey: (address) => address.equals(wallet),
      sign: (_, bytes) => signBytes(crypto, KEY, bytes),
    },
    ...more,
  });
}
const wanted = (more: Partial<Mk20Wanted> = {}): Mk20Wanted => ({
  ...{ url, root, form: "car", wallet, miner: Address.id(1000), source: { kind: "put" }, startEpoch: null },
  ...{ duration: 518_400, allocation: null, contract: null, announce: false, ...more },
});
const bytesOf = async (form: "car" | "raw"): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const part of pieceBytes(await data.store(), root, form)) parts.push(part);
  return Buffer.concat(parts);
};

test("deals are written, and answers read, as Go's types are", () => {
  const client = Address.parse(JSON.parse(vectors["client"] as string));
  const deal: Mk20Deal = {
    ...{ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", client, provider: Address.id(1000), form: "car", startEpoch: 123_456 },
    piece: parseCid("bafkzcibfxx3meais3xzh6qn56y6hiasmrufhegoweu3o5ccofs74nfdfr4yn76pqz4pq"),
    ...{ source: { kind: "put" }, duration: 518_400, allocation: null, contract: null, indexing: true, announce: true },
  };
  expect(encodeDeal(deal, "f")).toBe(vectors["put"]);
  const first = {
    url: "http://127.0.0.1/piece/<x>&y",
    headers: { Authorization: ["Basic a"] },
    priority: 0,
    fallback: false,
  };
  const second = { url: "http://b", headers: {}, priority: 1, fallback: true };
  const http = encodeDeal({ ...deal, source: { kind: "http", urls: [first, second] } }, "f");
  // Go's types have no headers at all there, which their reader takes for the same.
  expect(http.replace('"headers":{}', '"headers":null')).toBe(vectors["http"]);
  const contract = { address: "0x158c8f05A616403589b99BE5d82d756860363A92", dealId: 9n };
  const notify = { address: Address.id(1000), payload: Uint8Array.of(1, 2, 255) };
  const other: Mk20Deal = {
    ...{ ...deal, form: "raw", source: { kind: "offline" }, startEpoch: null, duration: 600_000, allocation: 77n },
    ...{ contract, notify, indexing: false, announce: false },
  };
  expect(encodeDeal(other, "f")).toBe(vectors["offline"]);
  expect(goJson({ raw_size: 2 ** 40, chunk_size: 1 << 20 })).toBe(vectors["start upload"]);
  const read = (name: string): unknown => JSON.parse(vectors[name] as string);
  expect(readUpload(read("upload status"))).toEqual({ total: 3, missing: [1, 3] });
  expect(readUpload(read("upload done"))).toEqual({ total: 1, missing: [] });
  expect(readStatus(read("status"))).toEqual({ state: "failed", error: "why" });
  expect(readNames(read("contracts"), "contracts")).toEqual([]);
  expect(readNames(read("sources"), "sources")).toEqual(["http", "put"]);
  const auth = read("auth") as Record<string, string>;
  const digest = authDigest(client, "POST", "/market/mk20/deal", Date.parse(auth["minute"] as string) + 59_999);
  expect(Buffer.from(digest).toString("base64")).toBe(auth["digest"]);
  expect(Buffer.from(client.bytes).toString("base64")).toBe(auth["address"]);
  // The example of the ULID's specification has this time.
  expect(newUlid(1_469_918_176_385, new Uint8Array(10)).slice(0, 10)).toBe("01ARYZ6S41");
  expect(isUlid(newUlid(NOW, new Uint8Array(10).fill(255)))).toBe(true);
  for (const bad of [
    null,
    {},
    { ddo_v1: null },
    { ddo_v1: { status: "gone" } },
    { ddo_v1: { status: "failed", errorMsg: 1 } },
  ])
    expect(() => readStatus(bad)).toThrow(/cannot be read/);
  for (const bad of [
    { total_chunks: 0 },
    { total_chunks: 1e9 },
    { total_chunks: 2, missing_chunks: [3] },
    { total_chunks: 1.5 },
  ])
    expect(() => readUpload(bad)).toThrow(/cannot be read/);
  for (const [field, change] of [
    ["duration", { duration: 518_399 }],
    ["allocation", { allocation: 0n }],
    ["startEpoch", { startEpoch: 0 }],
    ["contract", { contract: { address: "0x1", dealId: 1n } }],
    ["announce", { indexing: false }],
    ["indexing", { form: "raw" }],
    ["urls", { source: { kind: "http", urls: [] } }],
  ] as const)
    expect(() => checkDeal({ ...deal, ...(change as Partial<Mk20Deal>) }), field).toThrow(new RegExp(`^${field}: `));
});

test("a deal is made once, whatever is lost, and what is refused is named", async () => {
  const mk20 = open();
  expect(await mk20.info(url, wallet, signal)).toEqual({
    ...{ products: ["ddo_v1", "retrieval_v1"], sources: ["http", "put"], contracts: [] },
  });
  stub.faults.push("full", "break", "lose");
  const made = await mk20.deal(wanted(), signal);
  expect(made).toMatchObject({ isAccepted: true, isSent: false, source: "put", size: (await bytesOf("car")).length });
  expect([...stub.deals.keys()]).toEqual([made.id]);
  expect(await mk20.status(made.id, signal)).toEqual({ state: "uploading", error: "" });
  stub.refusal = [426, "too cheap"];
  await expect(mk20.deal(wanted(), signal)).rejects.toMatchObject({
    data: { code: "REFUSED", status: 426, name: "rejected by the market", reason: "too cheap" },
  });
  // What broke on the provider's side it may have taken: its number is not lost.
  stub.refusal = [500, "x".repeat(1 << 16)];
  const broken = await mk20.deal(wanted(), signal).catch((error: unknown) => error);
  expect(broken).toMatchObject({ data: { code: "REFUSED", status: 500, reason: "x".repeat(1024) } });
  expect((await mk20.list()).map(({ isAccepted }) => isAccepted)).toEqual([true, false]);
  stub.refusal = null;
  // What nobody took is not kept.
  expect((await mk20.list()).filter((one) => one.isAccepted).map(({ id }) => id)).toEqual([made.id]);
  // Two slashes are a path of this host, not the name of another.
  await expect(mk20.info(`${url}/other.invalid`, wallet, signal)).rejects.toMatchObject({ data: { status: 401 } });
  await expect(mk20.deal(wanted({ duration: 5 }), signal)).rejects.toThrow(/duration: at least 518400 epochs; 5/);
  await expect(mk20.deal(wanted({ url: "ftp://x" }), signal)).rejects.toThrow(/^url/);
  await expect(mk20.deal(wanted({ wallet: Address.id(7) }), signal)).rejects.toThrow(/^wallet/);
  // As many as come: where fetch itself asks again over a new connection, that breaks, too.
  stub.faults.push(...Array<"break">(32).fill("break"));
  await expect(mk20.info(url, wallet, signal)).rejects.toMatchObject({ code: "NO_ANSWER" });
  stub.faults.length = 0;
  await expect(mk20.status("01ARZ3NDEKTSV4RRFFQ69G5FAV", signal)).rejects.toMatchObject({ code: "UNKNOWN_DEAL" });
});

test("data arrives whole: at once where it is small; in chunks, of which those alone are sent again that are lacking", async () => {
  const small = open();
  const { id } = await small.deal(wanted(), signal);
  // Nothing is taken twice: what came, and its answer did not, is not waited for any more.
  stub.faults.push(null, "lose", null, "lose");
  expect(await small.send(id, signal)).toMatchObject({ isSent: true });
  expect(stub.dataOf(id).equals(await bytesOf("car"))).toBe(true);
  const blocks = new MemoryStore();
  const large = open(blocks, { chunkBytes: 1 << 14 });
  const raw = await large.deal(wanted({ form: "raw" }), signal);
  expect(JSON.parse(stub.deals.get(raw.id)?.json ?? "{}")).toMatchObject({ data: { format: { raw: {} } } });
  // The node ends after three of seven chunks, and goes on.
  const ended = new AbortController();
  const cut = large.send(raw.id, ended.signal, (number) => number === 3 && ended.abort(new Error("the node ends")));
  await expect(cut).rejects.toThrow("the node ends");
  expect(stub.uploads.get(raw.id)?.chunks.size).toBe(3);
  const again = open(blocks, { chunkBytes: 1 << 14 });
  stub.asked.length = 0;
  stub.faults.push(null, "lose", "break", "full");
  expect(await again.send(raw.id, signal)).toMatchObject({ isSent: true });
  expect(stub.dataOf(raw.id).equals(await bytesOf("raw"))).toBe(true);
  expect(stub.asked.filter((one) => /ID\/[123]$/.test(one))).toEqual([]);
  expect(stub.uploads.get(raw.id)?.done).toBe(true);
  expect(await again.status(raw.id, signal)).toEqual({ state: "sealing", error: "" });
  const before = stub.asked.length;
  expect(await again.send(raw.id, signal)).toMatchObject({ isSent: true });
  expect(stub.asked.length).toBe(before);
  // Another provider's upload, of other chunks.
  const odd = await again.deal(wanted({ form: "raw" }), signal);
  stub.uploads.set(odd.id, { size: BYTES, chunk: 1 << 15, chunks: new Map(), done: false });
  await expect(again.send(odd.id, signal)).rejects.toThrow(/an upload of 4 chunks, where 7 are sent/);
  // One that lacks one chunk, then two, then one again does not get them for ever.
  const greedy = await again.deal(wanted({ form: "raw" }), signal);
  const chunks = new Greedy();
  for (const number of [3, 4, 5, 6, 7]) chunks.set(number, Buffer.alloc(0));
  stub.uploads.set(greedy.id, { size: BYTES, chunk: 1 << 14, chunks, done: false });
  await expect(again.send(greedy.id, signal)).rejects.toThrow(/chunks that were sent 3 times are missing/);
});

test("a provider that says too much or breaks off: the deal's record is kept, and the error names the cause", async () => {
  const mk20 = open();
  // Of a deal that is taken the answer's status counts alone.
  stub.faults.push("much");
  const first = await mk20.deal(wanted(), signal);
  expect(first.isAccepted).toBe(true);
  stub.faults.push("much");
  await expect(mk20.status(first.id, signal)).rejects.toMatchObject({
    data: { code: "BAD_ANSWER" },
    message: "the provider's answer cannot be read: an answer of more than 1048576 bytes",
  });
  // It took the deal, and the answer was lost; asked again it refuses a second one, and whether it has the first it does not tell.
  stub.faults.push("lose", null, "much");
  await expect(mk20.deal(wanted(), signal)).rejects.toMatchObject({ data: { code: "REFUSED", status: 400 } });
  stub.refusal = [500, "x".repeat(1 << 18)];
  await expect(mk20.deal(wanted(), signal)).rejects.toMatchObject({
    data: { code: "REFUSED", status: 500, reason: "an answer of more than 131072 bytes, which was not read" },
  });
  stub.refusal = null;
  expect((await mk20.list()).map(({ isAccepted }) => isAccepted)).toEqual([true, false, false]);
  stub.faults.push(...Array<"half">(32).fill("half"));
  await expect(mk20.status(first.id, signal)).rejects.toMatchObject({ data: { code: "NO_ANSWER" } });
  stub.faults.length = 0;
  stub.faults.push("much");
  await expect(mk20.send(first.id, signal)).rejects.toMatchObject({ data: { code: "BAD_ANSWER" } });
  expect(await mk20.get(first.id)).toEqual(first);
});

test("of a deal that has ended the record can be removed; of others it stays, unless that is meant", async () => {
  const mk20 = open();
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await mk20.deal(wanted(), signal)).id);
  const [one, two, three, four] = ids as [string, string, string, string];
  await expect(mk20.remove(one, false, signal)).rejects.toMatchObject({
    data: { code: "NOT_ENDED", state: "uploading" },
  });
  stub.faults.push("much");
  await expect(mk20.remove(one, false, signal)).rejects.toThrow(
    /may not have ended: the provider's answer cannot be read/,
  );
  // That a request is refused says nothing of its deal.
  stub.faults.push("other", "other");
  await expect(mk20.remove(one, false, signal)).rejects.toMatchObject({ data: { code: "NOT_ENDED", state: null } });
  stub.faults.push("gone");
  await expect(mk20.remove(one, false, signal)).rejects.toMatchObject({ data: { code: "NOT_ENDED", state: null } });
  expect((await mk20.get(one)).id).toBe(one);
  stub.state = "complete";
  await mk20.remove(one, false, signal);
  stub.state = "failed";
  await mk20.remove(two, false, signal);
  stub.state = null;
  stub.deals.delete(three);
  await mk20.remove(three, false, signal);
  // Not while its data is sent, which would write it again.
  const sent = mk20.send(four, signal);
  await expect(mk20.remove(four, true, signal)).rejects.toThrow(/^deal: one that is not being made/);
  await sent;
  await mk20.remove(four, true, signal);
  expect(await mk20.list()).toEqual([]);
  await expect(mk20.remove(four, true, signal)).rejects.toMatchObject({ code: "UNKNOWN_DEAL" });
});
