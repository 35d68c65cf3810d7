import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBase64 } from "../../../src/base/bytes.ts";
import { signMessage } from "../../../src/keys/keys.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { CHAIN_LIMITS } from "../../../src/params/networks.ts";
import { encodeMethodParams } from "../../../src/state/state-view.ts";
import { capFee, DEFAULT_MAX_FEE, feeCapAfter, likelyPremium } from "../../../src/stmgr/gas-fees.ts";
import { Address } from "../../../src/types/address.ts";
import { FIL } from "../../../src/types/amount.ts";
import { cidOfText } from "../../../src/types/cid.ts";
import { encodeMessage, type Message } from "../../../src/types/message.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

describe("prices", () => {
  test.each([
    // floor((9/8)^epochs * 256) / 256 of the base fee, plus the premium
    [100n, 0n, 0, 100n],
    [1_000_000n, 7n, 1, 1_125_007n],
    [1_000_000n, 0n, 20, 10_542_968n],
    [100_000_000n, 0n, 20, 1_054_296_875n],
    [100n, 5n, -1, 93n],
  ])("base fee %d and premium %d after %d epochs: fee cap %d", (baseFee, premium, epochs, cap) => {
    expect(feeCapAfter(baseFee, premium, epochs)).toBe(cap);
  });

  test("a fee cap is refused beyond what the reference can compute", () => {
    for (const epochs of [301, -301, 1.5, Number.NaN, 1e9])
      expect(() => feeCapAfter(100n, 0n, epochs)).toThrow(/maxqueueblks|epochs/);
  });

  const paid = (...all: readonly (readonly [bigint, bigint])[]) =>
    all.map(([premium, gasLimit]) => ({ premium, gasLimit }));

  const M = 1_000_000n;
  const BLOCK = CHAIN_LIMITS.blockGasTarget;
  const HALVES = paid([10n * M, BLOCK / 2n], [20n * M, BLOCK / 2n], [30n * M, BLOCK / 2n]);
  test.each([
    // Source: lotus node/impl/gasutils/gasutils_test.go (TestMedian), premiums a million times theirs.
    ["one of a block's usual gas", paid([5n * M, BLOCK]), 1, 10, 5n * M],
    ["two of it", paid([5n * M, BLOCK], [10n * M, BLOCK]), 1, 10, 10n * M],
    ["two of half of it", paid([10n * M, BLOCK / 2n], [20n * M, BLOCK / 2n]), 1, 10, 15n * M],
    ["three of half of it", HALVES, 1, 10, 25n * M],
    ["three of half of it in two blocks", HALVES, 2, 10, 15n * M],
    ["none, soon", [], 10, 1, 200_000n],
    ["none, within two blocks", [], 10, 2, 150_000n],
    ["none, within ten", [], 10, 10, 100_000n],
    ["cheap ones", paid([5n, 1_000_000n]), 1, 10, 100_000n],
  ])("a premium after %s", (_, messages, blocks, included, premium) => {
    expect(likelyPremium(messages, blocks, included)).toBe(premium);
  });

  const priced = { gasLimit: 1_000_000n, gasFeeCap: 10n ** 12n, gasPremium: 9n * 10n ** 11n } as Message;
  test.each([
    ["the default, when it says nothing", { maxFee: 0n, maximizeFeeCap: false }, DEFAULT_MAX_FEE / 1_000_000n],
    ["less", { maxFee: 10n ** 15n, maximizeFeeCap: false }, 10n ** 9n],
    ["more", { maxFee: 10n ** 19n, maximizeFeeCap: false }, 10n ** 12n],
    ["all that is allowed", { maxFee: 10n ** 19n, maximizeFeeCap: true }, 10n ** 13n],
  ])("a sender may spend %s", (_, spec, cap) => {
    const capped = capFee(priced, spec);
    expect(capped.gasFeeCap).toBe(cap);
    expect(capped.gasPremium).toBe(cap < priced.gasPremium ? cap : priced.gasPremium);
  });
});

