/** Which chain is the head, what an equivocating producer's blocks are worth, and which faults are seen. */
import { describe, expect, test } from "vitest";
import { FaultWatcher, faultBetween } from "../../../src/consensus/consensus-fault.ts";
import { formTipsets, isHeavier, winsTie } from "../../../src/consensus/fork-choice.ts";
import { Address } from "../../../src/types/address.ts";
import { type BlockHeader, headerCid, makeTipset } from "../../../src/types/block-header.ts";
import { cidNumber, plainHeader } from "../../support/headers.ts";

const block = (miner: number, over: Partial<BlockHeader> = {}): BlockHeader =>
  plainHeader({ miner: Address.id(miner), ticket: new Uint8Array(96).fill(miner & 255), height: 10, ...over });

describe("fork choice", () => {
  const [a, b] = [makeTipset([block(1)]), makeTipset([block(2)])];

  test("the heavier chain wins, whatever its tickets", () => {
    expect(isHeavier({ tipset: a, weight: 5n }, { tipset: b, weight: 6n })).toBe(true);
    expect(isHeavier({ tipset: a, weight: 6n }, { tipset: b, weight: 5n })).toBe(false);
  });

  test("between equal ones the smaller ticket wins: exactly one of two, and a chain never beats itself", () => {
    const at = (tipset: typeof a) => ({ tipset, weight: 5n });
    expect(isHeavier(at(a), at(b))).not.toBe(isHeavier(at(b), at(a)));
    expect(isHeavier(at(a), at(a))).toBe(false);
  });

  test("a shared first ticket is passed over; where all shared ones are equal the one held stays", () => {
    const shared = block(1);
    // Tipsets are in the order of their tickets: `first` is in both and comes first where the other is larger.
    const many = Array.from({ length: 12 }, (_, i) => block(20 + i));
    const two = many.map((other) => makeTipset([shared, other])).filter(({ blocks }) => blocks[0] === shared);
    expect(two.length).toBeGreaterThan(2);
    for (const x of two) for (const y of two) if (x !== y) expect(winsTie(x, y)).not.toBe(winsTie(y, x));
    expect(winsTie(makeTipset([shared]), two[0] as typeof a)).toBe(false);
    expect(winsTie(two[0] as typeof a, makeTipset([shared]))).toBe(false);
  });

  test("blocks are grouped by parents; who made two of an epoch has none", () => {
    const other = { parents: [cidNumber(4)] };
    const headers = [block(1), block(2), block(3, other), block(4), block(4, { timestamp: 5n }), block(5, other)];
    const found = formTipsets(headers).map(({ blocks }) => blocks.map(({ miner }) => miner.actorId).sort());
    expect(found.sort()).toEqual([
      [1n, 2n],
      [3n, 5n],
    ]);
    expect(formTipsets([block(4), block(4, { timestamp: 5n })])).toEqual([]);
  });
});

describe("consensus faults", () => {
  const base = [cidNumber(1)];
  const first = block(7, { parents: base });

  test("two blocks of one epoch", () => {
    const second = block(7, { parents: [cidNumber(2)] });
    expect(faultBetween(first, second)?.kind).toBe("double-fork mining");
    expect(faultBetween(first, first)).toBe(null);
    expect(faultBetween(first, block(8, { parents: base, timestamp: 2n }))).toBe(null);
  });

  test("two epochs on one parent set", () => {
    const second = block(7, { parents: base, height: 12 });
    const fault = faultBetween(second, first);
    expect([fault?.kind, fault?.first.height, fault?.second.height]).toEqual(["time-offset mining", 10, 12]);
  });

  test("a parent left out that was its own, shown by a sibling that was not", () => {
    const sibling = block(8, { parents: base });
    const next = block(7, { parents: [headerCid(sibling)], height: 11 });
    expect(faultBetween(first, next)).toBe(null);
    expect(faultBetween(first, next, sibling)?.kind).toBe("parent-grinding");
    const honest = block(7, { parents: [headerCid(sibling), headerCid(first)], height: 11 });
    expect(faultBetween(first, honest, sibling)).toBe(null);
  });

  test("the watcher sees each kind in whatever order blocks come, once, and no fault of honest producers", () => {
    const watcher = new FaultWatcher();
    const sibling = block(8, { parents: base });
    expect([first, sibling].map((one) => watcher.see(one))).toEqual([null, null]);
    expect(watcher.see(first)).toBe(null);
    expect(watcher.see(block(7, { parents: base, timestamp: 1n }))?.kind).toBe("double-fork mining");
    expect(watcher.see(block(8, { parents: base, height: 13 }))?.kind).toBe("time-offset mining");
    expect(watcher.see(block(7, { parents: [headerCid(sibling)], height: 11 }))?.kind).toBe("parent-grinding");
    expect(watcher.see(block(9, { parents: [headerCid(first), headerCid(sibling)], height: 11 }))).toBe(null);
  });

  test("what is older than finality is forgotten", () => {
    const watcher = new FaultWatcher();
    watcher.see(first);
    watcher.see(block(9, { height: 10 + 901, parents: [cidNumber(3)] }));
    expect(watcher.see(block(7, { parents: [cidNumber(2)] }))).toBe(null);
  });
});
