/** What is pasted into the tools of the page, of any size. */
import { expect, test } from "vitest";
import { bytesOf } from "../../../src/page/tools/decode.ts";
import { describeProof } from "../../../src/sector/proof-file.ts";

test("bytes are read to some tens of MB, and more is refused before it is looked at", () => {
  expect(bytesOf("ab".repeat(5_000_000))?.length).toBe(5_000_000);
  expect(bytesOf("0xabc")).toBeNull();
  expect(bytesOf("0x0A ff\n")).toEqual(Uint8Array.of(10, 255));
  expect(() => bytesOf(" ".repeat(70_000_001))).toThrow(/at most 70000000 characters/);
});

test("of a proof of very many sectors some are told by number", () => {
  const sectors = Array.from({ length: 5000 }, (_, sectorNumber) => ({ sectorNumber, commR: new Uint8Array(32) }));
  const statement = { kind: "window", sectorBytes: 2048, randomness: new Uint8Array(32), partitions: [] } as const;
  expect(describeProof({ ...statement, sectors })[0]).toMatch(/ 98, 99 and 4900 more$/);
  expect(describeProof({ ...statement, sectors: sectors.slice(0, 2) })[0]).toMatch(/sectors 0, 1$/);
});
