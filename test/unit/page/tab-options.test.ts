/** Links of networks that run in a tab. */
import { expect, test } from "vitest";
import { LinkError, linkOf, placeOf, readLink } from "../../../src/page/tab/options.ts";

test("a link says what it was made of, and what is left out has its usual value", () => {
  const options = { seed: "a & b = ?", miners: 3, sectors: 2, accounts: 5, blockTime: 0.5 };
  expect(readLink(`?${linkOf(options)}`)).toEqual(options);
  expect(readLink("?tab")).toEqual({ seed: "filigree", miners: 1, sectors: 1, accounts: 10, blockTime: 1 });
  expect(readLink("")).toBeNull();
  expect(readLink("?seed=x")).toBeNull();
});

test("what is no option is refused by name", () => {
  for (const [link, name] of [
    ["?tab&seed=", "seed"],
    [`?tab&seed=${"x".repeat(101)}`, "seed"],
    ["?tab&miners=9", "miners"],
    ["?tab&miners=1.5", "miners"],
    ["?tab&sectors=0", "sectors"],
    ["?tab&accounts=-1", "accounts"],
    ["?tab&block-time=1e3", "block-time"],
    ["?tab&block-time=9999", "block-time"],
  ] as const) {
    expect(() => readLink(link), link).toThrow(LinkError);
    expect(() => readLink(link), link).toThrow(name);
  }
});

test("networks that are not the same have not the same database: the pace that blocks are stamped with makes another", () => {
  const options = { seed: "a/b", miners: 1, sectors: 2, accounts: 3, blockTime: 1 };
  for (const blockTime of [0, 0.3, 1.2]) expect(placeOf({ ...options, blockTime })).toBe(placeOf(options));
  const others = [{ seed: "a" }, { miners: 2 }, { sectors: 1 }, { accounts: 4 }, { blockTime: 2 }];
  const places = [options, ...others.map((other) => ({ ...options, ...other }))].map(placeOf);
  expect(new Set(places).size).toBe(6);
  expect(placeOf(options).split("/")).toHaveLength(3);
});
