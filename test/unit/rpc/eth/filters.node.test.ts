/** Filters over a chain whose tipsets may be gone when they are told of, and whose blocks many filters hear of. */
import { expect, test } from "vitest";
import type { HeadChange } from "../../../../src/chain/chain.ts";
import { blockHash } from "../../../../src/chain/eth-index.ts";
import { hex } from "../../../../src/chain/eth-logs.ts";
import { EthFilters, MAX_FILTERS } from "../../../../src/rpc/eth/filters.ts";
import { NodeRun } from "../../../../src/rpc/node-run.ts";
import type { NodeParts } from "../../../../src/rpc/services.ts";
import type { Tipset } from "../../../../src/types/block-header.ts";

const tipset = (height: number): Tipset => ({ key: [], height, blocks: [] }) as unknown as Tipset;
const EMPTY = new Uint8Array(0);
const LOG = { address: EMPTY, topics: [], data: EMPTY, place: 0, hash: EMPTY };
const ALL = { from: "earliest", to: "latest", block: null, addresses: null, topics: [] } as const;

function filtersOver(
  chain: object,
  now = () => 0,
): { readonly filters: EthFilters; readonly move: (heights: number[]) => void } {
  let listener: (changes: readonly HeadChange[]) => void = () => undefined;
  const onHeadChange = (hear: typeof listener) => {
    listener = hear;
    return () => undefined;
  };
  const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const parts = {
    chain: { onHeadChange, ...chain },
    pool: { onChange: () => () => undefined },
    network: { chainId: 1 },
  };
  const own = { now, randomBytes, run: new NodeRun(randomBytes, 0) };
  const filters = new EthFilters({ ...parts, ...own } as unknown as NodeParts);
  return { filters, move: (heights) => listener(heights.map((at) => ({ type: "apply", tipset: tipset(at) }))) };
}

test("a block below one that is gone is left out, and those after it are told", async () => {
  const parent = async ({ height }: Tipset): Promise<Tipset> => {
    if (height === 5) throw new Error("gone");
    return tipset(height - 1);
  };
  const { filters, move } = filtersOver({ parent });
  const id = await filters.install("block");
  move([5, 6]);
  expect(await filters.changes(id)).toEqual([hex(blockHash(tipset(5)))]);
});

test("all filters share what is told of a log", async () => {
  const below = { tipset: tipset(1), logs: [LOG, LOG] };
  const { filters, move } = filtersOver({ ethereum: { logsBelow: async () => below } });
  const [one, other] = [await filters.install("logs", ALL), await filters.install("logs", ALL)];
  move([2]);
  const [first, second] = await filters.changes(one);
  expect([first, second]).toMatchObject([{ logIndex: "0x0" }, { logIndex: "0x1" }]);
  expect((await filters.changes(other))[1]).toBe(second);
});

test("a filter that nobody asks for an hour is removed, and its place is free; one that is asked stays", async () => {
  let time = 0;
  const { filters } = filtersOver({}, () => time);
  const [asked, left] = [await filters.install("block"), await filters.install("block")];
  for (let i = 2; i < MAX_FILTERS; i++) await filters.install("pending");
  await expect(filters.install("block")).rejects.toThrow(/there are 100 filters/);
  time = 3_000_000;
  expect(await filters.changes(asked)).toEqual([]);
  time = 3_600_001;
  await expect(filters.changes(left)).rejects.toThrow(/not asked for an hour/);
  expect(await filters.changes(asked)).toEqual([]);
  await filters.install("block");
});

test("of more than 10,000 results that wait none is kept, and whoever asks is told so, once", async () => {
  const below = { tipset: tipset(1), logs: Array<typeof LOG>(6000).fill(LOG) };
  const { filters, move } = filtersOver({ ethereum: { logsBelow: async () => below } });
  const id = await filters.install("logs", ALL);
  move([2, 3]);
  await expect(filters.changes(id)).rejects.toThrow(/more than 10000 results came .* they are lost: ask eth_getLogs/);
  expect(await filters.changes(id)).toEqual([]);
  move([4]);
  expect(await filters.changes(id)).toHaveLength(6000);
});
