/** A state that is changed may come from another node: maps and arrays that are none, or stand for more than there is, end the walk. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { StateBlocks } from "../../../src/exec/state-blocks.ts";
import { buildHamt } from "../../../src/storage/hamt-build.ts";
import { Address } from "../../../src/types/address.ts";
import { type CID, cidKey } from "../../../src/types/cid.ts";

function world() {
  const held = new Map<string, Uint8Array>();
  const peek = (cid: Uint8Array): Uint8Array | undefined => held.get(cidKey(cid));
  const write = ({ cid, bytes }: { readonly cid: Uint8Array; readonly bytes: Uint8Array }): void =>
    void held.set(cidKey(cid), bytes);
  const blocks = new StateBlocks({ peek, get: async (cid) => peek(cid) }, write);
  return { blocks, write, peek };
}

const same = <Value>(value: Value): Value => value;
const FULL = Uint8Array.of(255, 255, 255, 255);

/** Nodes one above the other, each with 32 links to the one below. */
function shared(blocks: StateBlocks, bottom: unknown, levels: number): CID {
  let cid = blocks.put(bottom);
  for (let level = 0; level < levels; level++) cid = blocks.put([FULL, Array.from({ length: 32 }, () => cid)]);
  return cid;
}

test.each([
  ["shared by all paths", [Uint8Array.of(1), [[[Address.id(5n).bytes, [1]]]]], 12],
  ["deeper than a hash", [Uint8Array.of(1), [[[Address.id(5n).bytes, [1]]]]], 60],
  ["empty", [new Uint8Array(0), []], 12],
  ["with more bits than pointers", [Uint8Array.of(3), [[[Address.id(5n).bytes, [1]]]]], 1],
] as const)("a map whose nodes are %s is refused at once", async (_, bottom, levels) => {
  const { blocks } = world();
  const map = shared(blocks, bottom, levels);
  await expect(blocks.changedMap(map, same)).rejects.toMatchObject({ data: { code: "BAD_NODE" } });
});

test("a map of the early form, or of values that are no lists, is refused", async () => {
  const { blocks } = world();
  const bits = Uint8Array.of(1);
  const key = Address.id(5n).bytes;
  for (const pointer of [{ 1: [[key, [1]]] }, { 0: blocks.put([bits, []]) }, [[key, 5]], [[key, null]]])
    await expect(blocks.changedMap(blocks.put([bits, [pointer]]), same)).rejects.toThrow(RangeError);
});

test("an array that counts less than it has, or more than can be changed, is refused", async () => {
  const { blocks } = world();
  const array = (height: number, count: number, node: unknown) => blocks.put([3, height, count, node]);
  const all = Uint8Array.of(255);
  const leaf = blocks.put([all, [], Array.from({ length: 8 }, () => [1])]);
  let node: unknown = [all, Array.from({ length: 8 }, () => leaf), []];
  for (let i = 0; i < 18; i++) {
    const below = blocks.put(node);
    node = [all, Array.from({ length: 8 }, () => below), []];
  }
  const change = (_: bigint, value: unknown) => value;
  await expect(blocks.changedArray(array(19, 10, node), change)).rejects.toMatchObject({ data: { code: "BAD_NODE" } });
  await expect(blocks.changedArray(array(19, 8 ** 15, node), change)).rejects.toThrow(/more than 16777216 values/);
  await expect(blocks.changedArray(array(400, 1, node), change)).rejects.toMatchObject({ data: { code: "BAD_NODE" } });
  await expect(blocks.changedArray(blocks.put([0, 0, [Uint8Array.of(0), [], []]]), change)).rejects.toThrow(RangeError);
  const one = array(0, 1, [Uint8Array.of(4), [], [[7]]]);
  const seen: unknown[] = [];
  const next = await blocks.changedArray(one, (index, value) => {
    seen.push(index, value);
    return [8];
  });
  expect(seen).toEqual([2n, [7]]);
  expect(await blocks.element(next, 2n)).toEqual([8]);
});

test("a sound map keeps its shape, whatever its size", async () => {
  for (const count of [0, 1, 2, 3, 40, 3000]) {
    const { blocks, write, peek } = world();
    const entries = (value: number) =>
      Array.from({ length: count }, (_, i) => [Address.id(BigInt(i * i)).bytes, [value, i]] as const);
    const next = await blocks.changedMap(buildHamt(entries(1), write, "present"), ([, i], key) => {
      expect(Address.fromBytes(key).actorId).toBe(BigInt((i as number) ** 2));
      return [2, i];
    });
    expect(`${next}`).toBe(`${buildHamt(entries(2), write, "present")}`);
    expect(dagCbor.decode(peek(next.bytes) as Uint8Array)).toHaveLength(2);
  }
});
