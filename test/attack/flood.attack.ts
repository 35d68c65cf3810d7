/** Pools flooded by count and by bytes: bounded, and blocks are made all the same. */
import { afterEach, test } from "vitest";
import { signMessage } from "../../src/keys/keys.ts";
import { POOL_LIMITS, PoolError } from "../../src/mpool/rules.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { FIL } from "../../src/types/amount.ts";
import type { Message } from "../../src/types/message.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { attackTimes, shareOf } from "./tally.ts";

const BY_COUNT = 31_500;
const BY_BYTES = 8000;
/** Bytes of heap that a full pool may take beyond its own bound. */
const HEAP = 512 << 20;

let net: Devnet | undefined;
afterEach(async () => {
  await net?.close();
  net = undefined;
});

async function flood(senders: number): Promise<Devnet> {
  net = await Devnet.open({ ...TEST_OPTIONS, accounts: senders, balance: 1_000_000n * FIL, blockTime: 3600 });
  await net.clock.mine(1);
  return net;
}

/** Pushes the next message of a sender; PoolErrors are what a flood may meet. */
async function push(devnet: Devnet, run: number, change: Partial<Message>): Promise<void> {
  const account = devnet.accounts[run % devnet.accounts.length] as Devnet["accounts"][number];
  const message = {
    ...{ to: account.id, from: account.secp256k1, value: 1n, method: 0n, params: new Uint8Array(0) },
    ...{ gasLimit: 1_000_000n, gasFeeCap: 10n ** 9n, gasPremium: 1000n },
    nonce: BigInt(Math.floor(run / devnet.accounts.length)),
    ...change,
  };
  const signed = signMessage(devnet.services.crypto, account.keys.secp256k1, message);
  await devnet.node.pool.push(signed).catch((error: unknown) => {
    if (!(error instanceof PoolError)) throw error;
  });
}

async function checkPool(devnet: Devnet): Promise<void> {
  const { pool } = devnet.node;
  if (pool.size > POOL_LIMITS.pendingTotal) throw new Error(`${pool.size} messages wait`);
  if (pool.totalBytes > POOL_LIMITS.pendingBytes) throw new Error(`${pool.totalBytes} bytes wait`);
  const before = pool.size;
  await devnet.clock.mine(2);
  if (pool.size >= before) throw new Error("no message was mined");
}

test("by count", async (context) => {
  const devnet = await flood(33);
  await attackTimes(context, BY_COUNT, (run) => push(devnet, run, {}));
  await checkPool(devnet);
});

test("by bytes", async (context) => {
  const devnet = await flood(9);
  const before = process.memoryUsage().rss;
  const params = new Uint8Array(60_000).fill(1);
  await attackTimes(context, BY_BYTES, (run) => push(devnet, run, { params, gasLimit: 100_000_000n }));
  const grown = process.memoryUsage().rss - before;
  if (grown > HEAP) throw new Error(`${grown >> 20} MiB for ${shareOf(BY_BYTES)} messages of 60 kB`);
  await checkPool(devnet);
});
