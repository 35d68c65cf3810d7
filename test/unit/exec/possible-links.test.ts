/** What looks like a link in a block, beside what is one. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../../src/base/bytes.ts";
import { linksOf, possibleLinks } from "../../../src/exec/reachable.ts";
import { CID, cidOfBlock } from "../../../src/types/cid.ts";

const cids = Array.from({ length: 30 }, (_, i) => cidOfBlock(utf8(`${i}`)));
/** As short as a CID gets: two bytes of identity, and nothing. */
const short = CID.parse("bafkqaaa");
const hex = (links: readonly Uint8Array[]): string[] => links.map(toHex);

test("all links are found, wherever they stand, in their order", () => {
  const values = [
    cids[0],
    [short, cids[1], [cids[2], null, "text", new Uint8Array(300)]],
    { a: cids, b: { c: short } },
    [new Uint8Array(23), cids[3], 1n << 60n, -5, 1.5, cids[4]],
  ];
  for (const value of values) {
    const block = dagCbor.encode(value);
    expect(linksOf(block).length).toBeGreaterThan(0);
    expect(hex(possibleLinks(block))).toEqual(hex(linksOf(block)));
  }
});

test("a link that stands inside of bytes is taken for one, half a link is not", () => {
  const inside = dagCbor.encode(cids[5]);
  expect(hex(possibleLinks(dagCbor.encode([inside, cids[6]])))).toEqual(
    [cids[5], cids[6]].map((cid) => toHex(cid?.bytes ?? utf8(""))),
  );
  for (let length = 0; length < inside.length; length++) expect(possibleLinks(inside.subarray(0, length))).toEqual([]);
  expect(possibleLinks(concat(Uint8Array.of(0xd8, 42, 0x58, 39, 1), new Uint8Array(38)))).toEqual([]);
});
