/** Contracts of the native actors driven by signed messages alone, as a user would. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { toBase64 } from "../../src/base/bytes.ts";
import { type KeyInfo, signBytes, signMessage } from "../../src/keys/keys.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { paych } from "../../src/schema/actors/paych.ts";
import { decodeMethodData, encodeMethodParams } from "../../src/state/state-view.ts";
import { Address } from "../../src/types/address.ts";
import { FIL } from "../../src/types/amount.ts";
import { cidOfText } from "../../src/types/cid.ts";
import type { Message, MessageReceipt } from "../../src/types/message.ts";
import { type Json, jsonToCbor } from "../../src/types/schema-codec.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";

const CODE = (name: string) => cidOfText(`fil/2/${name}`);
const INIT = Address.id(1);
const SETTLE_DELAY = 1440;

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
});
afterAll(() => net.close());

type Actor = { readonly key: KeyInfo; readonly address: Address };
const person = (i: number, type: "secp256k1" | "bls"): Actor => {
  const account = net.accounts[i] as (typeof net.accounts)[number];
  return { key: account.keys[type], address: account[type] };
};

/** Signs and pushes a message, makes a tipset, and returns the receipt. */
async function send(
  from: Actor,
  to: Address,
  name: string,
  method: number,
  params: Json,
  value = 0n,
): Promise<MessageReceipt> {
  const { chain, pool, crypto } = net.services;
  const nonce = pool.nextNonce(from.address, await nonceOf(from.address));
  const message: Message = {
    from: from.address,
    to,
    nonce,
    value,
    gasLimit: 100_000_000n,
    gasFeeCap: 200_000_000n,
    gasPremium: 100_000n,
    method: BigInt(method),
    params: encodeMethodParams(CODE(name), BigInt(method), params, "t"),
  };
  await pool.push(signMessage(crypto, from.key, message));
  const tipset = await net.clock.mine(1);
  // What it did shows in the state that the next tipset builds on.
  await net.clock.mine(1);
  const receipts = await chain.receipts(tipset);
  expect(receipts).toHaveLength(1);
  return receipts[0] as MessageReceipt;
}

async function nonceOf(address: Address): Promise<bigint> {
  return BigInt(await rpc<number>("Filecoin.MpoolGetNonce", [address.toString("t")]));
}

async function rpc<T>(method: string, params: readonly unknown[]): Promise<T> {
  return (await net.dispatcher.request(method, ...params)) as T;
}

async function balanceOf(address: Address): Promise<bigint> {
  return BigInt(await rpc<string>("Filecoin.WalletBalance", [address.toString("t")]));
}

async function create(from: Actor, name: string, params: Json, value: bigint): Promise<Address> {
  const inner = toBase64(encodeMethodParams(CODE(name), 1n, params, "t"));
  const receipt = await send(
    from,
    INIT,
    "init",
    2,
    { CodeCID: { "/": `${CODE(name)}` }, ConstructorParams: inner },
    value,
  );
  expect(receipt.exitCode).toBe(0);
  const made = decodeMethodData(CODE("init"), 2n, "returns", receipt.return, "t") as { IDAddress: string };
  return Address.parse(made.IDAddress);
}

test("a multisig of two is created, proposes a transfer and pays when the second signer approves", async () => {
  const [alice, bob] = [person(0, "secp256k1"), person(1, "bls")];
  const signers = [alice.address.toString(), bob.address.toString()];
  const wallet = await create(
    alice,
    "multisig",
    { Signers: signers, NumApprovalsThreshold: 2, UnlockDuration: 0, StartEpoch: 0 },
    5n * FIL,
  );
  expect(await balanceOf(wallet)).toBe(5n * FIL);
  const to = person(2, "secp256k1").address;
  const before = await balanceOf(to);
  const proposal = { To: to.toString(), Value: (2n * FIL).toString(), Method: 0, Params: null };
  const proposed = await send(alice, wallet, "multisig", 2, proposal);
  expect(proposed.exitCode).toBe(0);
  expect(decodeMethodData(CODE("multisig"), 2n, "returns", proposed.return, "t")).toMatchObject({
    TxnID: 0,
    Applied: false,
  });
  expect(await balanceOf(to)).toBe(before);
  const approved = await send(bob, wallet, "multisig", 3, { ID: 0, ProposalHash: null });
  expect(approved.exitCode).toBe(0);
  expect(await balanceOf(to)).toBe(before + 2n * FIL);
  expect(await balanceOf(wallet)).toBe(3n * FIL);
});