describe("estimates", () => {
  let net: Devnet;
  beforeEach(async () => {
    net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
    await net.clock.mine(1);
  });
  afterEach(() => net.close());

  const NO_FEES = { gasLimit: 10_000_000n, gasFeeCap: 0n, gasPremium: 0n };
  const NO_LIMITS = { maxFee: 1000n * FIL, maximizeFeeCap: false };

  function send(fields: Partial<Message> = {}): Message {
    const [from, to] = net.accounts;
    if (from === undefined || to === undefined) throw new Error("no accounts");
    return {
      from: from.secp256k1,
      to: to.secp256k1,
      nonce: 0n,
      value: 5n,
      gasLimit: 0n,
      gasFeeCap: 0n,
      gasPremium: 0n,
      method: 0n,
      params: new Uint8Array(0),
      ...fields,
    };
  }

  async function push(fields: Partial<Message>): Promise<void> {
    const key = net.accounts[0]?.keys.secp256k1;
    if (key === undefined) throw new Error("no accounts");
    const priced = { gasLimit: 10_000_000n, gasFeeCap: 1_000_000_000n, gasPremium: 100_000n };
    await net.node.pool.push(signMessage(net.node.crypto, key, send({ ...priced, ...fields })));
  }

  /** Gas that a message really uses once it is mined. */
  async function used(fields: Partial<Message>): Promise<bigint> {
    await push(fields);
    const receipts = await net.node.chain.receipts(await net.clock.mine(1));
    return receipts.at(-1)?.gasUsed ?? -1n;
  }

  test("of a gas limit are what the message uses; only a completed message has a quarter more room", async () => {
    const { gas } = net.node;
    const limit = await gas.gasLimit(send(), net.head);
    const complete = await gas.complete(send(), NO_LIMITS, net.head);
    expect(complete.gasLimit).toBe((limit * 5n) / 4n);
    expect([complete.gasPremium, complete.gasFeeCap > complete.gasPremium]).toEqual([100_000n, true]);
    // Fees that are not 0 take more bytes on chain, a thousand gas each; the largest gas limit takes more than this one.
    const priced = { gasLimit: 10_000_000n, gasFeeCap: 1_000_000_000n, gasPremium: 100_000n };
    const tried = { gasLimit: CHAIN_LIMITS.blockGasLimit, gasFeeCap: 0n, gasPremium: 0n };
    const more = encodeMessage(send(priced)).length - encodeMessage(send(tried)).length;
    expect(await used(priced)).toBe(limit + 1000n * BigInt(more));
    const whole = await gas.complete(send({ gasLimit: 3n, gasPremium: 4n, gasFeeCap: 5n }), NO_LIMITS, net.head);
    expect([whole.gasLimit, whole.gasPremium, whole.gasFeeCap]).toEqual([3n, 4n, 5n]);
  });

  test("and calls, replays and traces end with the signal of whoever asks", async () => {
    await push({});
    const tipset = await net.clock.mine(1);
    const [sent] = await net.node.chain.tipsetMessages(tipset);
    const { gas, states } = net.node;
    const reason = new Error("the caller went away");
    const gone = AbortSignal.abort(reason);
    const runs = (signal?: AbortSignal): readonly (() => Promise<unknown>)[] => [
      () => gas.complete(send({ nonce: 1n }), NO_LIMITS, tipset, signal),
      () => gas.gasLimit(send({ nonce: 1n }), tipset, signal),
      () => states.call(send({ nonce: 1n }), tipset, signal),
      () => states.replay(tipset, sent?.cid as never, signal),
      () => states.compute(tipset, tipset.height, [], signal),
      () => states.compute(tipset, tipset.height + 1, [send({ ...NO_FEES, nonce: 1n })], signal),
    ];
    for (const run of runs(gone)) await expect(run()).rejects.toBe(reason);
    for (const run of runs()) await expect(run()).resolves.toBeDefined();
  });

  test("come after the messages of the sender that wait, whatever address it is spelt by, but the one replaced", async () => {
    const { gas, states } = net.node;
    const balance = (await (await states.stateAfter(net.head)).requireActor(send().from)).balance;
    await push({ nonce: 0n, value: balance - FIL });
    const rest = { value: FIL / 2n };
    const tooMuch = { value: 2n * FIL };
    const id = net.accounts[0]?.id ?? Address.id(0);
    expect(await gas.gasLimit(send({ ...rest, nonce: 1n }), net.head)).toBeGreaterThan(0n);
    for (const from of [send().from, id]) {
      await expect(gas.gasLimit(send({ ...tooMuch, nonce: 1n, from }), net.head)).rejects.toMatchObject({
        code: "EXECUTION_FAILED",
        data: { exitCode: 6 },
      });
      expect(await gas.gasLimit(send({ ...tooMuch, nonce: 0n, from }), net.head)).toBeGreaterThan(0n);
    }
  });

  test("are refused with the exit code of a message that fails", async () => {
    const params = encodeMethodParams(
      cidOfText("fil/2/init"),
      2n,
      { CodeCID: { "/": `${cidOfText("fil/2/system")}` }, ConstructorParams: null },
      "t",
    );
    const failing = send({ to: Address.id(1), method: 2n, params, value: 0n });
    await expect(net.node.gas.gasLimit(failing, net.head)).rejects.toMatchObject({ data: { exitCode: 18 } });
  });

  test("never ask for more than a block holds", async () => {
    const { gas, states } = net.node;
    const callWithGas = states.callWithGas.bind(states);
    // No message uses four fifths of a block's gas within a test's time: the receipt says so instead.
    states.callWithGas = async (...given) => {
      const outcome = await callWithGas(...given);
      return { ...outcome, receipt: { ...outcome.receipt, gasUsed: (CHAIN_LIMITS.blockGasLimit * 9n) / 10n } };
    };
    expect((await gas.complete(send(), NO_LIMITS, net.head)).gasLimit).toBe(CHAIN_LIMITS.blockGasLimit);
  });

  test("add the gas that deleting gives back for a channel's collect only, not for any method 4", async () => {
    const { gas, states } = net.node;
    const [from, to] = [send().from, send().to];
    const inner = encodeMethodParams(
      cidOfText("fil/2/paymentchannel"),
      1n,
      { From: from.toString("t"), To: to.toString("t") },
      "t",
    );
    const params = encodeMethodParams(
      cidOfText("fil/2/init"),
      2n,
      {
        CodeCID: { "/": `${cidOfText("fil/2/paymentchannel")}` },
        ConstructorParams: toBase64(inner),
      },
      "t",
    );
    await used({ nonce: 0n, to: Address.id(1), method: 2n, params, gasLimit: 100_000_000n });
    await net.clock.mine(1);
    const channel = Address.id(100 + 2 * net.accounts.length + 2);
    await used({ nonce: 1n, to: channel, method: 3n, value: 0n, gasLimit: 100_000_000n });
    await net.clock.skip(2000);
    const collect = send({ nonce: 2n, to: channel, method: 4n, value: 0n });
    const tried = await states.callWithGas({ ...collect, gasLimit: CHAIN_LIMITS.blockGasLimit }, net.head, []);
    expect(tried.receipt.exitCode).toBe(0);
    expect(await gas.gasLimit(collect, net.head)).toBe(tried.receipt.gasUsed + 76_000n);
    // The fourth method of a miner sets its peer.
    const other = send({ nonce: 2n, to: net.miner, method: 4n, value: 0n, params: Uint8Array.of(0x81, 0x41, 7) });
    const plain = await states.callWithGas({ ...other, gasLimit: CHAIN_LIMITS.blockGasLimit }, net.head, []);
    expect(plain.receipt.exitCode).toBe(0);
    expect(await gas.gasLimit(other, net.head)).toBe(plain.receipt.gasUsed);
  });

  test("of premiums look at as many tipsets as they are asked to", async () => {
    const { gas } = net.node;
    await used({ nonce: 0n, gasPremium: 900_000_000n, gasLimit: 6_000_000_000n });
    const dear = net.head;
    await net.clock.mine(1);
    expect(await gas.premium(1, dear)).toBe(200_000n);
    expect(await gas.premium(1, net.head)).toBe(900_000_000n);
    await net.clock.mine(4);
    expect(await gas.premium(1, net.head)).toBe(200_000n);
    // Of ten tipsets the dear message fills less than half.
    expect(await gas.premium(10, net.head)).toBeGreaterThanOrEqual(100_000n);
    expect(await gas.premium(0, net.head)).toBe(200_000n);
    expect(await gas.premium(1e9, net.head)).toBeGreaterThanOrEqual(100_000n);
  });
});
