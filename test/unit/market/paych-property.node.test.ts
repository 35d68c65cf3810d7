/**
 * Payment channels against the actor in the machine: a payer that keeps to the manager's rules, and a payee that redeems
 * what it got in any order, again, and after losing some. Whatever happens, nobody gets more than was signed, no voucher is
 * redeemed twice, and all funds are accounted for.
 */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { Vm } from "../../../src/core/vm.ts";
import { addressOf } from "../../../src/keys/keys.ts";
import type { ChannelView } from "../../../src/market/paych/chain-access.ts";
import { EMPTY_LEDGER, type Lane, redeemAll } from "../../../src/market/paych/lanes.ts";
import { PaychManager } from "../../../src/market/paych/manager.ts";
import { Vouchers } from "../../../src/market/paych/vouchers.ts";
import { encodeMethodParams } from "../../../src/state/state-view.ts";
import { amtEntries } from "../../../src/storage/amt.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { bytesToBig } from "../../../src/types/amount.ts";
import { type CID, cidOfText } from "../../../src/types/cid.ts";
import type { Message } from "../../../src/types/message.ts";
import { type SignedVoucher, voucherToJson } from "../../../src/types/voucher.ts";
import { FakeChain, keyOfNumber } from "../../support/paych-chain.ts";
import { contextOf, hostOf, key, makeState, message } from "../../support/plain-state.ts";

const FUNDS = 1000n;
const CHANNEL = Address.id(103);
const CODE = cidOfText("fil/2/paymentchannel");
const NETWORK_VERSION = 5;
const START = 1000;
const PAYER = keyOfNumber(7);

let crypto: Crypto;
let payer: Address;
let vm: Vm;
const state = makeState(NETWORK_VERSION, 2);
const payee = key(0);

/** The chain as the machine has it. */
class MachineChain extends FakeChain {
  private readonly nonces = new Map<string, bigint>();
  override epoch = START;

  reset(): void {
    vm.open(contextOf(state.root, NETWORK_VERSION));
    expect(this.apply({ to: payer, value: 10n ** 24n })).toBe(0);
    const params = dagCbor.encode([CODE, dagCbor.encode([payer.bytes, payee.bytes])]);
    expect(this.apply({ to: Address.id(1), method: 2n, params, value: FUNDS })).toBe(0);
    vm.flush();
  }

  apply(fields: Partial<Message>): number {
    const from = fields.from ?? payee;
    const nonce = this.nonces.get(`${from}`) ?? 0n;
    this.nonces.set(`${from}`, nonce + 1n);
    const bytes = message({ ...fields, from, nonce });
    return vm.apply(bytes, bytes.length).exitCode;
  }

  redeem(voucher: SignedVoucher): number {
    const json = { Sv: voucherToJson(voucher, "f", "SecretPreimage"), Secret: null };
    const exit = this.apply({ to: CHANNEL, method: 2n, params: encodeMethodParams(CODE, 2n, json, "f") });
    vm.flush();
    return exit;
  }

  override async channel(): Promise<ChannelView> {
    const actor = vm.actor(CHANNEL) as NonNullable<ReturnType<Vm["actor"]>>;
    const [, , owed, settlingAt, , root] = dagCbor.decode(vm.block(actor.head.bytes) as Uint8Array) as unknown[];
    const source = { peek: () => undefined, get: async (cid: Uint8Array) => vm.block(cid) };
    const lanes = new Map<bigint, Lane>();
    for await (const [id, lane] of amtEntries(source, root as CID)) {
      const [redeemed, nonce] = lane as [Uint8Array, number];
      lanes.set(id, { redeemed: bytesToBig(redeemed), nonce: BigInt(nonce) });
    }
    const ledger = { owed: bytesToBig(owed as Uint8Array), lanes };
    return {
      ...{ id: CHANNEL, balance: actor.balance, from: payer, to: payee, ledger },
      ...{ settlingAt: settlingAt as number, namedById: false },
    };
  }

  override async idOf(address: Address): Promise<Address | null> {
    return address.equals(CHANNEL) ? CHANNEL : null;
  }
}

beforeAll(async () => {
  crypto = await loadCrypto();
  payer = addressOf(crypto, PAYER);
  vm = await Vm.create(hostOf(state.store));
});

