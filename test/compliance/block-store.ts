/** What every block store must do. Each implementation runs this suite with its own maker. */
import { expect, test } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import type { BlockStore } from "../../src/storage/contract.ts";
import { cidOfBlock } from "../../src/types/cid.ts";

export function blockStoreSuite(name: string, open: () => Promise<BlockStore>): void {
  const block = (text: string) => ({ cid: cidOfBlock(utf8(text)).bytes, bytes: utf8(text) });

  test(`${name}: returns what was written, and undefined for what was not`, async () => {
    const store = await open();
    const one = block("one");
    await store.write({ blocks: [one] });
    expect(await store.get(one.cid)).toEqual(one.bytes);
    expect(await store.has(one.cid)).toBe(true);
    expect(await store.get(block("two").cid)).toBeUndefined();
    expect(store.peek(block("two").cid)).toBeUndefined();
    await store.close();
  });

  test(`${name}: peek answers the same bytes or nothing`, async () => {
    const store = await open();
    const one = block("peek");
    await store.write({ blocks: [one] });
    const seen = store.peek(one.cid);
    if (seen !== undefined) expect(seen).toEqual(one.bytes);
    await store.close();
  });

  test(`${name}: an empty block is a block`, async () => {
    const store = await open();
    const empty = block("");
    await store.write({ blocks: [empty] });
    expect(await store.has(empty.cid)).toBe(true);
    await store.close();
  });

  test(`${name}: every block is listed, and one that is removed is gone`, async () => {
    const store = await open();
    const blocks = Array.from({ length: 150 }, (_, i) => block(`listed ${i}`));
    await store.write({ blocks, metadata: [["listed", utf8("no block")]] });
    const gone = blocks[70]?.cid as Uint8Array;
    await store.write({ removed: [gone] });
    expect(await store.has(gone)).toBe(false);
    const listed = new Map<string, Uint8Array>();
    for await (const { cid, bytes } of store.everyBlock()) listed.set(cid.join(), bytes);
    for (const { cid, bytes } of blocks) expect(listed.get(cid.join())).toEqual(cid === gone ? undefined : bytes);
    await store.close();
  });

  test(`${name}: metadata are replaced, removed and listed by prefix in order`, async () => {
    const store = await open();
    await store.write({
      metadata: [
        ["a/2", utf8("x")],
        ["a/1", utf8("y")],
        ["b", utf8("z")],
      ],
    });
    await store.write({ metadata: [["a/2", utf8("w")]] }, { sync: true });
    expect((await store.metadataWith("a/")).map(([key]) => key)).toEqual(["a/1", "a/2"]);
    expect(await store.metadata("a/2")).toEqual(utf8("w"));
    await store.write({ metadata: [["a/1", null]] });
    expect(await store.metadata("a/1")).toBeUndefined();
    expect((await store.metadataWith("a/")).length).toBe(1);
    await store.close();
  });

  test(`${name}: metadata is found by any beginning of its name, in order`, async () => {
    const store = await open();
    const names = ["", "a", "a/", "a/b", "a/b/1", "a/b/2", "a/c", "ab/1", "b/a/1"];
    await store.write({ metadata: names.map((one) => [one, utf8("v")] as const) });
    await store.write({ metadata: [["a/b/2", null]] });
    const left = names.filter((one) => one !== "a/b/2");
    for (const prefix of [...names, "a/b/", "c", "b"])
      expect((await store.metadataWith(prefix)).map(([key]) => key)).toEqual(
        left.filter((one) => one.startsWith(prefix)),
      );
    await store.close();
  });

  test(`${name}: a range of metadata is read from either end, as far as it is wanted`, async () => {
    const store = await open();
    for (const at of [7, 2, 9, 4]) await store.write({ metadata: [[`h/${at}`, utf8(`${at}`)]] });
    await store.write({
      metadata: [
        ["g", utf8("before")],
        ["h", utf8("folder")],
        ["i/1", utf8("after")],
      ],
    });
    const names = async (low: string, high: string, limit: number, descending: boolean): Promise<string[]> =>
      (await store.metadataBetween(low, high, { limit, descending })).map(([name]) => name);
    expect(await names("h/0", "h/9", 1, true)).toEqual(["h/7"]);
    expect(await names("h/3", "h/:", 2, false)).toEqual(["h/4", "h/7"]);
    expect(await names("h/0", "h/:", 10, true)).toEqual(["h/9", "h/7", "h/4", "h/2"]);
    expect(await names("h/5", "h/7", 1, true)).toEqual([]);
    for (const low of ["h/5", "h/9"]) expect(await names(low, "h/5", 1, false)).toEqual([]);
    await store.write({
      metadata: [
        ["h/7", null],
        ["h/3", utf8("3")],
      ],
    });
    expect(await store.metadataBetween("h/0", "h/8", { limit: 2, descending: true })).toEqual([
      ["h/4", utf8("4")],
      ["h/3", utf8("3")],
    ]);
    await store.close();
  });

  test(`${name}: blocks and metadata of one batch arrive together`, async () => {
    const store = await open();
    const one = block("together");
    await store.write({ blocks: [one], metadata: [["head", one.cid]] }, { sync: true });
    expect(await store.get((await store.metadata("head")) as Uint8Array)).toEqual(one.bytes);
    await store.close();
  });
}
