/**
 * What gas will cost, from prices of the past. attoFIL per gas. Source: lotus node/impl/gasutils/gasutils.go and
 * chain/messagepool (CapGasFee) at b835fab702eb; the reference adds noise of half a per cent to premiums, this does not.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import { FIL } from "../types/amount.ts";
import type { Message } from "../types/message.ts";
import { StateManagerError } from "./errors.ts";

/** Premium on a chain without recent messages. */
const MIN_PREMIUM = 100_000n;
/** Blocks within which a message shall be included, at most. */
export const MAX_BLOCKS_INCLUDED = 128;
/** Epochs of growing fees that are looked ahead, at most: more overflow the reference's arithmetic. */
export const MAX_QUEUE_EPOCHS = 300;
/** attoFIL that a message may cost unless its sender allows more or less. Source: lotus node/config/def.go. */
export const DEFAULT_MAX_FEE = (7n * FIL) / 100n;
/** Fraction digits, in bits, of the factor by which the base fee may grow. */
const FACTOR_BITS = 8;

/** What a message's sender allows. `maxFee` in attoFIL, 0 for the default; `room`: gas beyond what an estimate gives. */
export type SendSpec = { readonly maxFee: bigint; readonly maximizeFeeCap: boolean; readonly room?: bigint };

export type PaidGas = { readonly premium: bigint; readonly gasLimit: bigint };

/** Fee cap that outlasts `epochs` epochs in which the base fee grows as fast as it can, plus the premium. */
export function feeCapAfter(baseFee: bigint, premium: bigint, epochs: number): bigint {
  if (!Number.isInteger(epochs) || Math.abs(epochs) > MAX_QUEUE_EPOCHS)
    throw new StateManagerError({ code: "BAD_NUMBER", name: "maxqueueblks" }, `over ${MAX_QUEUE_EPOCHS} epochs`);
  const growth = (1 + 1 / Number(CHAIN_LIMITS.baseFeeMaxChangeDenominator)) ** epochs;
  const factor = BigInt(Math.floor(growth * 2 ** FACTOR_BITS));
  return ((baseFee * factor) >> BigInt(FACTOR_BITS)) + premium;
}

/**
 * Premium that 47.5 per cent of the gas of some blocks would have been had for, but not less than a small amount, which is
 * larger for the hasty. `paid`: what their messages paid; `blocks`: how many blocks they are.
 */
export function likelyPremium(paid: readonly PaidGas[], blocks: number, included: number): bigint {
  const dearest = [...paid].sort((a, b) => (a.premium < b.premium ? 1 : a.premium > b.premium ? -1 : 0));
  const half = (CHAIN_LIMITS.blockGasTarget * BigInt(blocks)) / 2n;
  let room = half + (CHAIN_LIMITS.blockGasTarget * BigInt(blocks)) / 40n;
  let last = 0n;
  let before = 0n;
  for (const { premium, gasLimit } of dearest) {
    [last, before] = [premium, last];
    room -= gasLimit;
    if (room < 0n) break;
  }
  const premium = before === 0n ? last : (last + before) / 2n;
  if (premium >= MIN_PREMIUM) return premium;
  if (included <= 1) return 2n * MIN_PREMIUM;
  return included === 2 ? (3n * MIN_PREMIUM) / 2n : MIN_PREMIUM;
}

/** The message with its fee cap lowered to what may be spent, and its premium to the fee cap. */
export function capFee(message: Message, { maxFee, maximizeFeeCap }: Omit<SendSpec, "room">): Message {
  const most = maxFee === 0n ? DEFAULT_MAX_FEE : maxFee;
  const over = maximizeFeeCap || message.gasFeeCap * message.gasLimit > most;
  const gasFeeCap = over ? most / message.gasLimit : message.gasFeeCap;
  return { ...message, gasFeeCap, gasPremium: gasFeeCap < message.gasPremium ? gasFeeCap : message.gasPremium };
}
