/** Selectors and the walks that they make: the links of go-ipld-prime in its order; what has no end is refused. */
import * as dagCbor from "@ipld/dag-cbor";
import * as Digest from "multiformats/hashes/digest";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { Selection, WHOLE_DAG } from "../../../src/market/graphsync/selector.ts";
import { Traversal, WALK_LIMITS, type WalkLimits } from "../../../src/market/graphsync/traversal.ts";
import { CID, parseCid } from "../../../src/types/cid.ts";
import walks from "../../fixtures/retrieval/walks.json" with { type: "json" };

const numbers = new Map(walks.cids.map((cid, i) => [cid, i]));
const blocks = walks.blocks.map(fromHex);

test.each(walks.walks.map((walk, i) => [i, walk] as const))("walk %i goes as Go's does", (_, walk) => {
  const traversal = new Traversal(parseCid(walks.cids[walks.root] as string), new Selection(fromHex(walk.selector)));
  const links: number[] = [];
  for (let wanted = traversal.next(); wanted !== null; wanted = traversal.next()) {
    const number = numbers.get(`${wanted.cid}`) as number;
    links.push(number);
    if (number === walk.missing) traversal.skip();
    else traversal.give(blocks[number] as Uint8Array);
  }
  expect(links.join(" ")).toBe(walk.links);
});

let made = 0;
function cidOf(code = 0x71): CID {
  const digest = new Uint8Array(32);
  new DataView(digest.buffer).setUint32(28, ++made);
  return CID.createV1(code, Digest.create(0x12, digest));
}

/** Walks as a responder does: not below what was walked already. Gives the number of links that were followed. */
function walked(
  root: CID,
  block: (cid: CID) => Uint8Array,
  selector: unknown,
  limits: Partial<WalkLimits> = {},
): number {
  const bytes = selector === WHOLE_DAG ? WHOLE_DAG : dagCbor.encode(selector);
  const traversal = new Traversal(root, new Selection(bytes), { ...WALK_LIMITS, ...limits });
  let links = 0;
  for (let wanted = traversal.next(); wanted !== null; wanted = traversal.next()) {
    links++;
    if (wanted.isDone) traversal.skip();
    else traversal.give(block(wanted.cid));
  }
  return links;
}

describe("walks that would not end", () => {
  test("a chain of doubled links is walked once: 2^200 ways are 400 links", () => {
    const cids = Array.from({ length: 201 }, () => cidOf());
    const at = new Map(cids.map((cid, i) => [`${cid}`, i]));
    const block = (cid: CID): Uint8Array => {
      const below = cids[(at.get(`${cid}`) as number) + 1];
      return dagCbor.encode(below === undefined ? [] : [below, below]);
    };
    expect(walked(cids[0] as CID, block, WHOLE_DAG)).toBe(401);
  });

  test("cycles, which only false blocks can make, end", () => {
    const [a, b] = [cidOf(), cidOf()];
    const block = (cid: CID): Uint8Array => dagCbor.encode(cid.equals(a) ? [b, a] : [a, b]);
    expect(walked(a, block, WHOLE_DAG)).toBe(5);
    // With a depth every state is another one, and there are as many as the depth.
    expect(walked(a, block, { R: { l: { depth: 1000 }, ":>": { a: { ">": { "@": {} } } } } })).toBeLessThan(5000);
  });

  test("a chain without end is cut at the limit of depth", () => {
    const block = (): Uint8Array => dagCbor.encode([cidOf()]);
    expect(() => walked(cidOf(), block, WHOLE_DAG)).toThrow("limit of 1024 depth");
  });

  test.each([
    ["links", { links: 100 }],
    ["nodes", { nodes: 1000 }],
    ["bytes", { bytes: 10_000 }],
  ] as const)("siblings are cut at the limit of %s", (what, limits) => {
    const siblings = dagCbor.encode(Array.from({ length: 2000 }, () => cidOf(0x55)));
    const block = (cid: CID): Uint8Array => (cid.code === 0x55 ? new Uint8Array(100) : siblings);
    expect(() => walked(cidOf(), block, WHOLE_DAG, limits)).toThrow(`limit of ${Object.values(limits)[0]} ${what}`);
  });

  test("10^5 siblings are walked once each; more links than may be end the walk", () => {
    const leaf = cidOf(0x55);
    const [root, ...nodes] = Array.from({ length: 101 }, () => cidOf());
    const siblings = dagCbor.encode(Array.from({ length: 999 }, () => leaf));
    const block = (count: number) => (cid: CID) =>
      cid.equals(leaf) ? Uint8Array.of(1) : cid.equals(root) ? dagCbor.encode(nodes.slice(0, count)) : siblings;
    expect(walked(root as CID, block(100), WHOLE_DAG)).toBe(1 + 100_000);
    expect(() => walked(root as CID, block(100), WHOLE_DAG, { links: 100_000 })).toThrow("limit of 100000 links");
  });

  test("unions of edges do not grow", () => {
    const edges = { "|": [{ "@": {} }, { "@": {} }, { a: { ">": { "@": {} } } }] };
    const cids = Array.from({ length: 300 }, () => cidOf());
    const at = new Map(cids.map((cid, i) => [`${cid}`, i]));
    const block = (cid: CID): Uint8Array => {
      const below = cids[(at.get(`${cid}`) as number) + 1];
      return dagCbor.encode(below === undefined ? [] : [[below], below]);
    };
    const selector = { R: { l: { none: {} }, ":>": { a: { ">": edges } } } };
    expect(walked(cids[0] as CID, block, selector)).toBeLessThan(20_000);
    const nested = { R: { l: { none: {} }, ":>": { a: { ">": { "|": [{ "@": {} }, selector] } } } } };
    expect(walked(cids[0] as CID, block, nested)).toBeLessThan(20_000);
    // Depths that count down apart from one another come to more alternatives than are kept.
    const inner = { R: { l: { depth: 900 }, ":>": { a: { ">": { "@": {} } } } } };
    const apart = { R: { l: { depth: 900 }, ":>": { a: { ">": { "|": [{ "@": {} }, inner] } } } } };
    expect(() => walked(cids[0] as CID, block, apart)).toThrow(/more than 64 alternatives at once/);
  });
});

