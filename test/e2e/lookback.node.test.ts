/** Randomness of thousands of epochs back, by the index alone: a network that was opened again has nothing in memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { toBase64 } from "../../src/base/bytes.ts";
import { signMessage } from "../../src/keys/keys.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { sealedCid } from "../../src/sector/piece/cid.ts";
import { encodeMethodParams } from "../../src/state/state-view.ts";
import { FIL } from "../../src/types/amount.ts";
import { cidOfText } from "../../src/types/cid.ts";
import type { Json } from "../../src/types/schema-codec.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";

const folder = await mkdtemp(path.join(tmpdir(), "filigree-lookback-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const OPTIONS = { ...TEST_OPTIONS, blockTime: 3600, data: path.join(folder, "data") };
const MINER = cidOfText("fil/2/storageminer");
/** Null rounds after the epoch that the seal is drawn from: nearly as many as a pre-commitment may look back. */
const FAR = 3600;

/** Sends a message to the first miner and mines it; exit code and reason. */
async function send(net: Devnet, method: bigint, params: Json, value = 0n): Promise<readonly [number, string]> {
  const owner = net.accounts[0];
  if (owner === undefined) throw new Error("no accounts");
  const message = {
    from: owner.secp256k1,
    to: net.miner,
    nonce: await net.node.pool.nextNonceOf(owner.secp256k1),
    value,
    gasLimit: 500_000_000n,
    gasFeeCap: 1_000_000_000n,
    gasPremium: 100_000n,
    method,
    params: encodeMethodParams(MINER, method, params, "t"),
  };
  await net.node.pool.push(signMessage(net.node.crypto, owner.keys.secp256k1, message));
  const tipset = await net.clock.mine(1);
  const [carried] = await net.node.chain.tipsetMessages(tipset);
  if (carried === undefined) throw new Error("the message was not mined");
  const { receipt, error } = await net.node.states.replay(tipset, carried.cid);
  return [receipt.exitCode, error];
}

test.each(["thread", "worker"] as const)("a sector may be sealed over the longest lookback (%s)", async (machine) => {
  const data = path.join(folder, machine);
  const first = await Devnet.open({ ...OPTIONS, data, machine });
  await first.clock.mine(5);
  await first.clock.skip(FAR);
  await first.close();

  const net = await Devnet.open({ ...OPTIONS, data, machine });
  const sector = {
    SealProof: 0,
    SectorNumber: 0,
    SealedCID: { "/": `${sealedCid(new Uint8Array(32).fill(7))}` },
    SealRandEpoch: 3,
    DealIDs: [],
    Expiration: 700_000,
    ReplaceCapacity: false,
    ReplaceSectorDeadline: 0,
    ReplaceSectorPartition: 0,
    ReplaceSectorNumber: 0,
  };
  expect(await send(net, 6n, sector, 100n * FIL)).toEqual([0, ""]);
  await net.clock.skip(20);
  const before = net.head.height;
  expect(await send(net, 7n, { SectorNumber: 0, Proof: toBase64(new Uint8Array(192)) })).toEqual([0, ""]);
  // Mining goes on, and the same result comes out of the chain alone.
  await net.clock.mine(1);
  expect(net.head.height).toBe(before + 2);
  await net.close();
});
