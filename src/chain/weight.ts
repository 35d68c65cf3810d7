/** How heavy a chain is, which decides between chains. */
import type { Tipset } from "../types/block-header.ts";

/**
 * Weight that a local network's tipset adds: 2^8, expected consensus' fixed-point one. A network with storage power adds
 * by the logarithm of the power and by the elections won; a local network has neither yet.
 */
const WEIGHT_PER_TIPSET = 1n << 8n;

/** Weight of the chain up to and with a tipset: the parent weight of the blocks on top of it. */
export function weightOf(tipset: Tipset): bigint {
  return (tipset.blocks[0]?.parentWeight ?? 0n) + WEIGHT_PER_TIPSET;
}
