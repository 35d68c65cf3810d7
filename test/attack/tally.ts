/** Runs an attack many times and counts; `FILIGREE_ATTACK_SHARE=0.05` makes a twentieth of the runs. */
import type { TestContext } from "vitest";

export type Tally = { passed: number; failed: number };

const share = Number(process.env["FILIGREE_ATTACK_SHARE"] ?? "1");
/** Failures that are printed whole. */
const SHOWN = 12;

/** How many of `count` runs this share has: at least one. */
export function shareOf(count: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError("FILIGREE_ATTACK_SHARE must be above 0 and at most 1");
  return Math.max(1, Math.round(count * share));
}

/** Numbers from a seed, the same every time. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Runs `attack` this share of `count` times. Throws at the end if a run failed. */
export async function attackTimes(
  context: TestContext,
  count: number,
  attack: (run: number) => Promise<unknown>,
): Promise<void> {
  const tally: Tally = { passed: 0, failed: 0 };
  (context.task.meta as { tally?: Tally }).tally = tally;
  const runs = shareOf(count);
  for (let run = 0; run < runs; run++) {
    try {
      await attack(run);
      tally.passed++;
    } catch (error) {
      if (++tally.failed <= SHOWN)
        console.error(`run ${run}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.info(`${context.task.name}: ${tally.passed} passed, ${tally.failed} failed`);
  if (tally.failed > 0) throw new Error(`${tally.failed} of ${runs} runs failed`);
}
