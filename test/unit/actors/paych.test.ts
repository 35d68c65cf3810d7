/** Payment channels at their borders: who may redeem which voucher, when, how often, and how much. */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toBase64 } from "../../../src/base/bytes.ts";
import { type Crypto, loadCrypto } from "../../../src/core/crypto.ts";
import { Vm } from "../../../src/core/vm.ts";
import { addressOf, type KeyInfo, signBytes } from "../../../src/keys/keys.ts";
import { paych } from "../../../src/schema/actors/paych.ts";
import { encodeMethodParams } from "../../../src/state/state-view.ts";
import { Address } from "../../../src/types/address.ts";
import { bytesToBig } from "../../../src/types/amount.ts";
import { cidOfText } from "../../../src/types/cid.ts";
import type { Message } from "../../../src/types/message.ts";
import { type Json, jsonToCbor } from "../../../src/types/schema-codec.ts";
import { contextOf, hostOf, key, makeState, message } from "../../support/plain-state.ts";

const FUNDS = 1_000_000n;
/** Id of the channel: behind the accounts of the state and the payee. */
const CHANNEL = Address.id(103);
const START = 1000;
const SETTLE_DELAY = 1440;
const PAYEE: KeyInfo = { type: "secp256k1", secret: new Uint8Array(32).fill(7) };

let crypto: Crypto;
let payee: Address;
beforeAll(async () => {
  crypto = await loadCrypto();
  payee = addressOf(crypto, PAYEE);
});

type Voucher = { readonly [field: string]: Json };

