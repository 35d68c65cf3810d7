/** The messages that the machine sends by itself: block rewards and the tick of an epoch. Source: lotus chain/stmgr. */
import * as dagCbor from "@ipld/dag-cbor";
import type { Address } from "../types/address.ts";
import { bigToBytes } from "../types/amount.ts";
import { encodeMessage } from "../types/message.ts";
import { CRON, REWARD, SYSTEM } from "../types/singletons.ts";

const AWARD_BLOCK_REWARD = 2n;
const EPOCH_TICK = 2n;
/** gas */
const REWARD_GAS_LIMIT = 1n << 30n;
/** gas: the limit of a block, ten thousand times. */
const CRON_GAS_LIMIT = 10_000_000_000n * 10_000n;

function implicit(to: Address, method: bigint, epoch: number, gasLimit: bigint, params: Uint8Array): Uint8Array {
  return encodeMessage({
    to,
    from: SYSTEM,
    nonce: BigInt(epoch),
    value: 0n,
    gasLimit,
    gasFeeCap: 0n,
    gasPremium: 0n,
    method,
    params,
  });
}

/** Pays the producer of a block: the tips of its messages and the block reward, less the penalty. */
export function rewardMessage(
  epoch: number,
  miner: Address,
  penalty: bigint,
  tips: bigint,
  winCount: bigint,
): Uint8Array {
  const params = dagCbor.encode([miner.bytes, bigToBytes(penalty), bigToBytes(tips), winCount]);
  return implicit(REWARD, AWARD_BLOCK_REWARD, epoch, REWARD_GAS_LIMIT, params);
}

/** Runs what is due at an epoch. */
export function cronMessage(epoch: number): Uint8Array {
  return implicit(CRON, EPOCH_TICK, epoch, CRON_GAS_LIMIT, new Uint8Array(0));
}
