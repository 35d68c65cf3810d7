/** Who pays what: the core's shares of the gas money against the formulas in plain bigints. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { ApplyRet } from "../../../src/core/applied.ts";
import { Vm } from "../../../src/core/vm.ts";
import { Address } from "../../../src/types/address.ts";
import { contextOf, hostOf, idOf, key, makeState, message, type PlainState, RICH } from "../../support/plain-state.ts";

const BURNT = Address.id(99);
const REWARD = Address.id(2);

let state: PlainState;
let vm: Vm;
beforeAll(async () => {
  state = makeState(5, 3);
  vm = await Vm.create(hostOf(state.store));
});

type Fees = { baseFee: bigint; feeCap: bigint; premium: bigint; limit: bigint };

function apply({ baseFee, feeCap, premium, limit }: Fees, networkVersion = 5): ApplyRet {
  vm.open({ ...contextOf(state.root, networkVersion), baseFee });
  const bytes = message({ gasFeeCap: feeCap, gasPremium: premium, gasLimit: limit, value: 1n });
  return vm.apply(bytes, bytes.length);
}

const balance = (address: Address): bigint => vm.actor(address)?.balance ?? 0n;

/** Sources: lotus v1.0.0 chain/vm/burn.go. */
function expected(
  used: bigint,
  { baseFee, feeCap, premium, limit }: Fees,
): Omit<ApplyRet, "exitCode" | "return" | "why"> {
  const fee = baseFee < feeCap ? baseFee : feeCap;
  const tip = premium + fee > feeCap ? feeCap - fee : premium;
  let over = limit - (11n * used) / 10n;
  over = over < 0n ? 0n : over > used ? used : over;
  const gasBurned = used === 0n ? limit : ((limit - used) * over) / used;
  const minerTip = tip * limit;
  const baseFeeBurn = fee * used;
  const overestimationBurn = fee * gasBurned;
  return {
    gasUsed: used,
    minerPenalty: (baseFee - fee) * (used + gasBurned),
    minerTip,
    baseFeeBurn,
    overestimationBurn,
    refund: limit * feeCap - minerTip - baseFeeBurn - overestimationBurn,
    gasBurned,
  };
}

const fees = fc.record({
  baseFee: fc.bigInt(0n, 10n ** 12n),
  feeCap: fc.bigInt(0n, 10n ** 12n),
  premium: fc.bigInt(0n, 10n ** 12n),
  limit: fc.bigInt(300_000n, 10n ** 11n),
});

describe("gas outputs", () => {
  test("shares follow the formulas and nothing is lost or made", () => {
    fc.assert(
      fc.property(fees, (f) => {
        const applied = apply(f);
        expect(applied).toMatchObject(expected(applied.gasUsed, f));
        expect(balance(BURNT)).toBe(applied.baseFeeBurn + applied.overestimationBurn);
        expect(balance(REWARD)).toBe(RICH + applied.minerTip);
        const moved = applied.exitCode === 0 ? 1n : 0n;
        expect(balance(idOf(0))).toBe(RICH - f.limit * f.feeCap + applied.refund - moved);
      }),
      { numRuns: 300 },
    );
  });

  test("a limit below the message's own cost is refused with a penalty of that cost", () => {
    const applied = apply({ baseFee: 100n, feeCap: 200n, premium: 1n, limit: 50_000n });
    const bytes = message({ gasFeeCap: 200n, gasPremium: 1n, gasLimit: 50_000n, value: 1n });
    const cost = 38_863n + 1000n * (36n + BigInt(bytes.length));
    expect(applied).toMatchObject({ exitCode: 7, gasUsed: 0n, minerPenalty: 100n * cost, minerTip: 0n });
    expect(vm.actor(idOf(0))).toMatchObject({ nonce: 0n, balance: RICH });
  });

  test("the second price list holds from network version 7", () => {
    const f = { baseFee: 0n, feeCap: 0n, premium: 0n, limit: 10n ** 9n };
    const early = apply(f, 6).gasUsed;
    const bytes = message({ gasFeeCap: 0n, gasPremium: 0n, gasLimit: 10n ** 9n, value: 1n });
    expect(apply(f, 7).gasUsed - early).toBe(300n * (36n + BigInt(bytes.length)));
  });
});

describe("checks before execution", () => {
  const f = { baseFee: 100n, feeCap: 200n, premium: 1n, limit: 10n ** 9n };
  const penalty = f.baseFee * f.limit;
  const fail = (fields: Parameters<typeof message>[0]): ApplyRet => {
    vm.open(contextOf(state.root, 5));
    const bytes = message({ gasFeeCap: 200n, gasPremium: 1n, gasLimit: f.limit, ...fields });
    return vm.apply(bytes, bytes.length);
  };

  test("a sender that does not exist is exit 1, by id and by key", () => {
    expect(fail({ from: Address.id(4242) })).toMatchObject({ exitCode: 1, minerPenalty: penalty, gasUsed: 0n });
    expect(fail({ from: key(77) })).toMatchObject({ exitCode: 1, minerPenalty: penalty, gasUsed: 0n });
  });

  test("a sender that is no account is exit 1", () => {
    expect(fail({ from: Address.id(1) })).toMatchObject({ exitCode: 1, minerPenalty: penalty });
  });

  test("a nonce too low or too high is exit 2", () => {
    expect(fail({ nonce: 1n })).toMatchObject({ exitCode: 2, minerPenalty: penalty });
  });

  test("a balance below limit times fee cap is exit 2", () => {
    expect(fail({ gasFeeCap: RICH })).toMatchObject({ exitCode: 2, minerPenalty: penalty });
  });

  test("funds for the gas but not for the value: exit 6, and the gas is paid", () => {
    const applied = fail({ value: RICH });
    expect(applied).toMatchObject({ exitCode: 6, minerPenalty: 0n });
    expect(vm.actor(idOf(0))?.nonce).toBe(1n);
    expect(balance(idOf(0))).toBe(RICH - f.limit * f.feeCap + applied.refund);
  });

  test("a transfer to oneself ends before its amount is looked at", () => {
    expect(fail({ to: key(0), value: -5n }).exitCode).toBe(0);
    expect(fail({ to: idOf(0), value: RICH * 2n }).exitCode).toBe(0);
    expect(fail({ value: -5n }).exitCode).toBe(8);
  });
});
