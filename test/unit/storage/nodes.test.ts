/** The host's readers of arrays, maps and state trees on blocks that nobody should have written. */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equal, fromHex } from "../../../src/base/bytes.ts";
import { sha256 } from "../../../src/base/digests.ts";
import { FilError } from "../../../src/base/errors.ts";
import { StateView } from "../../../src/state/state-view.ts";
import { amtCount, amtEntries, amtGet } from "../../../src/storage/amt.ts";
import type { BlockSource } from "../../../src/storage/contract.ts";
import { hamtEntries, hamtGet } from "../../../src/storage/hamt.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, cidKey, cidOfBlock } from "../../../src/types/cid.ts";
import { MadeBlocks } from "../../support/made-blocks.ts";
import { makeState } from "../../support/plain-state.ts";

const LINK = cidOfBlock(Uint8Array.of(0x80));

/** Every CID leads to the same block, so that a link in it leads back to it. */
const only = (bytes: Uint8Array): BlockSource => ({ peek: () => bytes, get: async () => bytes });

/** What came of reading: nothing thrown, or the code of the error. */
async function outcome(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return "read";
  } catch (error) {
    if (!(error instanceof FilError)) throw error;
    return (error.data as { code: string }).code;
  }
}

const readAmt = (bytes: Uint8Array) => async (): Promise<void> => {
  await amtCount(only(bytes), LINK);
  await amtGet(only(bytes), LINK, 0n);
  for await (const _ of amtEntries(only(bytes), LINK)) break;
};
const readHamt = (bytes: Uint8Array) => async (): Promise<void> => {
  await hamtGet(only(bytes), LINK, Uint8Array.of(1));
  for await (const _ of hamtEntries(only(bytes), LINK)) break;
};

test("nodes kept decoded are each store's own, though another has different bytes under the same CID", async () => {
  const one = dagCbor.encode([0, 1, [Uint8Array.of(1), [], [5]]]);
  const other = dagCbor.encode([0, 1, [Uint8Array.of(1), [], [6]]]);
  const nothing: BlockSource = { peek: () => undefined, get: async () => undefined };
  for (const [bytes, value] of [
    [one, 5],
    [one.slice(), 5],
    [other, 6],
    [one, 5],
  ] as const)
    expect(await amtGet(only(bytes), LINK, 0n)).toBe(value);
  expect(await outcome(() => amtGet(nothing, LINK, 0n))).toBe("MISSING_BLOCK");
});

test("maps of six bits a level have slots in both words of their bitfields", async () => {
  const keys = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i >> 3, i));
  const bySlot = new Map(keys.map((key) => [(sha256(key)[0] as number) >> 2, key] as const));
  const slots = [...bySlot.keys()].sort((a, b) => a - b);
  let bits = 0n;
  for (const slot of slots) bits |= 1n << BigInt(slot);
  expect([slots.length > 30, slots.some((slot) => slot < 32), slots.some((slot) => slot > 32)]).toEqual([
    true,
    true,
    true,
  ]);
  const bitfield = fromHex(bits.toString(16).padStart(16, "0"));
  const bytes = dagCbor.encode([bitfield, slots.map((slot) => [[bySlot.get(slot), slot]])]);
  for (const [slot, key] of bySlot) expect(await hamtGet(only(bytes), cidOfBlock(bytes), key, undefined, 6)).toBe(slot);
  const seen: unknown[] = [];
  for await (const [, value] of hamtEntries(only(bytes), cidOfBlock(bytes), 6)) seen.push(value);
  expect(seen).toEqual(slots);
  // Of five bits there is one word only.
  expect(await outcome(() => hamtGet(only(bytes), cidOfBlock(bytes), keys[0] as Uint8Array))).toBe("BAD_NODE");
});

