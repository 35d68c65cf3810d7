/** Bitswap between hosts on loopback: blocks found among several peers, lists of wants, old versions. */
import { afterEach, expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import type { ObjectSource } from "../../../src/network/bitswap-server.ts";
import { type Block, cidFromBytes, cidKey, cidOfBlock } from "../../../src/types/cid.ts";
import { plainChain } from "../../support/headers.ts";
import { chainSource, openTestNode, type TestNode, until } from "../../support/network.ts";

const open: TestNode[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});
const signal = () => AbortSignal.timeout(20_000);
const source = chainSource(plainChain([0, 1], 1));
const block = (text: string, length = 0): Block => {
  const bytes = new Uint8Array(Math.max(length, text.length));
  bytes.set(utf8(text));
  return { cid: cidOfBlock(bytes).bytes, bytes };
};
type Store = ObjectSource & { readonly put: (block: Block) => void; asked: number };
function storeOf(...blocks: readonly Block[]): Store {
  const held = new Map(blocks.map(({ cid, bytes }) => [cidKey(cid), bytes]));
  const store: Store = {
    asked: 0,
    put: ({ cid, bytes }) => held.set(cidKey(cid), bytes),
    get: async (cid) => {
      store.asked++;
      return held.get(cidKey(cid));
    },
  };
  return store;
}
async function node(store: ObjectSource, ...peers: readonly TestNode[]): Promise<TestNode> {
  const made = await openTestNode(source, ["/ip4/127.0.0.1/tcp/0"], store);
  open.push(made);
  for (const peer of peers) await made.network.connect(peer.network.addresses()[0] as string);
  return made;
}
const get = (from: TestNode, { cid }: Block) =>
  from.network.bitswap?.getBlock(cidFromBytes(cid), { signal: signal() }) as Promise<Uint8Array>;
const offences = (of: TestNode) => of.book.list().filter(({ lastOffence }) => lastOffence !== null);

test("one of three peers has a block, whoever is asked first; small and large", async () => {
  const blocks = [block("small"), block("large", 1 << 20)];
  const has = await node(storeOf(...blocks));
  const [none, nor] = [await node(storeOf()), await node(storeOf())];
  const asks = await node(storeOf(), none, has, nor);
  for (const one of blocks) expect((await get(asks, one)).length).toBe(one.bytes.length);
  const missing = get(asks, block("nobody has this"));
  await expect(missing).rejects.toMatchObject({ code: "NOT_FOUND", data: { tried: 3 } });
  expect([asks, has, none, nor].flatMap(offences)).toEqual([]);
});

test("hundreds at once, each asked for twice, come once each", async () => {
  const blocks = Array.from({ length: 300 }, (_, i) => block(`block ${i}`, 3000));
  const store = storeOf(...blocks);
  const asks = await node(storeOf(), await node(store));
  const got = await Promise.all([...blocks, ...blocks].map((one) => get(asks, one)));
  expect(got.every((bytes, i) => cidKey(cidOfBlock(bytes)) === cidKey(blocks[i % 300]?.cid as Uint8Array))).toBe(true);
  expect(store.asked).toBe(300);
});

test("a caller that gives up ends alone; without peers, or with a peer that leaves, there is no answer", async () => {
  const one = block("late");
  const never: ObjectSource = { get: () => new Promise(() => undefined) };
  const silent = await node(never);
  const asks = await node(storeOf(), silent);
  const abort = new AbortController();
  const cid = cidFromBytes(one.cid);
  const first = asks.network.bitswap?.getBlock(cid, { signal: abort.signal });
  const second = get(asks, one);
  abort.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  const left = expect(second).rejects.toMatchObject({ code: "NOT_FOUND" });
  await silent.network.close();
  open.splice(open.indexOf(silent), 1);
  await left;
  await expect(get(await node(storeOf()), one)).rejects.toMatchObject({ code: "NO_PEER" });
});

test("a fault of the store is told of here and blamed on nobody", async () => {
  const broken: ObjectSource = { get: () => Promise.reject(new Error("disk full")) };
  const serves = await node(broken);
  const asks = await node(storeOf(), serves);
  await expect(get(asks, block("any"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  await until("the fault", () => serves.faults.length > 0);
  expect([...offences(serves), ...offences(asks)]).toEqual([]);
});
