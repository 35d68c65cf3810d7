/** Caches with a bound: what is in use stays, what weighs too much goes. */
import { describe, expect, test } from "vitest";
import { BoundedMap } from "../../../src/base/bounded-map.ts";

describe("bounded maps", () => {
  test("never weigh more than they may, whatever is set, asked for and deleted", () => {
    const weights = new Map<number, number>();
    const map = new BoundedMap<number, { readonly weight: number }>(100, ({ weight }) => weight);
    let state = 7;
    const next = (below: number): number => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor(state / 65536) % below;
    };
    for (let turn = 0; turn < 20_000; turn++) {
      const key = next(40);
      const kind = next(10);
      if (kind < 4) {
        const weight = next(30);
        weights.set(key, weight);
        map.set(key, { weight });
        expect(map.get(key)?.weight).toBe(weight);
      } else if (kind === 4) {
        map.delete(key);
        expect(map.get(key)).toBeUndefined();
      } else {
        const found = map.get(key);
        if (found !== undefined) expect(found.weight).toBe(weights.get(key));
      }
      // Told without asking, which would mark: by the weights that were set last.
      expect(map.size).toBeLessThanOrEqual(40);
      if (turn % 100 === 0) {
        let sum = 0;
        for (let each = 0; each < 40; each++) sum += map.get(each)?.weight ?? 0;
        expect(sum).toBeLessThanOrEqual(100);
      }
    }
  });

  test("what is asked for between two others outlives all that nobody asks for", () => {
    const map = new BoundedMap<string, number>(8);
    map.set("in use", -1);
    for (let i = 0; i < 1000; i++) {
      map.set(`${i}`, i);
      expect(map.get("in use")).toBe(-1);
      expect(map.size).toBeLessThanOrEqual(8);
    }
    expect(map.size).toBe(8);
    expect(map.get("990")).toBeUndefined();
    expect(map.get("999")).toBe(999);
  });

  test("what was set just now is there though all others are in use, and one too heavy is not kept", () => {
    const map = new BoundedMap<string, number>(10, (value) => value);
    map.set("a", 5);
    map.set("b", 5);
    map.get("a");
    map.get("b");
    map.set("c", 3);
    expect([map.get("c"), map.size]).toEqual([3, 2]);
    map.set("c", 11);
    expect([map.get("c"), map.size]).toEqual([undefined, 1]);
    const one = new BoundedMap<string, string>(1);
    for (const key of ["a", "b"]) {
      one.set(key, key);
      expect([one.get(key), one.size]).toEqual([key, 1]);
    }
  });
});