describe("arrays", () => {
  const leaf = [Uint8Array.of(1), [], [5]];

  test.each<[string, unknown]>([
    ["a height that is a fraction", [0.5, 1, leaf]],
    ["a count that is a fraction", [0, 1.5, leaf]],
    ["a negative count", [0, -1, leaf]],
    ["a height of 22", [22, 1, leaf]],
    ["a map of two bytes", [0, 1, [new Uint8Array(2), [], [5]]]],
    ["links and values", [0, 2, [Uint8Array.of(3), [LINK], [5]]]],
    ["fewer values than bits", [0, 2, [Uint8Array.of(3), [], [5]]]],
    ["values above the leaves", [1, 1, leaf]],
    ["links in a leaf", [0, 1, [Uint8Array.of(1), [LINK], []]]],
    ["no node", [0, 0, null]],
  ])("with %s are refused", async (_, value) => {
    expect(await outcome(readAmt(dagCbor.encode(value)))).toBe("BAD_NODE");
  });

  test("of any bytes are read or refused", async () => {
    const base = dagCbor.encode([1, 9, [Uint8Array.of(3), [LINK, LINK], []]]);
    const change = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const bytes = base.slice();
        for (const [at, value] of changes) bytes[at] = value;
        expect(["read", "BAD_NODE"]).toContain(await outcome(readAmt(bytes)));
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

/** Blocks of which each links to the one before it in all its places: a few stand for any number of values. */
function nested(leaf: unknown, node: (child: CID) => unknown, height: number) {
  const blocks = new MadeBlocks();
  const put = (value: unknown): CID => blocks.put(value);
  let top = put(leaf);
  for (let i = 0; i < height; i++) top = put(node(top));
  const peek = (cid: Uint8Array) => blocks.get(cidKey(cid));
  return { top, put, source: { peek, get: async (cid: Uint8Array) => peek(cid) } };
}

async function count(entries: AsyncIterable<unknown>): Promise<number> {
  let found = 0;
  for await (const _ of entries) found++;
  return found;
}

test("arrays that hold more than they count are refused before they are walked", async () => {
  const all = Uint8Array.of(255);
  const inner = (child: CID) => [all, new Array(8).fill(child), []];
  const bomb = nested([all, [], new Array(8).fill(7)], inner, 19);
  const root = (values: number | bigint): CID => bomb.put([20, values, inner(bomb.top)]);
  await expect(count(amtEntries(bomb.source, root(8)))).rejects.toMatchObject({ code: "BAD_NODE" });
  await expect(count(amtEntries(bomb.source, root(8n ** 20n), 10_000))).rejects.toThrow(/at most 10000/);
  const hollow = nested([Uint8Array.of(0), [], []], inner, 19);
  const nothing = hollow.put([20, 3, inner(hollow.top)]);
  await expect(count(amtEntries(hollow.source, nothing))).rejects.toMatchObject({ code: "BAD_NODE" });
});

test("maps whose nodes stand in several places are refused before they are walked", async () => {
  const inner = (child: CID) => [new Uint8Array(4).fill(255), new Array(32).fill({ "0": child })];
  const bucket = [Uint8Array.of(1), [{ "1": [[Uint8Array.of(1), 5]] }]];
  for (const leaf of [bucket, [new Uint8Array(0), []]]) {
    const bomb = nested(leaf, inner, 30);
    await expect(count(hamtEntries(bomb.source, bomb.top))).rejects.toMatchObject({ code: "BAD_NODE" });
  }
});

test("maps of any bytes are read or refused", async () => {
  const bases = [
    dagCbor.encode([Uint8Array.of(3), [{ "1": [[Uint8Array.of(1), 5]] }, { "0": LINK }]]),
    dagCbor.encode([new Uint8Array(4).fill(255), new Array(32).fill({ "0": LINK })]),
  ];
  const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...bases), change, async (base, changes) => {
      const bytes = base.slice();
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      expect(["read", "BAD_NODE"]).toContain(await outcome(readHamt(bytes)));
    }),
    { seed: 2, numRuns: 2000 },
  );
});

test("a state tree with a damaged block is read or refused", async () => {
  const state = makeState(5, 40);
  const blocks = [...state.store.entries()];
  const { root } = state;
  let refused = 0;
  const damage = fc.record({ block: fc.nat(blocks.length - 1), at: fc.nat(2000), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(damage, fc.nat(39), async ({ block, at, byte }, id) => {
      const victim = (blocks[block] as (typeof blocks)[number]).bytes;
      const bad = victim.slice();
      if (bad.length > 0) bad[at % bad.length] = byte;
      const peek = (cid: Uint8Array): Uint8Array | undefined => {
        const bytes = state.store.peek(cid);
        return bytes !== undefined && equal(bytes, victim) ? bad : bytes;
      };
      const came = await outcome(async () => {
        const view = await StateView.open({ peek, get: async (cid) => peek(cid) }, root);
        const entry = await view.actor(Address.id(100 + id));
        if (entry !== null) await view.stateJson(entry, "f");
        await view.accountKey(Address.id(100 + id));
      });
      if (came !== "read") refused++;
    }),
    { seed: 3, numRuns: 3000 },
  );
  expect(refused).toBeGreaterThan(50);
});
