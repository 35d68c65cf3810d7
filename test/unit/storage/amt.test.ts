import { expect, test } from "vitest";
import { amtCount, amtEntries, amtGet, buildAmt, loadNode } from "../../../src/storage/amt.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";

test("arrays: what is built reads back at every size around the borders, and gaps are absent", async () => {
  for (const size of [0, 1, 7, 8, 9, 63, 64, 65, 511, 513]) {
    const values = Array.from({ length: size }, (_, i) => i * 3);
    const store = new MemoryStore();
    const { root, blocks } = buildAmt(values);
    store.writeNow({ blocks });
    expect(await amtCount(store, root)).toBe(BigInt(size));
    const read: unknown[] = [];
    for await (const [, value] of amtEntries(store, root)) read.push(value);
    expect(read).toEqual(values);
    for (const at of [0, size - 1, size, size + 8])
      expect(await amtGet(store, root, BigInt(Math.max(at, 0)))).toBe(at >= 0 && at < size ? at * 3 : undefined);
  }
});

test("what a store holds in memory is decoded once; other bytes are another thing", async () => {
  const { root, blocks } = buildAmt([1, 2]);
  const [one, other] = [new MemoryStore(), new MemoryStore()];
  one.writeNow({ blocks });
  other.writeNow({ blocks: blocks.map(({ cid }) => ({ cid, bytes: Uint8Array.of(0x81, 5) })) });
  expect(await loadNode(one, root)).toBe(await loadNode(one, root));
  expect(await loadNode(other, root)).toEqual([5]);
});

/** Roots of the arrays 0, 3, 6, … Source: go-amt-ipld v2 at 924ee87a1349, an array of CBOR integers. */
test.each([
  [0, "bafy2bzacedswlcz5ddgqnyo3sak3jmhmkxashisnlpq6ujgyhe4mlobzpnhs6"],
  [1, "bafy2bzacebpmqt6m5kqbx3yxp67fb7gwgawzguy2ts2qg3m5gnmnqbzplehk4"],
  [7, "bafy2bzacec6ua5qolmgbtyceouqliprlobmtqc6nte2ulvwwotom5s7vsrrmy"],
  [8, "bafy2bzacebmr7efsip2ian72nkwytbbc7ujrbumloyycrwdmhbry4duhk7nc6"],
  [9, "bafy2bzaceb3y47om4bhpcxnimubo6jp4vvbhp7ppq7c6ojh4n5szabzwkjsvy"],
  [63, "bafy2bzacebe3tdppd6fmi7fcsrwzv7suh4y5esr7fvqlnvjhtlm2zdqzdrhfo"],
  [64, "bafy2bzacebmnygq5j4dzbnnbmmuedhm5mrz4xdiwktlcdqb4qzxyhlgdio5mu"],
  [65, "bafy2bzacecktodao2k6c5bkhegrfevsw5hx3ufsev5xtrvrhcgbf3di7ow7bk"],
  [512, "bafy2bzacedvoxrsmzrmbnvaz2q4btlvdr7lkcqgwoth4ojpxpj7szally7sdy"],
  [513, "bafy2bzaced6eym4iiz2d3bbgnicvxwyihb3zukbmu5r563gd62a4mcquvjpky"],
  [10_000, "bafy2bzaceaczn5bn267asibkwpiv2z3w5f4gyv4tuw3qoukfmi7xc4bi6zvn2"],
])("arrays: the root of %i values is the reference's, and each is found at its index", async (size, expected) => {
  const store = new MemoryStore();
  const { root, blocks } = buildAmt(Array.from({ length: size }, (_, i) => i * 3));
  expect(`${root}`).toBe(expected);
  store.writeNow({ blocks });
  for (let i = 0; i < 1000; i++) {
    const at = (i * 7919) % (size + 8);
    expect(await amtGet(store, root, BigInt(at))).toBe(at < size ? at * 3 : undefined);
  }
});
