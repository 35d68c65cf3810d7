/** What is not as a step says, and how a step that could not be done or did not hold is told. */
import { ScenarioError } from "./types.ts";

export type Bound<T> = { readonly is?: T; readonly atLeast?: T; readonly atMost?: T };

/** What is not as a step says: turned into an error with the step's number. */
export class Unmet extends Error {
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`expected ${expected}, found ${found}`);
    this.expected = expected;
    this.found = found;
  }
}

/** Does a step; throws `ScenarioError` STEP_FAILED or EXPECTATION_FAILED, which name it. */
export async function attempt(
  step: number,
  verb: string,
  value: unknown,
  work: (value: never) => Promise<unknown>,
): Promise<void> {
  try {
    await work(value as never);
  } catch (cause) {
    if (cause instanceof ScenarioError) throw cause;
    const what = `step ${step} (${verb} ${shown(value)})`;
    if (cause instanceof Unmet) {
      const { expected, found } = cause;
      throw new ScenarioError(
        { code: "EXPECTATION_FAILED", step, verb, expected, found },
        `${what}: expected ${expected}, found ${found}`,
      );
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ScenarioError({ code: "STEP_FAILED", step, verb }, `${what}: ${why}`, { cause });
  }
}

export function compare<T>(
  { is, atLeast, atMost }: Bound<T>,
  found: bigint,
  read: (value: T) => bigint,
  say: (value: bigint) => string,
): void {
  if (is !== undefined && found !== read(is)) throw new Unmet(say(read(is)), say(found));
  if (atLeast !== undefined && found < read(atLeast)) throw new Unmet(`at least ${say(read(atLeast))}`, say(found));
  if (atMost !== undefined && found > read(atMost)) throw new Unmet(`at most ${say(read(atMost))}`, say(found));
}

export function same(expected: string, found: string, what: string): void {
  if (expected !== found) throw new Unmet(`${what} ${expected || "none"}`, `${what} ${found || "none"}`);
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
