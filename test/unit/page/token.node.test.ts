/** The token of the page: out of the address at once, and forgotten when the node refuses it. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dropRefusedToken, readToken, takeTokenOfAddress, unlocked } from "../../../src/page/node.ts";

let kept: Map<string, string>;
let address: URL;
let asked: string[];
let status: number;
beforeEach(() => {
  kept = new Map();
  asked = [];
  address = new URL("http://127.0.0.1:1234/");
  vi.stubGlobal("location", {
    get href() {
      return address.href;
    },
    get hash() {
      return address.hash;
    },
    pathname: "/",
    search: "",
  });
  vi.stubGlobal("history", {
    replaceState: (_: unknown, __: string, to: string) => {
      address = new URL(to, address);
    },
  });
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
  vi.stubGlobal("fetch", async (url: URL, { headers }: { headers: { authorization: string } }) => {
    asked.push(`${url.href} ${headers.authorization}`);
    return new Response(null, { status });
  });
});
afterEach(() => vi.unstubAllGlobals());

test("a token leaves the address, and the view stays", () => {
  address.hash = "#/miner/t01000&token=abc";
  expect(takeTokenOfAddress()).toBe(true);
  expect([readToken(), address.hash]).toEqual(["abc", "#/miner/t01000"]);
  expect(takeTokenOfAddress()).toBe(false);
  expect(readToken()).toBe("abc");
});

test("a token that the node refuses is forgotten; one that it takes is kept", async () => {
  await dropRefusedToken();
  expect(asked).toEqual([]);
  address.hash = "#token=abc";
  takeTokenOfAddress();
  unlocked.value = true;
  status = 200;
  await dropRefusedToken();
  expect(readToken()).toBe("abc");
  status = 401;
  await dropRefusedToken();
  expect(asked.at(-1)).toBe("http://127.0.0.1:1234/health Bearer abc");
  expect([readToken(), unlocked.value]).toEqual([null, false]);
});
