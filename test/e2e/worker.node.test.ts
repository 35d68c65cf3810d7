/** A local network whose machine runs in workers: it answers while a tipset is executed, and calls may nest deep. */
import * as dagCbor from "@ipld/dag-cbor";
import { afterEach, expect, test } from "vitest";
import { toBase64 } from "../../src/base/bytes.ts";
import { signMessage } from "../../src/keys/keys.ts";
import type { DevAccount } from "../../src/node/devnet.ts";
import { decodeMethodData, encodeMethodParams } from "../../src/state/state-view.ts";
import { Address } from "../../src/types/address.ts";
import { FIL } from "../../src/types/amount.ts";
import { type CID, cidOfText } from "../../src/types/cid.ts";
import type { MessageReceipt } from "../../src/types/message.ts";
import type { Json } from "../../src/types/schema-codec.ts";
import { call, startTestNet, type TestNet } from "../support/devnet.ts";

const MULTISIG = cidOfText("fil/2/multisig");
const INIT = cidOfText("fil/2/init");

let net: TestNet;
afterEach(() => net.close());

test("requests are answered while a heavy tipset is executed, estimates among them", async () => {
  net = await startTestNet({ blockTime: 3600, machine: "worker" });
  const events: string[] = [];
  const height = net.devnet.head.height;
  const heavy = call<{ Height: number }>(net.url, "Devnet.skipRounds", [6000]).then((tipset) => {
    events.push("tipset");
    return tipset;
  });
  const [alice, bob] = net.devnet.accounts.map(({ secp256k1 }) => secp256k1.toString("t"));
  for (let i = 0; i < 3; i++) {
    const head = await call<{ Height: number }>(net.url, "Filecoin.ChainHead");
    expect(head.Height).toBe(Number(height));
    events.push("head");
  }
  const message = { From: alice, To: bob, Value: `${FIL}`, Method: 0, Params: null };
  await call(net.url, "Filecoin.GasEstimateMessageGas", [message, null, null]);
  events.push("estimate");
  expect((await heavy).Height).toBe(Number(height) + 6001);
  expect(events).toEqual(["head", "head", "head", "estimate", "tipset"]);
});

// Deno gives its workers one stack size.
test.skipIf("Deno" in globalThis)("1024 nested calls end as gas decides, not as the thread's stack does", async () => {
  net = await startTestNet({ accounts: 2, balance: 1_000_000n * FIL, blockTime: 3600, machine: "worker" });
  const wallet = await selfSigningWallet();
  // Transaction i approves i + 1 in the wallet's own name, which is the second approval and executes that one.
  for (let i = 1; i <= DEPTH; i++) {
    await push(0, wallet, MULTISIG, 2, proposal(wallet, 3, { ID: i + 1, ProposalHash: null }), 60_000_000n);
    if (i % 200 === 0) await net.devnet.clock.mine(1);
  }
  while (net.devnet.services.pool.size > 0) await net.devnet.clock.mine(1);
  const receipt = await send(1, wallet, MULTISIG, 3, { ID: 1, ProposalHash: null }, 9_990_000_000n);
  expect(receipt.exitCode).toBe(0);
  expect(nestedIn(receipt.return)).toBe(DEPTH);
});

const DEPTH = 1024;

/** A wallet of both accounts and itself, which needs two approvals; its transaction 0 is past. */
async function selfSigningWallet(): Promise<Address> {
  const signers = net.devnet.accounts.map(({ secp256k1 }) => secp256k1.toString());
  const params = { Signers: signers, NumApprovalsThreshold: 1, UnlockDuration: 0, StartEpoch: 0 };
  const inner = toBase64(encodeMethodParams(MULTISIG, 1n, params, "t"));
  const exec = { CodeCID: { "/": `${MULTISIG}` }, ConstructorParams: inner };
  const made = await send(0, Address.id(1), INIT, 2, exec, 200_000_000n);
  const { IDAddress } = decodeMethodData(INIT, 2n, "returns", made.return, "t") as { IDAddress: string };
  const wallet = Address.parse(IDAddress);
  const join = proposal(wallet, 5, { Signer: wallet.toString(), Increase: true });
  expect((await send(0, wallet, MULTISIG, 2, join, 200_000_000n)).exitCode).toBe(0);
  return wallet;
}

function proposal(wallet: Address, method: number, params: Json): Json {
  const inner = toBase64(encodeMethodParams(MULTISIG, BigInt(method), params, "t"));
  return { To: wallet.toString(), Value: "0", Method: method, Params: inner };
}

const nonces = new Map<number, bigint>();

async function push(
  account: number,
  to: Address,
  code: CID,
  method: number,
  params: Json,
  gasLimit: bigint,
): Promise<void> {
  const { pool, crypto } = net.devnet.services;
  const { secp256k1: from, keys } = net.devnet.accounts[account] as DevAccount;
  const nonce = nonces.get(account) ?? 0n;
  nonces.set(account, nonce + 1n);
  const bytes = encodeMethodParams(code, BigInt(method), params, "t");
  const fees = { gasLimit, gasFeeCap: 1_000_000_000n, gasPremium: 1n };
  const message = { from, to, nonce, value: 0n, ...fees, method: BigInt(method), params: bytes };
  await pool.push(signMessage(crypto, keys.secp256k1, message));
}

async function send(...message: Parameters<typeof push>): Promise<MessageReceipt> {
  await push(...message);
  const receipts = await net.devnet.services.chain.receipts(await net.devnet.clock.mine(1));
  expect(receipts).toHaveLength(1);
  return receipts[0] as MessageReceipt;
}

/** Approvals that executed something, one inside the return value of the other. */
function nestedIn(returned: Uint8Array): number {
  let depth = 0;
  for (let next = returned; next.length > 0; depth++) {
    const [applied, , inner] = dagCbor.decode(next) as [boolean, number, Uint8Array];
    expect(applied).toBe(true);
    next = inner;
  }
  return depth;
}
