import { describe, expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { PeerBook } from "../../../src/network/peer-book.ts";
import { PeerBookError } from "../../../src/network/peer-book-file.ts";
import { BAN, FOR_EVER, MAX_PEERS, OFFENCES } from "../../../src/network/peer-records.ts";
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

  test("an offence that is told of after the operator's ban does not shorten it", () => {
    let now = 5;
    const book = new PeerBook(() => now);
    book.ban("a", FOR_EVER);
    book.banAddress("192.0.2.9", FOR_EVER);
    book.report("a", "wrongGenesis", [{ ip: "192.0.2.9", port: 7 }]);
    now += 2 * BAN.longestMs;
    expect([book.isBanned("a"), book.isAddressBanned({ ip: "192.0.2.9", port: 7 })]).toEqual([true, true]);
  });

  test("thousands of new names make it forget others, but no ban of the operator's", () => {
    const book = new PeerBook(() => 5);
    book.report("early", "badFrame");
    book.ban("operator's", FOR_EVER);
    book.banAddress("192.0.2.9", FOR_EVER);
    for (let i = 0; i < MAX_PEERS; i++)
      book.report(`new ${i}`, "wrongGenesis", [{ ip: `10.0.${i >> 8}.${i & 255}`, port: 1 }]);
    expect(book.list()).toHaveLength(MAX_PEERS);
    expect(book.list().some(({ id }) => id === "early")).toBe(false);
    expect([book.isBanned("operator's"), book.isAddressBanned({ ip: "192.0.2.9", port: 7 })]).toEqual([true, true]);
  });

  test("points fade by half in the half life", () => {
    let now = 0;
    const book = new PeerBook(() => now);
    book.report("a", "badFrame");
    now += BAN.halfLifeMs;
    expect(book.list()[0]?.points).toBe(OFFENCES.badFrame / 2);
  });

  const PLACE = { ip: "192.0.2.7", port: 1234 };
  function written(): PeerBook {
    const book = new PeerBook(() => 5);
    for (const id of ["a", "b"]) book.report(id, "wrongGenesis", [PLACE]);
    book.report("c", "badFrame");
    book.reached("d", "/ip4/127.0.0.1/tcp/1");
    return book;
  }

  test("survives a restart, and refuses what it did not write", () => {
    const book = written();
    const again = new PeerBook(() => 5);
    expect(again.load(book.encode())).toBe(0);
    expect(again.list()).toEqual(book.list());
    expect(again.isBanned("a")).toBe(true);
    expect(again.bannedAddresses()).toEqual(book.bannedAddresses());
    expect(again.bannedAddresses()).toHaveLength(1);
    for (const text of ["", "{}", "[1]", "filigree peer book 2\n", "filigree peer book"])
      expect(() => again.load(utf8(text))).toThrow(PeerBookError);
    expect(() => again.load(new Uint8Array((32 << 20) + 1))).toThrow(PeerBookError);
  });

  test("any changed byte loses one record at most, or the file by name", () => {
    const bytes = written().encode();
    const records = written().list().length;
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 0x41;
      const book = new PeerBook(() => 5);
      try {
        const damaged = book.load(changed);
        // A line feed that is gone takes two lines with it; one that came in makes two of one.
        expect([1, 2]).toContain(damaged);
        expect(book.list().length).toBeGreaterThanOrEqual(records - 2);
      } catch (error) {
        expect(error).toBeInstanceOf(PeerBookError);
      }
    }
  });

  test("a line that is another record than it says is left out, whatever its digest", async () => {
    const { encodePeerBook } = await import("../../../src/network/peer-book-file.ts");
    const good = { id: "a", points: 1, bans: 0, bannedUntil: 0, lastOffence: null, at: 1, addresses: [] };
    const wrong = [
      { ...good, points: -1 },
      { ...good, id: 7 },
      { ...good, id: "x".repeat(257) },
      { ...good, lastOffence: "toString" },
      { ...good, addresses: [1] },
      { ...good, at: null },
    ];
    const bytes = encodePeerBook({ peers: [good, ...wrong] as never, addresses: [] });
    const book = new PeerBook(() => 5);
    expect(book.load(bytes)).toBe(wrong.length);
    expect(book.list().map(({ id }) => id)).toEqual(["a"]);
  });

  test("a ban kept by a clock that was ahead ends in a day", () => {
    const ahead = new PeerBook(() => 1e15);
    ahead.report("a", "wrongGenesis");
    let now = 1e12;
    const book = new PeerBook(() => now);
    book.load(ahead.encode());
    expect(book.isBanned("a")).toBe(true);
    now += BAN.longestMs + 1;
    expect(book.isBanned("a")).toBe(false);
  });

  test("identities that are banned one after another take the port, then the host with them, for a time", () => {
    let now = 1_000_000;
    const book = new PeerBook(() => now);
    const at = (port: number) => ({ ...PLACE, port });
    book.report("a", "wrongGenesis", [PLACE]);
    expect(book.isAddressBanned(PLACE)).toBe(false);
    book.report("b", "wrongGenesis", [PLACE]);
    expect([book.isAddressBanned(PLACE), book.isAddressBanned(at(2))]).toEqual([true, false]);
    book.report("c", "wrongGenesis", [at(2)]);
    book.report("d", "badFrame", [at(3)]);
    expect(book.isAddressBanned(at(4))).toBe(false);
    book.report("e", "wrongGenesis", [at(3)]);
    expect(book.isAddressBanned(at(4))).toBe(true);
    now += BAN.firstMs;
    expect(book.isAddressBanned(at(4))).toBe(false);
    book.report("f", "wrongGenesis", [at(5)]);
    expect(book.unbanAddress(PLACE.ip)).toBe(true);
    expect(book.isAddressBanned(at(6))).toBe(false);
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
