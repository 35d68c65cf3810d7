/** eth_getLogs: what is asked for in a wrong form, and ranges with more logs, or more blocks that are not indexed, than an answer looks at. */
import { describe, expect, test } from "vitest";
import { blockRef } from "../../../../src/rpc/eth/codecs.ts";
import { logFilter, logsOfRange } from "../../../../src/rpc/eth/log-search.ts";
import type { NodeServices } from "../../../../src/rpc/services.ts";
import type { Tipset } from "../../../../src/types/block-header.ts";

const EMPTY = new Uint8Array(0);
const LOG = { address: EMPTY, topics: [], data: EMPTY, place: 0, hash: EMPTY };
const ALL = logFilter.decode({ fromBlock: "0x0", toBlock: "latest" }, "filter");
const tipset = (height: number): Tipset => ({ key: [], height, blocks: [] }) as unknown as Tipset;
const BLOOM = new Uint8Array(256).fill(0xff);

/** A chain of so many tipsets, without null rounds: of indexed epochs each has so many logs, of others none. */
function nodeOf(height: number, isIndexed: (epoch: number) => boolean, logs = 0) {
  const read: number[] = [];
  const at = async (epoch: number): Promise<Tipset> => tipset(Math.min(epoch, height));
  const ethereum = {
    async *between(first: number, last: number) {
      for (let epoch = first; epoch <= last; epoch++)
        if (isIndexed(epoch)) yield [{ epoch, hash: EMPTY, bloom: logs > 0 ? BLOOM : null }];
    },
    logsAt: async () => Array<typeof LOG>(logs).fill(LOG),
    async logs({ height }: Tipset) {
      read.push(height);
      return [];
    },
  };
  const head = tipset(height + 1);
  const chain = { head, ethereum, parent: async () => tipset(height), tipsetAtOrAfter: at, tipsetAtOrBefore: at };
  return { read, node: { chain } as unknown as NodeServices };
}
const search = ({ node }: ReturnType<typeof nodeOf>) => logsOfRange(node, ALL, new AbortController().signal);

test("all epochs with 10,000 logs are answered; with more it is said, and nothing is looked at behind", async () => {
  expect(await search(nodeOf(19, () => true, 500))).toHaveLength(10_000);
  let epochs = 0;
  const many = nodeOf(1_000_000, () => ++epochs > 0, 500);
  await expect(search(many)).rejects.toThrow("more than 10000 logs; ask for a shorter range");
  expect(epochs).toBe(21);
});

test("of blocks that are not indexed 2,880 are looked through, and no more; the index ends where it is said", async () => {
  const some = nodeOf(2879, () => false);
  expect(await search(some)).toEqual([]);
  // The genesis has no messages.
  expect(some.read).toHaveLength(2879);
  const many = nodeOf(1_000_000, (epoch) => epoch > 500_000);
  await expect(search(many)).rejects.toThrow(/epochs 2880 to 500000 are not indexed; of such at most 2880 blocks/);
  expect(many.read.length).toBeLessThan(2881);
});

describe("refused by its place", () => {
  const hash = `0x${"11".repeat(32)}`;
  const address = `0x${"22".repeat(20)}`;
  test.each<[string, unknown, RegExp]>([
    ["no object", [], /^filter: Filter expected, got a list of 0/],
    ["nothing", null, /^filter: Filter expected/],
    ["a hash and a range", { blockHash: hash, fromBlock: "0x1" }, /^filter: a block's hash, or a range/],
    ["a hash of 31 bytes", { blockHash: hash.slice(0, -2) }, /^filter\.blockHash: 32 bytes/],
    ["a block of 2^63", { fromBlock: "0x8000000000000000" }, /^filter\.fromBlock: quantity/],
    ["a block by its hash in a range", { toBlock: hash }, /^filter\.toBlock: quantity/],
    ["an unknown tag", { toBlock: "newest" }, /^filter\.toBlock: quantity/],
    ["a negative block", { fromBlock: -1 }, /^filter\.fromBlock: quantity/],
    ["an address of 21 bytes", { address: `${address}00` }, /^filter\.address: 20 bytes/],
    ["an address of Filecoin", { address: ["t0100"] }, /^filter\.address\[0\]: 20 bytes/],
    ["1,001 addresses", { address: Array(1001).fill(address) }, /^filter\.address: at most 1000 values/],
    ["topics that are no list", { topics: hash }, /^filter\.topics: list of at most 4/],
    ["five topics", { topics: Array(5).fill(null) }, /^filter\.topics: list of at most 4/],
    ["a topic of 33 bytes", { topics: [null, `${hash}00`] }, /^filter\.topics\[1\]: 32 bytes/],
    ["1,001 values of one topic", { topics: [Array(1001).fill(hash)] }, /^filter\.topics\[0\]: at most 1000 values/],
    ["topics within topics", { topics: [[[hash]]] }, /^filter\.topics\[0\]\[0\]: 32 bytes/],
    ["odd digits", { topics: ["0x123"] }, /^filter\.topics\[0\]: 32 bytes/],
  ])("%s", (_, filter, why) => {
    expect(() => logFilter.decode(filter, "filter")).toThrow(why);
  });
});

test("what is null is as what is absent: a block's hash beside a range, a number beside a hash", () => {
  const bytes = new Uint8Array(32);
  const text = `0x${"00".repeat(32)}`;
  expect(logFilter.decode({ blockHash: text, fromBlock: null, toBlock: null }, "filter").block).toEqual(bytes);
  expect(logFilter.decode({ blockHash: null, fromBlock: "0x1" }, "filter")).toMatchObject({
    block: null,
    from: { epoch: 1n },
  });
  expect(blockRef().decode({ blockHash: null, blockNumber: "0x1" }, "block")).toEqual({ epoch: 1n });
  expect(blockRef().decode({ blockHash: text, blockNumber: null }, "block")).toEqual({ hash: bytes });
});