test("a payment channel pays two vouchers on two lanes, settles and is collected", async () => {
  const [payer, payee] = [person(2, "secp256k1"), person(3, "bls")];
  const channel = await create(
    payer,
    "paymentchannel",
    { From: payer.address.toString(), To: payee.address.toString() },
    10n * FIL,
  );
  const voucher = (lane: number, amount: bigint): Json => ({
    ChannelAddr: channel.toString(),
    TimeLockMin: 0,
    TimeLockMax: 0,
    SecretPreimage: null,
    Extra: null,
    Lane: lane,
    Nonce: 1,
    Amount: amount.toString(),
    MinSettleHeight: 0,
    Merges: null,
    Signature: null,
  });
  for (const [lane, amount] of [[0, 2n * FIL] as const, [7, 3n * FIL] as const]) {
    const unsigned = voucher(lane, amount) as Record<string, Json>;
    const context = { module: paych.module, actorsVersion: 2, prefix: "t" } as const;
    const bytes = jsonToCbor({ kind: "ref", name: "SignedVoucher" }, unsigned, context);
    const { type, data } = signBytes(net.services.crypto, payer.key, bytes);
    const signed = { ...unsigned, Signature: { Type: type, Data: toBase64(data) } };
    const redeemed = await send(payee, channel, "paymentchannel", 2, { Sv: signed, Secret: null });
    expect(redeemed.exitCode).toBe(0);
  }
  const state = await rpc<{ State: { ToSend: string } }>("Filecoin.StateReadState", [channel.toString("t"), null]);
  expect(state.State.ToSend).toBe((5n * FIL).toString());
  const forged = voucher(1, FIL) as Record<string, Json>;
  const wrong = await send(payee, channel, "paymentchannel", 2, {
    Sv: { ...forged, Signature: { Type: 1, Data: toBase64(new Uint8Array(65)) } },
    Secret: null,
  });
  expect(wrong.exitCode).toBe(16);
  expect((await send(payee, channel, "paymentchannel", 3, null)).exitCode).toBe(0);
  expect((await send(payee, channel, "paymentchannel", 4, null)).exitCode).not.toBe(0);
  await net.clock.skip(SETTLE_DELAY);
  const before = await balanceOf(payer.address);
  const paid = await balanceOf(payee.address);
  expect((await send(payer, channel, "paymentchannel", 4, null)).exitCode).toBe(0);
  expect((await balanceOf(payee.address)) - paid).toBe(5n * FIL);
  // The rest of the channel comes back, less the gas of the last message.
  expect((await balanceOf(payer.address)) - before).toBeGreaterThan(49n * 10n ** 17n);
  expect(
    await rpc<unknown>("Filecoin.StateGetActor", [channel.toString("t"), null]).catch((error: Error) => error.message),
  ).toBe("actor not found");
});

test("the same seed and messages give the same CIDs, whether this thread or a worker executes", async () => {
  const options = { ...TEST_OPTIONS, blockTime: 3600, seed: "twins" };
  const heads: string[] = [];
  for (const machine of ["thread", "worker"] as const) {
    const one = await Devnet.open({ ...options, machine });
    const account = one.accounts[0] as (typeof one.accounts)[number];
    const message: Message = {
      from: account.secp256k1,
      to: account.bls,
      nonce: 0n,
      value: 1n,
      gasLimit: 10_000_000n,
      gasFeeCap: 200_000_000n,
      gasPremium: 1n,
      method: 0n,
      params: new Uint8Array(0),
    };
    await one.services.pool.push(signMessage(one.services.crypto, account.keys.secp256k1, message));
    await one.clock.mine(3);
    heads.push(one.head.key.join());
    await one.close();
  }
  expect(heads[0]).toBe(heads[1]);
  expect(heads[0]).toBe(TWINS_HEAD);
});

/** The same on every runtime. */
const TWINS_HEAD = "bafy2bzacedqujvyy5amc4uamvhhwjhmrd4drirwfsiwcgnzvjyxicksizgdvs";
