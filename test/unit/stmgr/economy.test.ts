/** The host's deposits, pledges and qualities are the actors': both equal the official modules. */
import { expect, test } from "vitest";
import {
  cumulativeRatio,
  initialPledge,
  minProviderCollateral,
  pledgeSkew,
  preCommitDeposit,
  qaPowerForWeight,
} from "../../../src/stmgr/economy.ts";
import { readFixtureJson } from "../../support/files.ts";

type Vector = { readonly op: string; readonly args: readonly string[]; readonly out: readonly string[] };
const vectors = await readFixtureJson<Vector[]>("actors/arithmetic.json");
const of = (op: string) =>
  vectors.filter((one) => one.op === op).map(({ args, out }) => [args.map(BigInt), out] as const);
const filter = (position: bigint | undefined, velocity: bigint | undefined) => ({
  position: position as bigint,
  velocity: velocity as bigint,
});

test("sums of ratios of estimates", () => {
  expect(of("cumulativeRatio").length).toBeGreaterThan(10);
  for (const [a, out] of of("cumulativeRatio"))
    expect(`${cumulativeRatio(a[0] as bigint, a[1] as bigint, filter(a[2], a[3]), filter(a[4], a[5]))}`).toBe(out[0]);
});

test("deposit and initial pledge, by network version", () => {
  expect(of("pledge").length).toBeGreaterThan(10);
  for (const [a, out] of of("pledge")) {
    const [reward, power, qaPower] = [filter(a[1], a[2]), filter(a[3], a[4]), a[5] as bigint];
    const networkVersion = Number(a[0]);
    const input = { networkVersion, reward, power, baselinePower: a[6] as bigint, circulatingSupply: a[7] as bigint };
    expect(`${preCommitDeposit(networkVersion, reward, power, { size: qaPower, qaPower })}`).toBe(out[2]);
    expect(`${initialPledge(input, qaPower)}`).toBe(out[3]);
  }
});

test("published actors: deposits for the most power, and a pledge that moves to FIP-0081's formula", () => {
  const still = (value: bigint) => ({ position: value << 128n, velocity: 0n });
  const [reward, power] = [still(1000n), still(10n ** 9n)];
  // 20 days of 1000 a billion; from v9 on for ten times the size, and never nothing.
  const sector = { size: 2048n, qaPower: 2048n };
  expect([16, 17, 28].map((version) => preCommitDeposit(version, reward, power, sector))).toEqual([117n, 1179n, 1179n]);
  expect(preCommitDeposit(28, still(0n), power, sector)).toBe(1n);
  const whole = {
    networkVersion: 28,
    reward: still(0n),
    power,
    baselinePower: 10n ** 12n,
    circulatingSupply: 10n ** 9n,
  };
  // 30 % of the supply for 2048 of the baseline's 10^12 is nothing; three tenths of that for 2048 of the network's 10^9 are 184.
  expect([0n, 150n, 300n].map((skew) => initialPledge({ ...whole, skew }, 2048n))).toEqual([1n, 93n, 185n]);
  expect([99, 100, 150, 200, 999].map((epoch) => pledgeSkew(epoch, 100, 100))).toEqual([0n, 0n, 150n, 300n, 300n]);
  expect(pledgeSkew(0, 0, 0)).toBe(300n);
});

test("quality-adjusted power", () => {
  expect(of("quality").length).toBeGreaterThan(5);
  for (const [a, out] of of("quality"))
    expect(`${qaPowerForWeight(...(a as [bigint, bigint, bigint, bigint]))}`).toBe(out[0]);
});

test("least collateral of a provider: a share of the supply by power, five times as much in the first version", () => {
  const power = { raw: 1000n, qualityAdjusted: 4000n, baseline: 500n };
  expect(minProviderCollateral(5, 10n, true, power, 1_000_000n)).toBe(100n);
  expect(minProviderCollateral(0, 10n, true, power, 1_000_000n)).toBe(1250n);
  expect(minProviderCollateral(5, 10n, false, { raw: 0n, qualityAdjusted: 0n, baseline: 0n }, 100n)).toBe(1n);
});
