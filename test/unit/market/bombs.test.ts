/** DAGs of few blocks that stand for a great many: walks over them end, and others get their turn meanwhile. */
import { expect, test } from "vitest";
import { linksOfValue } from "../../../src/market/data/links.ts";
import { resolvePath } from "../../../src/market/gateway/resolve.ts";
import { blocksOf, type Wanted } from "../../../src/market/gateway/scope.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { CID } from "../../../src/types/cid.ts";
import { dagOf } from "../../support/bombs.ts";

const ENTITY: Wanted = { scope: "entity", range: null, duplicates: false };

async function given(store: MemoryStore, root: CID, wanted: Partial<Wanted> = {}, signal?: AbortSignal) {
  const found: string[] = [];
  for await (const { cid } of blocksOf(store, await resolvePath(store, root, []), { ...ENTITY, ...wanted }, signal))
    found.push(`${cid}`);
  return found;
}

test("a file and a folder whose links are all the same are walked once", async () => {
  const dag = dagOf(new MemoryStore());
  const shard = await dag.shardBomb(20);
  expect(await given(dag.store, shard)).toHaveLength(21);
  const file = await dag.fileBomb(3);
  expect(await given(dag.store, file)).toHaveLength(4);
  expect(await given(dag.store, file, { range: { from: 5n, to: -7n } })).toHaveLength(4);
});

test("a part that a range has cut is walked again where it is whole", async () => {
  const dag = dagOf(new MemoryStore());
  const [a, b] = [await dag.raw(new Uint8Array(10).fill(1)), await dag.raw(new Uint8Array(10).fill(2))];
  const pair = await dag.file([
    [a, 10n],
    [b, 10n],
  ]);
  const root = await dag.file([
    [pair, 20n],
    [pair, 20n],
  ]);
  const range = (from: bigint, to: bigint) => given(dag.store, root, { range: { from, to } });
  expect(await range(15n, 30n)).toEqual([`${root}`, `${pair}`, `${b}`, `${a}`]);
  expect(await range(12n, 25n)).toEqual([`${root}`, `${pair}`, `${b}`, `${a}`]);
  expect(await range(31n, 35n)).toEqual([`${root}`, `${pair}`, `${b}`]);
});

test("sizes that contradict each other end a walk", async () => {
  const dag = dagOf(new MemoryStore());
  let cid = await dag.raw(new Uint8Array(1));
  for (let level = 0; level < 14; level++) {
    const part = [cid, 1n << BigInt(14 - level)] as const;
    cid = await dag.file(Array.from({ length: 16 }, () => part));
  }
  await expect(given(dag.store, cid)).rejects.toThrow(/contradict/);
});

test.each(["entity", "all"] as const)(
  "with duplicates others get their turn, and who has gone ends it: %s",
  async (scope) => {
    const dag = dagOf(new MemoryStore());
    const bomb = await dag.shardBomb(20);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("gone")), 0);
    await expect(given(dag.store, bomb, { scope, duplicates: true }, abort.signal)).rejects.toThrow("gone");
  },
);

test("a block of very many elements has its links all the same", () => {
  const cid = CID.parse("bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu");
  expect(linksOfValue([...new Array(300_000).fill(null), cid])).toEqual([cid]);
});
