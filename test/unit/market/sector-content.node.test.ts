/** What a sector holds, by the message that proved it. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { type ContentSource, earlierDeals, provenPieces } from "../../../src/market/storage/sector-content.ts";
import { pieceCidV1 } from "../../../src/sector/piece/cid.ts";
import type { JsonObject, ObjectReader } from "../../../src/state/actor-reader.ts";
import { Address } from "../../../src/types/address.ts";

test("messages that failed, as anybody may send them, do not say what is in a sector", async () => {
  const miner = { id: Address.id(1000) };
  const cid = (seed: number) => pieceCidV1(new Uint8Array(32).fill(seed));
  const proof = (seed: number) => ({
    message: {
      ...{ method: 34n, to: miner.id },
      params: dagCbor.encode([[[7, [[cid(seed), 256, null, []]]]], []]),
    },
  });
  const update = {
    message: {
      ...{ method: 35n, to: miner.id },
      params: dagCbor.encode([[[9, 3, 0, cid(4), [[cid(5), 128, null, []]]]], [], new Uint8Array(0), 0, null]),
    },
  };
  const exits = [18, 0, 0];
  const chain = {
    tipsetAtOrBefore: async (height: number) => ({ height }),
    tipsetMessages: async () => [proof(1), proof(2), update],
    knownResult: async () => ({ receiptsRoot: null }),
    receiptAt: async (_: unknown, index: number) => ({ exitCode: exits[index] }),
  };
  const source = { chain, miner } as unknown as Parameters<typeof provenPieces>[0];
  expect(await provenPieces(source, 7, 100)).toEqual([{ commP: new Uint8Array(32).fill(2), paddedSize: 256 }]);
  expect(await provenPieces(source, 8, 100)).toBeNull();
  expect(await provenPieces(source, 9, 100)).toEqual([{ commP: new Uint8Array(32).fill(5), paddedSize: 128 }]);
});

test("the order of deals whose proof named none: of the sector, of what it was after its proof, of its pre-commit", async () => {
  const miner = (sector: readonly number[] | null, preCommit: readonly number[] | null): ObjectReader => {
    const found: Readonly<Record<string, JsonObject | null>> = {
      Sectors: sector === null ? null : { DealIDs: sector },
      PreCommittedSectors: preCommit === null ? null : { Info: { DealIDs: preCommit } },
    };
    return { element: async (name: string) => found[name] ?? null } as unknown as ObjectReader;
  };
  /** The sector was activated at epoch 100: its states by the epoch, those of other epochs are not kept. */
  const order = (now: ObjectReader, then: Readonly<Record<number, ObjectReader>> = {}) => {
    const minerAt: ContentSource["minerAt"] = async (epoch, read) => {
      const reader = then[epoch];
      return reader === undefined ? undefined : read(reader);
    };
    return earlierDeals({ minerAt }, now, 7, 100);
  };
  const none = miner([], null);
  expect(await order(miner([3, 1], null), { 100: miner([1, 3], null) })).toEqual([3, 1]);
  expect(await order(none, { 99: miner(null, [5, 4, 6]), 100: miner([3, 1], null) })).toEqual([3, 1]);
  expect(await order(none, { 99: miner(null, [5, 4, 6]), 100: none })).toEqual([5, 4, 6]);
  expect(await order(none, { 99: miner(null, [5, 4]) })).toEqual([5, 4]);
  expect(await order(none, { 99: miner(null, null), 100: miner(null, null) })).toEqual([]);
  expect(await order(none)).toEqual([]);
});
