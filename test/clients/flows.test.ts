/**
 * Unmodified clients of the network's JSON-RPC do what people do every day: connect, read a balance, estimate, send,
 * replace a message that waits, wait for the receipt, read state. `npm run test:clients` installs and runs them; their
 * dependencies stand in this folder's own package.
 */
import { createRequire } from "node:module";
import { NodejsProvider } from "@filecoin-shipyard/lotus-client-provider-nodejs";
import { LotusRPC } from "@filecoin-shipyard/lotus-client-rpc";
import { mainnet } from "@filecoin-shipyard/lotus-client-schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { FIL } from "../../src/types/amount.ts";
import { type CommandNet, startCommandNet } from "../support/command-net.ts";
import { call } from "../support/devnet.ts";

/** These packages have no types, or none that modern TypeScript finds. */
// biome-ignore lint/suspicious/noExplicitAny: whatever they are
type Any = any;
const load = createRequire(import.meta.url) as (name: string) => Any;

type Link = { readonly "/": string };

let net: CommandNet;
let socketUrl: string;
const address = (i: number): string => net.accounts[i]?.secp256k1 as string;
const secret = (i: number): string => net.accounts[i]?.keys.secp256k1 as string;
const mine = (count: number): Promise<unknown> => call(net.url, "Devnet.mine", [count]);

beforeAll(async () => {
  // Time passes when a test says so, and messages can be replaced while they wait.
  net = await startCommandNet("--block-time", "3600", "--seed", "clients");
  socketUrl = net.url.replace("http", "ws");
  // A young network's base fee is above what filecoin.js lets a message cost; empty epochs bring it down.
  await mine(60);
});
afterAll(() => net.close());

describe("izari-filecoin", () => {
  test("balance, estimate, send, replace, wait, state", async () => {
    const { RPC, Wallet, Transaction, Address, Token, Network, NetworkPrefix, SignatureType }: Any = await import(
      "@zondax/izari-filecoin"
    );
    const rpc = new RPC(Network.Calibration, { url: net.url, token: "" });
    const account = Wallet.recoverAccount(
      NetworkPrefix.Testnet,
      SignatureType.SECP256K1,
      Buffer.from(secret(0), "hex"),
    );
    expect(account.address.toString()).toBe(address(0));
    const to = Address.fromString(address(1));
    const before = BigInt((await rpc.walletBalance(to)).result);
    const send = async (fil: string, change: (tx: Any) => void = () => undefined): Promise<Link> => {
      const tx = Transaction.getNew(to, account.address, Token.fromWhole(fil), 0);
      await tx.prepareToSend(rpc);
      change(tx);
      const pushed = await rpc.broadcastTransaction(tx, await Wallet.signTransaction(account, tx));
      expect(pushed.error).toBeUndefined();
      return pushed.result as Link;
    };
    let first: Any;
    await send("1", (tx) => {
      first = tx;
    });
    const cid = await send("2", (tx) => {
      tx.nonce = first.nonce;
      tx.gasPremium = String((BigInt(first.gasPremium) * 13n) / 10n + 1n);
      tx.gasFeeCap = String(BigInt(first.gasFeeCap) * 2n + BigInt(tx.gasPremium));
    });
    const waiting = rpc.waitMsgState(cid, 1, 100);
    await mine(3);
    expect((await waiting).result).toMatchObject({ Message: cid, Receipt: { ExitCode: 0 } });
    expect(BigInt((await rpc.walletBalance(to)).result) - before).toBe(2n * FIL);
    expect((await rpc.readState(address(0))).result).toMatchObject({ State: { Address: address(0) } });
    const miners = (await rpc.listMiners()).result as string[];
    expect((await rpc.getMinerInfo(miners[0])).result).toMatchObject({ SectorSize: expect.any(Number) });
  });

  test("an error of the node arrives with its text", async () => {
    const { RPC, Network }: Any = await import("@zondax/izari-filecoin");
    const rpc = new RPC(Network.Calibration, { url: net.url, token: "" });
    const answer = await rpc.getNonce("t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy");
    expect(answer.error.message).toContain("actor not found");
  });
});

describe("glif", () => {
  test("rpc-client and wallet-provider: balance, estimate, send, replace, wait, state", async () => {
    const { default: Filecoin, SECP256K1KeyProvider } = load("@glif/filecoin-wallet-provider");
    const { default: LotusRpcEngine } = load("@glif/filecoin-rpc-client");
    const { Message } = load("@glif/filecoin-message");
    const { FilecoinNumber } = load("@glif/filecoin-number");
    const engine = new LotusRpcEngine({ apiAddress: net.url });
    expect((await engine.request("Version")).Version).toContain("filigree");
    const wallet = new SECP256K1KeyProvider(secret(2), "hex");
    const filecoin = new Filecoin(wallet, { apiAddress: net.url });
    const [from] = await wallet.getAccounts(0, 1, "t");
    expect(from).toBe(address(2));
    const before = await filecoin.getBalance(address(3));
    const plain = {
      from,
      to: address(3),
      nonce: await filecoin.getNonce(from),
      value: new FilecoinNumber("1.5", "fil").toAttoFil(),
      method: 0,
      params: "",
    };
    const message = new Message(plain).toLotusType();
    expect(await filecoin.simulateMessage(message)).toBe(true);
    const estimated = (await filecoin.gasEstimateMessageGas(message)).toLotusType();
    expect(Number(estimated.GasLimit)).toBeGreaterThan(100_000);
    const first = await filecoin.sendMessage(await wallet.sign(from, estimated));
    // A block explorer's "speed up": same nonce, the fees that the client itself finds sufficient.
    const { gasFeeCap, gasPremium, gasLimit } = await filecoin.getReplaceMessageGasParams(estimated);
    const faster = { ...estimated, GasFeeCap: gasFeeCap, GasPremium: gasPremium, GasLimit: gasLimit };
    const second = await filecoin.sendMessage(await wallet.sign(from, faster));
    expect(second["/"]).not.toBe(first["/"]);
    const waiting = engine.request("StateWaitMsg", first, 1, 100, true);
    await mine(3);
    expect(await waiting).toMatchObject({ Message: second, Receipt: { ExitCode: 0 } });
    const after = await filecoin.getBalance(address(3));
    expect(after.minus(before).toString()).toBe("1.5");
    expect(await engine.request("StateReadState", address(2), null)).toMatchObject({ State: { Address: address(2) } });
    await expect(engine.request("StateLookupID", "t17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy", null)).rejects.toThrow(
      "actor not found",
    );
  });
});

