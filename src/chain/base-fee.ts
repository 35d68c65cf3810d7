/**
 * Base fee of the next epoch, which moves by at most an eighth an epoch: up to network version 27 towards the point where
 * blocks are half full, from 28 on with the premium that the last paying message of a full tipset gives (FIP-0115).
 * Sources: lotus at b835fab702eb chain/store/basefee.go; FIP-0115.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { Message } from "../types/message.ts";

/**
 * From the use of gas. `gasLimits`: sum of the gas limits of a tipset's distinct messages; `blocks`: its number of blocks.
 * `networkVersion`: that of the tipset's epoch. Amounts are attoFIL per gas.
 */
export function nextBaseFee(baseFee: bigint, gasLimits: bigint, blocks: number, networkVersion: number): bigint {
  const { blockGasTarget: target, packingEfficiency } = CHAIN_LIMITS;
  const count = BigInt(blocks);
  const used = chainRule("baseFeePacksBlocks", networkVersion)
    ? (packingEfficiency.denominator * gasLimits) / (count * packingEfficiency.numerator)
    : gasLimits / count;
  const wanted = used - target;
  const delta = wanted > target ? target : wanted < -target ? -target : wanted;
  // The reference divides as Euclid does: towards minus infinity for a positive divisor.
  const change = floorDiv(floorDiv(baseFee * delta, target), CHAIN_LIMITS.baseFeeMaxChangeDenominator);
  return atLeastMinimum(baseFee + change);
}

export type PaidMessage = Pick<Message, "from" | "nonce" | "gasLimit" | "gasFeeCap" | "gasPremium">;

/**
 * From the premiums: the one at which four fifths of a block's gas, the dearest messages first, are taken; none if the
 * messages ask for less. `messages`: those of the tipset's blocks, in order, BLS ones of a block first; of a sender's nonce
 * the first counts.
 */
export function nextBaseFeeFromPremiums(baseFee: bigint, messages: readonly PaidMessage[]): bigint {
  const premium = percentilePremium(baseFee, messages);
  const denominator = CHAIN_LIMITS.baseFeeMaxChangeDenominator;
  const most = (baseFee + denominator - 1n) / denominator;
  return atLeastMinimum(baseFee + (premium - most < most ? premium - most : most));
}

function percentilePremium(baseFee: bigint, messages: readonly PaidMessage[]): bigint {
  const distinct = new Map<string, { readonly premium: bigint; readonly gasLimit: bigint }>();
  for (const { from, nonce, gasLimit, gasFeeCap, gasPremium } of messages) {
    const key = `${from} ${nonce}`;
    if (distinct.has(key)) continue;
    const available = gasFeeCap > baseFee ? gasFeeCap - baseFee : 0n;
    distinct.set(key, { premium: gasPremium < available ? gasPremium : available, gasLimit });
  }
  let left = CHAIN_LIMITS.baseFeeGasIndex;
  const dearest = [...distinct.values()].sort((a, b) => (a.premium < b.premium ? 1 : a.premium > b.premium ? -1 : 0));
  for (const { premium, gasLimit } of dearest) {
    if (left < gasLimit) return premium;
    left -= gasLimit;
  }
  return 0n;
}

function atLeastMinimum(baseFee: bigint): bigint {
  return baseFee < CHAIN_LIMITS.minimumBaseFee ? CHAIN_LIMITS.minimumBaseFee : baseFee;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && quotient * b !== a ? quotient - 1n : quotient;
}
