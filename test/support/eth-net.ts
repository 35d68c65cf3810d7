/** A local network of tests' actors whose market emits what it is given, and transactions of its first account. */
import * as dagCbor from "@ipld/dag-cbor";
import { platform } from "#platform";
import { fromHex, toBase64, toHex } from "../../src/base/bytes.ts";
import { Devnet, type DevnetOptions } from "../../src/node/devnet.ts";
import { builtFile } from "../../src/platform/web.ts";
import { type EthTransaction, encodeTransaction, signingDigest } from "../../src/types/eth-transaction.ts";
import { MARKET } from "../../src/types/singletons.ts";
import { TEST_OPTIONS } from "./devnet.ts";
import { IDLE, testBundle } from "./fvm-bundle.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are JSON of as many shapes as there are methods
export type Json = any;

const big = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`);
/** Method of the tests' guest that emits its parameters. */
const EMIT = 35;

/** The address of Ethereum that stands for the market. */
export const MARKET_ADDRESS = `0xff${"00".repeat(18)}05`;
export const topicOf = (byte: number): string => `0x${toHex(new Uint8Array(32).fill(byte))}`;

export type EthNet = {
  readonly net: Devnet;
  ask(method: string, ...params: readonly unknown[]): Promise<Json>;
  ethereum(i: number): string;
  /** A signed transaction of the first account, raw. */
  signed(fields?: Partial<EthTransaction>): string;
  /** Pushes a message by which the market emits a log with one topic. */
  emit(byte: number): Promise<void>;
};

export async function openEthNet(options: Partial<DevnetOptions> = {}): Promise<EthNet> {
  const storagemarket = await platform.readAsset(builtFile("wasm/guest-test.wasm"));
  // It runs nothing: what is in its state is what is looked at.
  const bundle = await testBundle({ storagemarket, evm: IDLE });
  const net = await Devnet.open({
    ...TEST_OPTIONS,
    ...{ accounts: 2, blockTime: 3600, networkVersion: 18, bundle },
    ...options,
  });
  const ask: EthNet["ask"] = (method, ...params) => net.request(method, ...params);
  const ethereum = (i: number): string => `0x${toHex(net.accounts[i]?.delegated.ethereum ?? new Uint8Array(20))}`;
  return {
    net,
    ask,
    ethereum,
    signed: (fields = {}) => signedTransaction(net, { to: fromHex(ethereum(1).slice(2)), ...fields }),
    async emit(byte) {
      const params = dagCbor.encode([
        [3, "t1", 0x55, new Uint8Array(32).fill(byte)],
        [3, "d", 0x55, Uint8Array.of(byte)],
      ]);
      const from = `${net.accounts[0]?.secp256k1}`;
      const to = MARKET.toString("t");
      await ask("MpoolPushMessage", { From: from, To: to, Value: "0", Method: EMIT, Params: toBase64(params) }, null);
    },
  };
}

/** A signed transaction of a network's first account, raw. */
export function signedTransaction({ network, accounts, node }: Devnet, fields: Partial<EthTransaction>): string {
  const { chainId } = network;
  const tx: EthTransaction = {
    ...{ kind: "eip1559", nonce: 0n, to: null, value: 5n, input: new Uint8Array(0) },
    ...{ gasLimit: 10_000_000n, maxFee: 10n ** 9n, maxPriorityFee: 10n ** 5n, r: 0n, s: 0n, v: 0n },
    ...fields,
  };
  const secret = accounts[0]?.keys.ethereum.secret as Uint8Array;
  const signature = node.crypto.secp256k1.sign(signingDigest(tx, chainId), secret);
  const parts = { r: big(signature.subarray(0, 32)), s: big(signature.subarray(32, 64)) };
  return `0x${toHex(encodeTransaction({ ...tx, ...parts, v: BigInt(signature[64] as number) }, chainId))}`;
}
