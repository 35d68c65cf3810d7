/**
 * Execution that takes virtual time, as everything that waits does: what else happens in a node meanwhile happens, and what
 * comes after it follows from the seed alone, not from how the result was come by.
 */
import type { Execution } from "../exec/types.ts";
import type { Life, VirtualClock } from "./clock.ts";
import type { Random } from "./random.ts";

/** Milliseconds of one run. */
const RUN_MS = [1, 40] as const;

export type ExecutionTime = { readonly clock: VirtualClock; readonly random: Random; readonly life: Life };

export function timed(execution: Execution, { clock, random, life }: ExecutionTime): Execution {
  const after = async <T>(run: Promise<T>): Promise<T> => {
    const done = await run.then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    await new Promise<void>((resolve) => {
      clock.after(random.between(...RUN_MS), resolve, life);
    });
    return done();
  };
  return {
    applyMessage: (input, options) => after(execution.applyMessage(input, options)),
    applyTipset: (input, rules, options) => after(execution.applyTipset(input, rules, options)),
    simulate: (trial, options) => after(execution.simulate(trial, options)),
    close: () => execution.close(),
  };
}
