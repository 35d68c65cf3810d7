/**
 * How probable it is that a block stands at a place in its tipset, by the quality of its ticket: of two blocks that carry
 * the same message the first one earns it. Source: lotus chain/messagepool/block_proba.go.
 */

/** Blocks of a tipset that are reckoned with. */
export const MAX_BLOCKS = 15;
/** Blocks that an epoch has on average. */
const MEAN = 5;

/** Probability of `i + 1` winners, given that there is one: Poisson, with the case of none left out. */
function winners(i: number): number {
  let factorial = 1;
  for (let k = 2; k <= i + 1; k++) factorial *= k;
  return MEAN ** (i + 1) / factorial / (Math.exp(MEAN) - 1);
}

function binomial(n: number, k: number): number {
  let out = 1;
  for (let i = 1; i <= k; i++) out = (out * (n - i + 1)) / i;
  return out;
}

/** Probabilities of the places 0 to 14. `quality`: 0 for the worst ticket, 1 for the best. */
export function blockProbabilities(quality: number): number[] {
  const better = 1 - quality;
  return Array.from({ length: MAX_BLOCKS }, (_, place) => {
    let sum = 0;
    for (let others = place; others < MAX_BLOCKS; others++)
      sum += winners(others) * binomial(others, place) * better ** place * quality ** (others - place);
    return sum;
  });
}
