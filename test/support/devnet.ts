/** A local network for tests: in memory, on a free loopback port. */
import { Devnet, type DevnetOptions } from "../../src/node/devnet.ts";
import { FIL } from "../../src/types/amount.ts";
import { checkAnswer } from "./answers.ts";

export type TestNet = {
  readonly devnet: Devnet;
  readonly url: string;
  close(): Promise<void>;
};

export const TEST_OPTIONS: Omit<DevnetOptions, "mnemonic"> = {
  accounts: 4,
  balance: 1000n * FIL,
  seed: "test",
  blockTime: 1,
  genesisTime: 1_598_306_400,
  data: null,
  version: "test",
  observe: checkAnswer,
};

export async function startTestNet(options: Partial<DevnetOptions> = {}): Promise<TestNet> {
  const devnet = await Devnet.open({ ...TEST_OPTIONS, ...options });
  const { url } = await devnet.serve({ host: "127.0.0.1", port: 0, allowHosts: [], allowOrigins: [] });
  await devnet.clock.mine(1);
  devnet.clock.start();
  return { devnet, url, close: () => devnet.close() };
}

/** One JSON-RPC call; throws the error's message. */
export async function call<T>(url: string, method: string, params: readonly unknown[] = []): Promise<T> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const reply = (await response.json()) as { result?: T; error?: { message: string } };
  if (reply.error !== undefined) throw new Error(reply.error.message);
  return reply.result as T;
}
