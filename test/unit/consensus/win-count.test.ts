/** Win counts: every published value of the reference, and the shape of the distribution. */
import { describe, expect, test } from "vitest";
import { expNegative, invertedPoisson, lambda, MAX_WIN_COUNT, winCount } from "../../../src/consensus/win-count.ts";
import { corpus, readShared } from "../../support/vectors.ts";

const names = corpus.election;

describe.skipIf(names.length === 0)("published values", () => {
  const lines = async (name: string): Promise<string[]> => {
    const bytes = await readShared(`vectors/chain/election/${name}`);
    return new TextDecoder()
      .decode(bytes as Uint8Array)
      .split("\n")
      .filter((line) => line !== "");
  };

  test("exp(-x)", async () => {
    const rows = (await lines("TestExpFunction.golden")).slice(1);
    expect(rows.length).toBeGreaterThan(100);
    for (const row of rows) {
      const [x, y] = row.split(",").map((part) => BigInt(part.trim()));
      expect(expNegative(x as bigint)).toBe(y);
    }
  });

  test("lambda", async () => {
    for (const name of names.filter((one) => /^\d+-\d+\.golden$/.test(one))) {
      const [power, total] = name.replace(".golden", "").split("-").map(BigInt);
      expect(lambda(power as bigint, total as bigint)).toBe(BigInt((await lines(name))[0] as string));
    }
  });

  test("inverted distribution", async () => {
    const tables = names.filter((one) => one.startsWith("lam-"));
    expect(tables.length).toBeGreaterThan(0);
    for (const name of tables) {
      const [base, shift] = name.replace("lam-", "").replace(".golden", "").split("-").map(BigInt);
      const values = invertedPoisson(((base as bigint) << 256n) >> (shift as bigint));
      for (const row of (await lines(name)).slice(1)) expect(`${name} ${values.next().value}`).toBe(`${name} ${row}`);
    }
  });
});

describe("win count", () => {
  const proof = (n: number): Uint8Array => new Uint8Array(96).map((_, i) => (i < 4 ? (n >> (8 * i)) & 255 : 7));

  test("the mean over many proofs is the expected number of leaders times the share", () => {
    let wins = 0;
    const draws = 4000;
    for (let i = 0; i < draws; i++) wins += winCount(proof(i), 1n, 4n);
    expect(wins / draws).toBeGreaterThan(1.25 * 0.93);
    expect(wins / draws).toBeLessThan(1.25 * 1.07);
  });

  test("no power, no win; all power never more than the limit", () => {
    expect(winCount(proof(1), 0n, 10n)).toBe(0);
    expect(winCount(proof(1), 0n, 0n)).toBe(0);
    for (let i = 0; i < 300; i++) expect(winCount(proof(i), 10n, 10n)).toBeLessThanOrEqual(MAX_WIN_COUNT);
  });
});
