/** The host's penalties are the actors': both equal the official modules. */
import { expect, test } from "vitest";
import { qaPowerForWeight } from "../../../src/stmgr/economy.ts";
import {
  consensusFaultFine,
  faultFee,
  reporterShare,
  terminationFee,
  undeclaredFee,
} from "../../../src/stmgr/penalties.ts";
import { readFixtureJson } from "../../support/files.ts";

type Vector = { readonly op: string; readonly args: readonly string[]; readonly out: readonly string[] };
const vectors = await readFixtureJson<Vector[]>("actors/arithmetic.json");
const of = (op: string) =>
  vectors.filter((one) => one.op === op).map(({ args, out }) => [args.map(BigInt) as bigint[], out] as const);
const inputOf = (a: readonly bigint[]) => ({
  networkVersion: Number(a[0]),
  reward: { position: a[1] as bigint, velocity: a[2] as bigint },
  power: { position: a[3] as bigint, velocity: a[4] as bigint },
});

test("fees of faults, declared and not, by network version", () => {
  expect(of("pledge").length).toBeGreaterThan(10);
  for (const [a, out] of of("pledge")) {
    expect(`${faultFee(inputOf(a), a[5] as bigint)}`).toBe(out[0]);
    expect(`${undeclaredFee(inputOf(a), a[5] as bigint)}`).toBe(out[1]);
  }
});

test("fees of terminations, by network version", () => {
  expect(of("termination").length).toBeGreaterThan(10);
  for (const [a, out] of of("termination")) {
    const [size, activation, expiration, weight, verified, perDay, storage, replacedAge, replaced, epoch] = a.slice(
      5,
    ) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    const sector = {
      qaPower: qaPowerForWeight(size, expiration - activation, weight, verified),
      ...{ age: epoch - activation, expectedDayReward: perDay, expectedStoragePledge: storage },
      ...{ replacedAge, replacedDayReward: replaced },
    };
    expect(`${terminationFee(inputOf(a), sector)}`).toBe(out[0]);
  }
});

test("a consensus fault costs what an epoch pays; its reporter gets more the longer it was not told", () => {
  expect(consensusFaultFine({ position: 77n << 128n, velocity: 5n })).toBe(77n);
  expect(of("reporter").length).toBeGreaterThan(10);
  for (const [a, out] of of("reporter"))
    expect(`${reporterShare(Number(a[0]), Number(a[1]), a[2] as bigint)}`).toBe(out[0]);
  expect(reporterShare(5, 1001, 2000n)).toBe(100n);
});
