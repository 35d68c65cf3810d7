import { expect, test } from "vitest";
import { blockProbabilities, MAX_BLOCKS } from "../../../src/mpool/block-probability.ts";
import { type Candidate, messageChains } from "../../../src/mpool/message-chain.ts";
import { selectMessages } from "../../../src/mpool/selection.ts";
import { CHAIN_LIMITS } from "../../../src/params/networks.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import type { Message, SignedMessage } from "../../../src/types/message.ts";

const address = (i: number): Address => Address.secp256k1(new Uint8Array(65).fill(i + 1));
const minGas = (): bigint => 0n;

function signed(from: number, nonce: number, change: Partial<Message> = {}, type = 1): SignedMessage {
  const message = {
    to: address(99),
    from: address(from),
    nonce: BigInt(nonce),
    value: 0n,
    gasLimit: 2_000_000n,
    gasFeeCap: 10_000n,
    gasPremium: 100n,
    method: 0n,
    params: new Uint8Array(0),
    ...change,
  };
  return { message, signature: { type, data: new Uint8Array(65) } };
}

/** A sender with messages of these premiums, from nonce 0. */
function candidate(from: number, premiums: readonly number[], change: Partial<Message> = {}): Candidate {
  const messages = premiums.map((premium, i) => signed(from, i, { gasPremium: BigInt(premium), ...change }));
  return { sender: `${address(from)}`, nonce: 0n, balance: FIL, messages };
}

const select = (candidates: readonly Candidate[], ticketQuality = 1, baseFee = 100n, priority?: readonly Candidate[]) =>
  selectMessages({ candidates, ticketQuality, baseFee, minGas, ...(priority === undefined ? {} : { priority }) });
const names = (chosen: readonly SignedMessage[]): string[] =>
  chosen.map(({ message }) => `${message.from}/${message.nonce}`.slice(-6));
const gasOf = (chosen: readonly SignedMessage[]): bigint =>
  chosen.reduce((sum, { message }) => sum + message.gasLimit, 0n);

/** What a block must keep: nonces of a sender in order and without a gap, and the limits. */
function checkBlock(chosen: readonly SignedMessage[], candidates: readonly Candidate[]): void {
  const next = new Map(candidates.map(({ sender, nonce }) => [sender, nonce]));
  for (const { message } of chosen) {
    const sender = `${message.from}`;
    expect(message.nonce).toBe(next.get(sender));
    next.set(sender, message.nonce + 1n);
  }
  expect(gasOf(chosen)).toBeLessThanOrEqual(CHAIN_LIMITS.blockGasLimit);
  expect(chosen.length).toBeLessThanOrEqual(CHAIN_LIMITS.blockMessageLimit);
  for (const type of [1, 2])
    expect(chosen.filter(({ signature }) => signature.type === type).length).toBeLessThan(8193);
}

test("chains: a cheap message rides with a dear one behind it, and not with a cheaper one", () => {
  const premiums = (chain: { messages: readonly SignedMessage[] }) =>
    chain.messages.map(({ message }) => Number(message.gasPremium));
  const cut = (list: readonly number[]) => messageChains(candidate(0, list), 0n, minGas).map(premiums);
  expect(cut([10, 20, 30])).toEqual([[10, 20, 30]]);
  expect(cut([30, 20, 10])).toEqual([[30], [20], [10]]);
  expect(cut([20, 10, 90])).toEqual([[20, 10, 90]]);
  expect(cut([90, 10, 20, 5])).toEqual([[90], [10, 20], [5]]);
});

test("chains: end at a gap, at the balance, and at the gas of a block", () => {
  const count = (one: Candidate): number =>
    messageChains(one, 0n, minGas).reduce((sum, { messages }) => sum + messages.length, 0);
  const five = candidate(0, [1, 1, 1, 1, 1]);
  expect(count(five)).toBe(5);
  expect(count({ ...five, messages: five.messages.filter((_, i) => i !== 2) })).toBe(2);
  expect(count({ ...five, nonce: 2n })).toBe(3);
  expect(count({ ...five, nonce: 6n })).toBe(0);
  expect(count({ ...five, balance: 2_000_000n * 10_000n * 3n })).toBe(3);
  const spending = candidate(0, [1, 1], { value: FIL });
  expect(count(spending)).toBe(1);
  expect(count(candidate(0, [1, 1, 1], { gasLimit: 4_000_000_000n, gasFeeCap: 1n }))).toBe(2);
  expect(messageChains(five, 0n, () => 2_000_001n)).toEqual([]);
});

