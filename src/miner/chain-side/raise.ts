/** Gas of a message beyond its estimate, and the fees of one that replaces another which waits. */
import { replacementPremium } from "../../mpool/rules.ts";
import type { Address } from "../../types/address.ts";
import type { Message } from "../../types/message.ts";
import type { FeeLimit, MinerChain } from "./chain.ts";

/** Per cent of what it was: the premium of a replacement unless a pool is told otherwise. Source: lotus chain/messagepool/config.go. */
const RAISE = 125n;

/**
 * Gas that a miner's first reward makes a message to it dearer by: methods that unlock funds write its vesting table (180 days by
 * 12 hours). 3,013,313 were measured between a pre-commit before and one after the first reward.
 */
const FIRST_REWARD = 4_000_000n;

/** Gas that a message to a miner wants beyond its estimate: a miner that may win and has no vesting table may get one before it counts. */
export async function gasRoom(chain: MinerChain, to: Address): Promise<bigint> {
  if (!to.equals(chain.miner)) return 0n;
  const [{ raw }, { vesting }] = await Promise.all([chain.power(), chain.money()]);
  return raw > 0n && vesting === 0n ? FIRST_REWARD : 0n;
}

/** Higher fees in attoFIL a unit of gas, or null where the limit allows none. `feeCapFor`: what the chain asks for now with a premium. */
export async function raisedFees(
  message: Message,
  { maxFee }: FeeLimit,
  feeCapFor: (gasPremium: bigint) => bigint | Promise<bigint>,
): Promise<Pick<Message, "gasPremium" | "gasFeeCap"> | null> {
  const gasPremium = replacementPremium(message.gasPremium, RAISE);
  const [fresh, least] = [await feeCapFor(gasPremium), replacementPremium(message.gasFeeCap, RAISE)];
  const gasFeeCap = fresh > least ? fresh : least;
  return gasFeeCap * message.gasLimit > maxFee ? null : { gasPremium, gasFeeCap };
}
