/** The base fee from premiums (network version 28). Expectations: lotus chain/store/basefee_test.go at b835fab702eb. */
import { describe, expect, test } from "vitest";
import { nextBaseFee, nextBaseFeeFromPremiums, type PaidMessage } from "../../../src/chain/base-fee.ts";
import { Address } from "../../../src/types/address.ts";

/** Messages of as many senders, with fee caps that leave the premiums whole. */
function paying(pairs: readonly (readonly [premium: number, gasLimit: number])[]): PaidMessage[] {
  return pairs.map(([premium, gasLimit], i) => ({
    from: Address.id(100 + i),
    nonce: 0n,
    gasLimit: BigInt(gasLimit),
    gasFeeCap: 10n ** 12n,
    gasPremium: BigInt(premium),
  }));
}

const FULL = 10_000_000_000;

describe("a full tipset's premium moves the fee by at most an eighth", () => {
  test.each([
    [100, 0, 100],
    [100, 13, 100],
    [100, 14, 101],
    [100, 26, 113],
    [801, 0, 700],
    [801, 100, 800],
    [801, 201, 901],
    [808, 0, 707],
    [808, 202, 909],
    [808, 203, 909],
  ])("fee %i, premium %i: %i", (fee, premium, next) => {
    expect(nextBaseFeeFromPremiums(BigInt(fee), paying([[premium, FULL]]))).toBe(BigInt(next));
  });
});

describe("the premium is that of the message at four fifths of a block's gas", () => {
  const fee = 100_000n;
  const eighth = 12_500n;
  test.each([
    [[], 0],
    [
      [
        [123, 5_999_999_999],
        [100, 2_000_000_000],
      ],
      0,
    ],
    [
      [
        [123, 5_999_999_999],
        [100, 2_000_000_001],
      ],
      100,
    ],
    [
      [
        [123, 7_999_999_999],
        [100, 2_000_000_001],
      ],
      100,
    ],
    [
      [
        [123, 8_000_000_000],
        [100, 2_000_000_000],
      ],
      123,
    ],
    [
      [
        [100, 9_000_000_000],
        [123, 8_000_000_000],
      ],
      123,
    ],
  ] as const)("%j: %i", (messages, premium) => {
    expect(nextBaseFeeFromPremiums(fee, paying(messages))).toBe(fee + BigInt(premium) - eighth);
  });

  test("a sender's nonce counts once, and no premium is more than the fee cap leaves", () => {
    const [one] = paying([[20_000, FULL]]) as [PaidMessage];
    expect(nextBaseFeeFromPremiums(fee, [{ ...one, gasLimit: 1n }, one])).toBe(fee - eighth);
    expect(nextBaseFeeFromPremiums(fee, [{ ...one, gasFeeCap: fee + 7n }])).toBe(fee + 7n - eighth);
    expect(nextBaseFeeFromPremiums(fee, [{ ...one, gasFeeCap: fee - 7n }])).toBe(fee - eighth);
  });
});

test("blocks were packed up to network version 1", () => {
  const gas = 5_000_000_000n;
  expect(nextBaseFee(1_000_000n, gas, 1, 2)).toBe(1_000_000n);
  expect(nextBaseFee(1_000_000n, gas, 1, 1)).toBe(1_031_250n);
});