test("selection: the dearest first, each sender by nonce, penalties never", () => {
  const a = candidate(0, [500, 100]);
  const b = candidate(1, [300]);
  const poor = candidate(2, [50], { gasFeeCap: 99n });
  expect(names(select([b, poor, a]))).toEqual(names([a.messages[0], b.messages[0], a.messages[1]] as SignedMessage[]));
  // A message that cannot pay the base fee is carried by the one behind it, if that earns more than the penalty.
  const carried = { ...candidate(3, []), messages: [signed(3, 0, { gasFeeCap: 99n, gasPremium: 9n }), signed(3, 1)] };
  expect(names(select([carried]))).toEqual(names(carried.messages));
});

test("selection: a chain too long for the block is cut", () => {
  const long = candidate(0, new Array(7000).fill(10), { gasFeeCap: 1000n });
  const dear = candidate(1, [90]);
  const chosen = select([long, dear]);
  checkBlock(chosen, [long, dear]);
  expect(gasOf(chosen)).toBe(CHAIN_LIMITS.blockGasLimit);
  expect(names(chosen)[0]).toBe(names(dear.messages as SignedMessage[])[0]);
});

test("selection: what comes first by order of the operator comes first", () => {
  const cheap = candidate(0, [1]);
  const dear = candidate(1, [1000]);
  expect(names(select([dear], 1, 100n, [cheap]))).toEqual(names([...cheap.messages, ...dear.messages]));
});

test("selection: a list of a block holds no more messages than other nodes read", () => {
  const many = Array.from({ length: 100 }, (_, i) => candidate(i, new Array(100).fill(10), { gasLimit: 500_000n }));
  const chosen = select(many);
  checkBlock(chosen, many);
  expect(chosen.length).toBe(8192);
});

test.each([1, 0.8, 0.4, 0.1, 0.01, 0])(
  "selection: any pool, ticket quality %f: a valid block, always the same",
  (quality) => {
    let state = Math.round(quality * 100) + 7;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const candidates = Array.from({ length: 120 }, (_, i) => {
      const size = 1 + next(12);
      const list = Array.from({ length: size }, () => next(2000));
      const one = candidate(i, list);
      const messages = one.messages.map(({ message }, at) =>
        signed(
          i,
          at,
          { ...message, gasLimit: BigInt(1_000_000 + next(300_000_000)), gasFeeCap: BigInt(50 + next(4000)) },
          1 + (i % 2),
        ),
      );
      return { ...one, messages };
    });
    const chosen = select(candidates, quality);
    checkBlock(chosen, candidates);
    expect(gasOf(chosen)).toBeGreaterThan((CHAIN_LIMITS.blockGasLimit * 9n) / 10n);
    expect(names(select(candidates, quality))).toEqual(names(chosen));
  },
);

test("selection: with a bad ticket the best chains are left to the blocks before", () => {
  // Each sender fills a block: with the worst ticket the first blocks are others'.
  const candidates = Array.from({ length: 10 }, (_, i) =>
    candidate(i, [2000 - 100 * i], { gasLimit: CHAIN_LIMITS.blockGasLimit }),
  ).map((one) => ({ ...one, balance: 10n ** 9n * FIL }));
  const senderOf = (quality: number) => `${select(candidates, quality)[0]?.message.from}`;
  expect(senderOf(1)).toBe(`${address(0)}`);
  expect(senderOf(0.1)).not.toBe(`${address(0)}`);
});

test("probabilities of places: a good ticket is first, and they add up to one", () => {
  const best = blockProbabilities(1);
  expect(best[0]).toBeCloseTo(1, 3);
  expect(best.slice(1).every((one) => one === 0)).toBe(true);
  for (const quality of [0, 0.3, 0.7]) {
    const all = blockProbabilities(quality);
    expect(all.length).toBe(MAX_BLOCKS);
    expect(all.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 3);
  }
  const worst = blockProbabilities(0);
  expect(worst.indexOf(Math.max(...worst))).toBeGreaterThan(2);
});