describe("selectors that are refused", () => {
  const nested = (depth: number): unknown => (depth === 0 ? { ".": {} } : { a: { ">": nested(depth - 1) } });
  test.each<[string, unknown, RegExp]>([
    ["no map", 1, /a selector is a map/],
    ["two kinds", { ".": {}, a: {} }, /a map of one pair/],
    ["no kind", { zz: {} }, /no kind "zz"/],
    ["a condition", { "&": {} }, /conditions .* not done/],
    ["another reading", { "~": { as: "unixfs", ">": { ".": {} } } }, /other readings of data/],
    ["an edge outside", { "@": {} }, /an edge outside/],
    ["no edge", { R: { l: { none: {} }, ":>": { ".": {} } } }, /without an edge/],
    ["no limit", { R: { ":>": { a: { ">": { "@": {} } } } } }, /"R" without "l"/],
    ["a limit that is none", { R: { l: { deep: 1 }, ":>": { "@": {} } } }, /no limit "deep"/],
    ["a depth that is none", { R: { l: { depth: -1 }, ":>": { "@": {} } } }, /whole number/],
    ["an empty union", { "|": [] }, /a union of nothing/],
    ["a range backwards", { r: { "^": 3, $: 3, ">": { ".": {} } } }, /ends where it begins/],
    ["a range too long", { r: { "^": 0, $: 1e9, ">": { ".": {} } } }, /more than 131072 elements/],
    ["too deep", nested(65), /nested deeper than 64/],
    ["far too deep", nested(400), /nested deeper than 64/],
    ["too many", { "|": Array.from({ length: 1100 }, () => ({ ".": {} })) }, /more than 1024 selectors/],
    [
      "a stop that is no link",
      { R: { l: { none: {} }, "!": { "=": 1 }, ":>": { "@": {} } } },
      /condition "=" is not done/,
    ],
  ])("%s", (_, selector, why) => {
    expect(() => new Selection(dagCbor.encode(selector))).toThrow(why);
  });

  test("bytes that are too many or no CBOR", () => {
    expect(() => new Selection(new Uint8Array(70_000))).toThrow(/70000 bytes/);
    expect(() => new Selection(Uint8Array.of(0xff))).toThrow(/no DAG-CBOR/);
  });
});
