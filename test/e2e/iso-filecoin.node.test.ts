/** A real client, unmodified: iso-filecoin over a socket. Its encoding, CIDs and signatures are its own. */

import { Message } from "iso-filecoin/message";
import { RPC } from "iso-filecoin/rpc";
import { Token } from "iso-filecoin/token";
import { accountFromPrivateKey, signMessage } from "iso-filecoin/wallet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestNet, type TestNet } from "../support/devnet.ts";

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 0.2 });
});
afterAll(() => net.close());

async function transfer(rpc: RPC, type: "SECP256K1" | "BLS", from: number, to: string) {
  const keys = net.devnet.accounts[from]?.keys;
  const secret = type === "BLS" ? keys?.bls.secret.slice().reverse() : keys?.secp256k1.secret;
  const account = accountFromPrivateKey(secret as Uint8Array, type, "testnet");
  const sender = account.address.toString();
  const value = Token.fromFIL("1").toAttoFIL().toString();
  const nonce = await rpc.nonce(sender);
  const estimated = await rpc.gasEstimate({ msg: { from: sender, to, value, nonce: nonce.result ?? 0 } });
  expect(estimated.error).toBeUndefined();
  const message = Message.fromLotus(estimated.result as never);
  const signature = signMessage(secret as Uint8Array, type, message as never);
  const pushed = await rpc.pushMessage({ msg: message as never, signature: signature as never });
  expect(pushed.error).toBeUndefined();
  return { sender, cid: pushed.result as { "/": string } };
}

for (const type of ["SECP256K1", "BLS"] as const) {
  test(`iso-filecoin sends FIL from a ${type} account and waits for the receipt`, async () => {
    const rpc = new RPC({ api: net.url, network: "testnet" });
    expect((await rpc.version()).result?.Version).toContain("filigree");
    expect((await rpc.networkName()).result).toBe("localnet");
    const receiver = net.devnet.accounts[1]?.secp256k1.toString("t") as string;
    const before = BigInt((await rpc.balance(receiver)).result as string);
    const { sender, cid } = await transfer(rpc, type, 0, receiver);
    const waited = (await rpc.waitMsg({ cid, confidence: 2 } as never)) as { result?: unknown; error?: unknown };
    expect(waited.error).toBeUndefined();
    expect(waited.result).toMatchObject({ Message: cid, Receipt: { ExitCode: 0 } });
    const after = BigInt((await rpc.balance(receiver)).result as string);
    expect(after - before).toBe(10n ** 18n);
    expect((await rpc.nonce(sender)).result).toBe(1);
    expect((await rpc.stateLookupID({ address: sender } as never)).result).toMatch(/^t0\d+$/);
  });
}

test("iso-filecoin is told what is wrong with a bad message", async () => {
  const rpc = new RPC({ api: net.url, network: "testnet" });
  const account = net.devnet.accounts[2];
  const missing = await rpc.balance("t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy");
  expect(missing.result).toBe("0");
  const unknown = await rpc.nonce("t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy");
  expect(String(unknown.error?.message)).toContain("actor not found");
  expect(account).toBeDefined();
});