describe.each([
  [0, 0],
  [5, 2],
] as const)("network version %i", (networkVersion, actorsVersion) => {
  const code = cidOfText(`fil/${actorsVersion === 0 ? 1 : 2}/paymentchannel`);
  const state = makeState(networkVersion, 2);
  const nonces = new Map<string, bigint>();
  let vm: Vm;

  const apply = (fields: Partial<Message>): number => {
    const from = fields.from ?? key(0);
    const nonce = nonces.get(`${from}`) ?? 0n;
    nonces.set(`${from}`, nonce + 1n);
    const bytes = message({ ...fields, nonce });
    return vm.apply(bytes, bytes.length).exitCode;
  };
  const call = (method: bigint, json: Json = null, from = key(0)): number =>
    apply({ from, to: CHANNEL, method, params: encodeMethodParams(code, method, json, "f") });
  const at = (epoch: number): void => vm.advance(epoch, networkVersion, 100n);

  /** A voucher of the payee, redeemed by the payer, but for what is said otherwise; the exit code. */
  const redeem = (change: Voucher = {}, more: { secret?: Uint8Array; by?: Address } = {}): number => {
    const context = { module: paych.module, actorsVersion, prefix: "f" } as const;
    const plain = { ChannelAddr: `${CHANNEL}`, TimeLockMin: 0, TimeLockMax: 0, SecretPreimage: null, Extra: null };
    const lane = { Lane: 0, Nonce: 1, Amount: "1", MinSettleHeight: 0, Merges: null, Signature: null };
    const voucher = { ...plain, ...lane, ...change };
    const signature = signBytes(crypto, PAYEE, jsonToCbor({ kind: "ref", name: "SignedVoucher" }, voucher, context));
    const signed = { ...voucher, Signature: { Type: signature.type, Data: toBase64(signature.data) } };
    const secret = more.secret === undefined ? null : toBase64(more.secret);
    return call(2n, { Sv: signed, Secret: secret, ...(actorsVersion === 0 ? { Proof: null } : {}) }, more.by);
  };
  const channel = (): { toSend: bigint; settlingAt: number } => {
    vm.flush();
    const block = vm.block(vm.actor(CHANNEL)?.head.bytes as Uint8Array) as Uint8Array;
    const [, , toSend, settlingAt] = dagCbor.decode(block) as [unknown, unknown, Uint8Array, number];
    return { toSend: bytesToBig(toSend), settlingAt };
  };

  beforeEach(async () => {
    nonces.clear();
    vm ??= await Vm.create(hostOf(state.store));
    vm.open(contextOf(state.root, networkVersion));
    expect(apply({ to: payee, value: 10n ** 24n })).toBe(0);
    const parties = dagCbor.encode([key(0).bytes, payee.bytes]);
    const params = dagCbor.encode([code, parties]);
    expect(apply({ to: Address.id(1), method: 2n, params, value: FUNDS })).toBe(0);
  });

  test("a voucher counts for the other party only", () => {
    expect(redeem()).toBe(0);
    expect(redeem({ Nonce: 2 }, { by: payee })).toBe(16);
    expect(redeem({ Nonce: 2 }, { by: key(1) })).toBe(8);
    expect(redeem({ Nonce: 2, ChannelAddr: "f099" })).toBe(16);
  });

  test("its first and last epochs are inside", () => {
    const locks = { TimeLockMin: START + 10, TimeLockMax: START + 20 };
    const seen = [9, 10, 20, 21].map((later, i) => {
      at(START + later);
      return redeem({ ...locks, Nonce: i + 1 });
    });
    expect(seen).toEqual([16, 0, 0, 16]);
    expect(redeem({ Nonce: 9, TimeLockMin: 0, TimeLockMax: 0 })).toBe(0);
  });

  test("a secret must be shown that has its digest", () => {
    const secret = new Uint8Array(256).fill(3);
    const lock = { SecretPreimage: toBase64(crypto.blake2b256(secret)) };
    expect(redeem(lock)).toBe(16);
    expect(redeem(lock, { secret: secret.subarray(1) })).toBe(16);
    expect(redeem(lock, { secret })).toBe(0);
    const long = new Uint8Array(257).fill(4);
    const longLock = { Nonce: 2, SecretPreimage: toBase64(crypto.blake2b256(long)) };
    expect(redeem(longLock, { secret: long })).toBe(actorsVersion === 0 ? 0 : 16);
  });

  test("a lane's nonce must grow", () => {
    expect([5, 5, 4, 6].map((Nonce) => redeem({ Nonce }))).toEqual([0, 16, 16, 0]);
    expect(redeem({ Lane: 1, Nonce: 1 })).toBe(0);
  });

  test("a merge takes what its lanes redeemed into account, once", () => {
    expect(redeem({ Lane: 1, Amount: "20" })).toBe(0);
    expect(redeem({ Lane: 2, Amount: "30" })).toBe(0);
    const merge = { Lane: 1, Nonce: 2, Amount: "60", Merges: [{ Lane: 2, Nonce: 2 }] };
    expect(redeem(merge)).toBe(0);
    expect(channel().toSend).toBe(60n);
    expect(redeem(merge)).toBe(16);
    expect(redeem({ Lane: 2, Nonce: 2, Amount: "31" })).toBe(16);
    expect(redeem({ Lane: 1, Nonce: 3, Amount: "70", Merges: [{ Lane: 1, Nonce: 9 }] })).toBe(16);
    expect(redeem({ Lane: 1, Nonce: 3, Amount: "70", Merges: [{ Lane: 8, Nonce: 1 }] })).toBe(16);
    expect(channel().toSend).toBe(60n);
  });

  test("an extra call must succeed", () => {
    const extra = (actor: Address, method: number): Voucher => ({
      Extra: { Actor: `${actor}`, Method: method, Data: null },
    });
    // The sector of no miner is proven; an account has an address; nobody lives at f09999.
    expect(redeem(extra(Address.id(100), 13))).not.toBe(0);
    expect(redeem(extra(Address.id(9999), 0))).not.toBe(0);
    expect(redeem(extra(Address.id(100), 0))).toBe(0);
  });

  test("what is owed lies between nothing and the channel's balance, whatever the vouchers", () => {
    const move = fc.tuple(fc.nat(3), fc.nat(3), fc.bigInt({ min: 0n, max: FUNDS * 2n }));
    fc.assert(
      fc.property(fc.array(move, { maxLength: 12 }), (moves) => {
        for (const [Lane, Nonce, amount] of moves) {
          const before = channel().toSend;
          const exit = redeem({ Lane, Nonce, Amount: `${amount}` });
          const { toSend } = channel();
          if (exit !== 0) expect(toSend).toBe(before);
          expect(toSend).toBeGreaterThanOrEqual(0n);
          expect(toSend).toBeLessThanOrEqual(FUNDS);
        }
      }),
      { seed: 3, numRuns: 25 },
    );
  });

  test("is settled once, not before a voucher allows, and pays out all it has", () => {
    expect(redeem({ Amount: "400", MinSettleHeight: START + 2000 })).toBe(0);
    expect(call(4n)).toBe(18);
    expect(call(3n)).toBe(0);
    expect(channel().settlingAt).toBe(START + 2000);
    expect(call(3n)).toBe(20);
    expect(redeem({ Nonce: 2, Amount: "500", MinSettleHeight: START + 2500 })).toBe(0);
    expect(channel().settlingAt).toBe(START + 2500);
    at(START + 2499);
    expect(call(4n)).toBe(18);
    at(START + 2500);
    expect(redeem({ Nonce: 3, Amount: "600" })).toBe(actorsVersion === 0 ? 0 : 32);
    const owed = actorsVersion === 0 ? 600n : 500n;
    const before = vm.actor(key(0))?.balance as bigint;
    expect(call(4n, null, payee)).toBe(0);
    expect((vm.actor(key(0))?.balance as bigint) - before).toBe(FUNDS - owed);
    expect(vm.actor(CHANNEL)).toBeNull();
  });

  test("takes half a day to settle", () => {
    expect(call(3n, null, payee)).toBe(0);
    expect(channel().settlingAt).toBe(START + SETTLE_DELAY);
  });
});
