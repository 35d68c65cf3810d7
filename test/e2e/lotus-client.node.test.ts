/** A real client, unmodified: lotus-client-rpc over HTTP (text/plain bodies) and WebSocket. */
import { NodejsProvider } from "@filecoin-shipyard/lotus-client-provider-nodejs";
import { LotusRPC } from "@filecoin-shipyard/lotus-client-rpc";
import { mainnet } from "@filecoin-shipyard/lotus-client-schema";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeToken } from "../../src/rpc/auth.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";
import { until } from "../support/until.ts";

type Change = { readonly Type: string; readonly Val: { readonly Height: number } };
type Client = {
  version(): Promise<{ Version: string }>;
  chainHead(): Promise<{ Height: number }>;
  chainNotify(handler: (changes: readonly Change[]) => void): [() => void, Promise<unknown>];
  walletNew(type: string): Promise<string>;
  mpoolPushMessage(message: unknown, spec: unknown): Promise<{ CID: unknown; Message: { Nonce: number } }>;
  stateWaitMsg(cid: unknown, confidence: number): Promise<{ Receipt: { ExitCode: number } }>;
  walletBalance(address: string): Promise<string>;
  destroy(): Promise<void>;
};

let net: TestNet;
beforeAll(async () => {
  net = await startTestNet({ blockTime: 3600 });
});
afterAll(() => net.close());

function client(url: string, token?: string): Client {
  const provider = new NodejsProvider(url, token === undefined ? {} : { token });
  return new LotusRPC(provider, { schema: mainnet.fullNode }) as unknown as Client;
}

test("lotus-client-rpc speaks HTTP with its plain-text body", async () => {
  const lotus = client(net.url);
  expect((await lotus.version()).Version).toContain("filigree");
  expect((await lotus.chainHead()).Height).toBe(net.devnet.head.height);
  await lotus.destroy();
});

test("lotus-client-rpc subscribes to ChainNotify: first the current head, then every new tipset, until it cancels", async () => {
  const lotus = client(net.url.replace("http", "ws"));
  const seen: Change[] = [];
  const [cancel, subscribed] = lotus.chainNotify((changes) => seen.push(...changes));
  await subscribed;
  await until("the changes", () => seen.length >= 1);
  const height = net.devnet.head.height;
  expect(seen[0]).toMatchObject({ Type: "current", Val: { Height: height } });
  await net.devnet.clock.mine(3);
  await until("the changes", () => seen.length >= 4);
  expect(seen.slice(1).map((change) => [change.Type, change.Val.Height])).toEqual([
    ["apply", height + 1],
    ["apply", height + 2],
    ["apply", height + 3],
  ]);
  const target = await net.devnet.services.chain.tipsetAtOrBefore(height + 1);
  await net.devnet.services.chain.setHead(target);
  await until("the changes", () => seen.length >= 6);
  expect(seen.slice(4).map((change) => [change.Type, change.Val.Height])).toEqual([
    ["revert", height + 3],
    ["revert", height + 2],
  ]);
  cancel();
  await lotus.destroy();
});

test("lotus-client-rpc makes a wallet, sends and waits over one socket", async () => {
  const lotus = client(net.url.replace("http", "ws"));
  const to = await lotus.walletNew("secp256k1");
  const from = net.devnet.accounts[0]?.secp256k1.toString("t");
  const signed = await lotus.mpoolPushMessage({ To: to, From: from, Value: "1000", Method: 0 }, null);
  const waiting = lotus.stateWaitMsg(signed.CID, 1);
  await net.devnet.clock.mine(3);
  expect((await waiting).Receipt.ExitCode).toBe(0);
  expect(await lotus.walletBalance(to)).toBe("1000");
  await lotus.destroy();
});

test("a read-only token may look but not make keys", async () => {
  const token = makeToken(net.devnet.services.tokenSecret, ["read"]);
  const lotus = client(net.url, token);
  expect((await lotus.chainHead()).Height).toBeGreaterThan(0);
  await expect(lotus.walletNew("secp256k1")).rejects.toThrow(/missing permission/);
  await lotus.destroy();
});