describe("filecoin.js", () => {
  for (const transport of ["HTTP", "WebSocket"] as const)
    test(`${transport}: balance, estimate, send, replace, wait, state`, async () => {
      const { HttpJsonRpcConnector, WsJsonRpcConnector, LotusClient, LotusWalletProvider } = load("filecoin.js");
      const connector =
        transport === "HTTP" ? new HttpJsonRpcConnector(net.url) : new WsJsonRpcConnector({ url: socketUrl });
      // The client itself connects; a second call would open a second socket.
      const client = new LotusClient(connector);
      const wallet = new LotusWalletProvider(client);
      const from = address(transport === "HTTP" ? 4 : 5);
      const to = await wallet.newAddress("secp256k1");
      // It signs with the wallet's default address, whatever the message says.
      await wallet.setDefaultAddress(from);
      const message = await wallet.createMessage({ From: from, To: to, Value: "1000" });
      expect(Number(message.GasLimit)).toBeGreaterThan(100_000);
      const first = await wallet.sendSignedMessage(await wallet.signMessage(message));
      const premium = (BigInt(message.GasPremium) * 13n) / 10n + 1n;
      const faster = {
        ...message,
        GasPremium: `${premium}`,
        GasFeeCap: `${BigInt(message.GasFeeCap) * 2n + premium}`,
      };
      const second = await wallet.sendSignedMessage(await wallet.signMessage(faster));
      expect(second["/"]).not.toBe(first["/"]);
      const waiting = client.state.waitMsg(second, 1);
      await mine(3);
      expect(await waiting).toMatchObject({ Message: second, Receipt: { ExitCode: 0 } });
      expect(`${await wallet.getBalance(to)}`).toBe("1000");
      expect(await wallet.readState(from)).toMatchObject({ State: { Address: from } });
      expect((await wallet.getHead()).Height).toBe(
        (await call<{ Height: number }>(net.url, "Filecoin.ChainHead")).Height,
      );
      await connector.disconnect();
    });
});

describe("lotus-client-rpc", () => {
  type Provider = { readonly name: string; open(url: string): Promise<Any> };
  const providers: Provider[] = [
    { name: "provider-nodejs", open: async (url) => new NodejsProvider(url) },
    {
      name: "provider-browser",
      async open(url) {
        const { BrowserProvider }: Any = await import("@filecoin-shipyard/lotus-client-provider-browser");
        // What a page has and Node 20 has not.
        return new BrowserProvider(url, { WebSocket });
      },
    },
  ];
  for (const [i, { name, open }] of providers.entries())
    for (const transport of ["HTTP", "WebSocket"] as const)
      test(`${name}, ${transport}: balance, estimate, send, replace, wait, state`, async () => {
        const provider = await open(transport === "HTTP" ? net.url : socketUrl);
        const lotus: Any = new LotusRPC(provider, { schema: mainnet.fullNode });
        expect((await lotus.version()).Version).toContain("filigree");
        const from = address(6 + i);
        const to = await lotus.walletNew("bls");
        expect(await lotus.walletBalance(to)).toBe("0");
        const message = { From: from, To: to, Value: "1000", Method: 0, Params: null };
        const estimated = await lotus.gasEstimateMessageGas(message, null, []);
        expect(estimated.GasLimit).toBeGreaterThan(100_000);
        const signed = await lotus.mpoolPushMessage(message, null);
        const premium = (BigInt(signed.Message.GasPremium) * 13n) / 10n + 1n;
        const faster = {
          ...signed.Message,
          GasPremium: `${premium}`,
          GasFeeCap: `${BigInt(signed.Message.GasFeeCap) * 2n + premium}`,
        };
        const second = await lotus.mpoolPush(await lotus.walletSignMessage(from, faster));
        const waiting = lotus.stateWaitMsg(signed.CID, 1, 100, true);
        await mine(3);
        expect(await waiting).toMatchObject({ Message: second, Receipt: { ExitCode: 0 } });
        expect(await lotus.walletBalance(to)).toBe("1000");
        expect(await lotus.stateReadState(from, [])).toMatchObject({ State: { Address: from } });
        await lotus.destroy();
      });
});
