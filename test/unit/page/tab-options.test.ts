/** Links of networks that run in a tab. */
import { expect, test } from "vitest";
import { LinkError, linkOf, placeOf, readJoin, readLink } from "../../../src/page/tab/options.ts";

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

test("the node whose network is joined: of any scheme and without a path, or the one that serves the page", () => {
  const page = "http://127.0.0.1:1234/?join#/chain";
  for (const [link, url] of [
    ["?join", "ws://127.0.0.1:1234/rpc/v1"],
    ["?join=http://[::1]:8/", "ws://[::1]:8/rpc/v1"],
    ["?join=https://node.example/rpc/v1%23x", "wss://node.example/rpc/v1"],
    ["?join=ws://127.0.0.1:9/rpc/v1", "ws://127.0.0.1:9/rpc/v1"],
  ] as const)
    expect(readJoin(link, page)).toBe(url);
  expect(readJoin("?tab", page)).toBeNull();
  for (const wrong of [
    "ftp://x",
    "javascript:1",
    "http://",
    "garbage",
    "/rpc/v1",
    "//node.example",
    "node.example:1234",
  ])
    expect(() => readJoin(`?${new URLSearchParams({ join: wrong })}`, page)).toThrow(LinkError);
});
