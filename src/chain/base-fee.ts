/**
 * Base fee of the next epoch: moved by at most an eighth, towards the point where blocks are half full.
 * Source: lotus chain/store/basefee.go; packing efficiency was dropped with network version 2.
 */
import { CHAIN_LIMITS } from "../params/networks.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";

/**
 * `gasLimits`: sum of the gas limits of a tipset's distinct messages; `blocks`: its number of blocks.
 * Amounts are attoFIL per gas.
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
  const next = baseFee + change;
  return next < CHAIN_LIMITS.minimumBaseFee ? CHAIN_LIMITS.minimumBaseFee : next;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && quotient * b !== a ? quotient - 1n : quotient;
}
