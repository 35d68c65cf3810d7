/** How heavy the chain of a local network without elections is; with them, `src/consensus/weight.ts`. */
import type { Tipset } from "../types/block-header.ts";

/**
 * Weight that each tipset adds: 2^8, expected consensus' fixed-point one. A network with storage power adds by the
 * logarithm of the power and by the elections won; here nobody is elected.
 */
const WEIGHT_PER_TIPSET = 1n << 8n;

/** Weight of the chain up to and with a tipset: the parent weight of the blocks on top of it. */
export function weightOf(tipset: Tipset): bigint {
  return (tipset.blocks[0]?.parentWeight ?? 0n) + WEIGHT_PER_TIPSET;
}