const lane = fc.nat(3);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("pay" as const), lane, more: fc.integer({ min: 0, max: 90 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("merge" as const),
      lane: fc.nat(5),
      more: fc.integer({ min: 0, max: 90 }),
      merges: fc.uniqueArray(lane, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("combine" as const), less: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("redeem" as const), which: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lose" as const), which: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);

/** Three lanes on the chain, so that they can be taken over: or nothing. */
const beginning = fc.constantFrom(
  [],
  [
    ...[0, 1, 2].map((id) => ({ kind: "pay" as const, lane: id, more: 5 })),
    ...[0, 1, 2].map((which) => ({ kind: "redeem" as const, which })),
  ],
);

test("for any vouchers, merges, agreements on less, losses, restarts and orders of redeeming", async () => {
  let combined = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(beginning, fc.array(step, { minLength: 3, maxLength: 24 })).map(([first, more]) => [...first, ...more]),
      fc.infiniteStream(fc.nat()),
      async (steps, ranks) => {
        const chain = new MachineChain(crypto);
        chain.keys.set(`${payer}`, PAYER);
        chain.reset();
        const before = (vm.actor(payee) as { balance: bigint }).balance;
        const blocks = new MemoryStore();
        let vouchers: Vouchers;
        const start = async (): Promise<void> => {
          const channels = new PaychManager({ blocks, chain, randomBytes: (n) => new Uint8Array(n).fill(1) });
          await channels.start();
          vouchers = new Vouchers(channels);
        };
        await start();
        const signed: SignedVoucher[] = [];
        const got: SignedVoucher[] = [];
        const redeemed = new Map<SignedVoucher, number>();
        const totals = new Map<bigint, bigint>();
        const spend = (voucher: SignedVoucher): void => {
          if (chain.redeem(voucher) === 0) redeemed.set(voucher, (redeemed.get(voucher) ?? 0) + 1);
        };
        for (const one of steps) {
          if (one.kind === "restart") await start();
          else if (one.kind === "lose") got.splice(one.which, 1);
          else if (one.kind === "redeem") {
            const voucher = got[one.which % Math.max(got.length, 1)];
            if (voucher !== undefined) spend(voucher);
          } else if (one.kind === "combine") {
            const onChain = (await chain.channel()).ledger.lanes;
            const merged = new Set(signed.flatMap(({ merges }) => merges.map(({ lane: id }) => id)));
            const last = new Map(
              signed.flatMap((each) =>
                onChain.has(each.lane) && !merged.has(each.lane) ? [[each.lane, each] as const] : [],
              ),
            );
            const claims = [...last.values()];
            const value = claims.reduce((sum, { amount }) => sum + amount, 0n) - BigInt(one.less);
            const made = await vouchers!.combine(CHANNEL, claims, value, 0n).catch(() => null);
            if (made === null || signed.includes(made)) continue;
            combined++;
            totals.set(made.lane, made.amount);
            signed.push(made);
            got.push(made);
          } else {
            const merges = one.kind === "merge" ? one.merges.map(BigInt) : [];
            const id = BigInt(one.lane);
            const below = [id, ...merges].reduce((sum, each) => sum + (totals.get(each) ?? 0n), 0n);
            const amount = below + BigInt(one.more);
            const made = await vouchers!.create(CHANNEL, { lane: id, amount, merges }).catch(() => null);
            if (made === null || made.voucher === null) continue;
            totals.set(id, amount);
            signed.push(made.voucher);
            got.push(made.voucher);
          }
        }
        // First some order, which leaves those for last that it makes void; then everything once more.
        const ranked = got.map((voucher) => ({ voucher, rank: ranks.next().value as number }));
        for (const { voucher } of ranked.sort((a, b) => a.rank - b.rank)) spend(voucher);
        for (const voucher of signed) spend(voucher);
        for (const times of redeemed.values()) expect(times).toBe(1);
        const promised = redeemAll(EMPTY_LEDGER, signed).owed;
        const { ledger, balance } = await chain.channel();
        expect(balance).toBe(FUNDS);
        expect(ledger.owed).toBeLessThanOrEqual(promised);
        expect(promised).toBeLessThanOrEqual(FUNDS);
        expect(chain.apply({ from: payer, to: CHANNEL, method: 3n })).toBe(0);
        vm.advance(START + 1440, NETWORK_VERSION, 100n);
        const payerBefore = (vm.actor(payer) as { balance: bigint }).balance;
        // The payee collects: fees are not what is looked at, so the payer's side is.
        expect(chain.apply({ to: CHANNEL, method: 4n })).toBe(0);
        expect((vm.actor(payer) as { balance: bigint }).balance - payerBefore).toBe(FUNDS - ledger.owed);
        expect(vm.actor(CHANNEL)).toBeNull();
        expect((vm.actor(payee) as { balance: bigint }).balance).toBeLessThanOrEqual(before + promised);
      },
    ),
    { seed: 12, numRuns: 80 },
  );
  expect(combined).toBeGreaterThan(5);
});

test("an honest payee that loses nothing gets all that was promised", async () => {
  let redeemed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20 }), async (steps) => {
      const chain = new MachineChain(crypto);
      chain.keys.set(`${payer}`, PAYER);
      chain.reset();
      const channels = new PaychManager({
        ...{ blocks: new MemoryStore(), chain, randomBytes: (n: number) => new Uint8Array(n).fill(1) },
      });
      await channels.start();
      const vouchers = new Vouchers(channels);
      let promised = 0n;
      for (const one of steps) {
        if (one.kind !== "pay" && one.kind !== "merge") continue;
        const merges = one.kind === "merge" ? one.merges.map(BigInt) : [];
        const made = await vouchers
          .create(CHANNEL, { lane: BigInt(one.lane), amount: BigInt(one.more * 2), merges })
          .catch(() => null);
        if (made !== null && made.voucher !== null) promised = (await channels.availableFunds(CHANNEL)).redeemed;
      }
      const made = await vouchers.list(CHANNEL);
      redeemed += made.length;
      for (const { voucher } of made) expect(chain.redeem(voucher)).toBe(0);
      expect((await chain.channel()).ledger.owed).toBe(promised);
    }),
    { seed: 4, numRuns: 30 },
  );
  expect(redeemed).toBeGreaterThan(30);
});
