import { describe, expect, test } from "vitest";
import { BAN, OFFENCES, PeerBook, PeerBookError } from "../../../src/network/peer-book.ts";
import { RateLimiter } from "../../../src/network/rate-limit.ts";

describe("peer book", () => {
  test("offences add up to a ban, bans double, and end", () => {
    let now = 1_000_000;
    const book = new PeerBook(() => now);
    expect(book.report("a", "badChain")).toBe(false);
    expect(book.isBanned("a")).toBe(false);
    expect(book.report("a", "badChain")).toBe(true);
    expect(book.isBanned("a")).toBe(true);
    now += BAN.firstMs;
    expect(book.isBanned("a")).toBe(false);
    expect(book.report("a", "wrongGenesis")).toBe(true);
    now += BAN.firstMs;
    expect(book.isBanned("a")).toBe(true);
    now += BAN.firstMs;
    expect(book.isBanned("a")).toBe(false);
  });

  test("points fade by half in the half life", () => {
    let now = 0;
    const book = new PeerBook(() => now);
    book.report("a", "badFrame");
    now += BAN.halfLifeMs;
    expect(book.list()[0]?.points).toBe(OFFENCES.badFrame / 2);
  });

  test("survives a restart, and refuses what it did not write", () => {
    const book = new PeerBook(() => 5);
    book.report("a", "wrongGenesis");
    book.reached("b", "/ip4/127.0.0.1/tcp/1");
    const again = new PeerBook(() => 5);
    again.load(book.encode());
    expect(again.list()).toEqual(book.list());
    expect(again.isBanned("a")).toBe(true);
    for (const text of ["", "{}", "[1]", '[{"id":"a"}]'])
      expect(() => again.load(new TextEncoder().encode(text))).toThrow(PeerBookError);
  });

  test("forgets the quietest beyond its limit", () => {
    const book = new PeerBook(() => 0);
    for (let i = 0; i < 5000; i++) book.report(`peer ${i}`, "notFound");
    expect(book.list()).toHaveLength(4096);
    expect(book.list()[0]?.id).toBe("peer 904");
  });
});

describe("rate limit", () => {
  test("a burst, then so many a second, apart for each key", () => {
    let now = 0;
    const limit = new RateLimiter({ burst: 3, perSecond: 2 }, () => now);
    expect([1, 2, 3, 4].map(() => limit.allow("a"))).toEqual([true, true, true, false]);
    expect(limit.allow("b")).toBe(true);
    now += 500;
    expect([limit.allow("a"), limit.allow("a")]).toEqual([true, false]);
    now += 60_000;
    expect([1, 2, 3, 4].map(() => limit.allow("a"))).toEqual([true, true, true, false]);
  });
});
