/** Fees of a message that replaces one which waits. */
import { replacementPremium } from "../../mpool/rules.ts";
import type { Message } from "../../types/message.ts";
import type { FeeLimit } from "./chain.ts";

/** Per cent of what it was: the premium of a replacement unless a pool is told otherwise. Source: lotus chain/messagepool/config.go. */
const RAISE = 125n;

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
