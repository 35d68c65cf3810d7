/** Ctrl-C: work that can be left ends in order, and says how to go on. */
import { InterruptedError } from "./errors.ts";

/**
 * Runs `work` until it ends or Ctrl-C comes: then its signal aborts and this rejects with `InterruptedError`, which says
 * the next step, which a function gives that depends on how far the work is; `lead` stands before it. A second Ctrl-C ends the process at once.
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  nextStep?: string | (() => string),
  lead?: string | (() => string),
): Promise<Result> {
  const abort = new AbortController();
  let onSignal = (): void => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    onSignal = () => {
      const error = new InterruptedError(
        typeof nextStep === "function" ? nextStep() : nextStep,
        typeof lead === "function" ? lead() : lead,
      );
      abort.abort(error);
      reject(error);
    };
  });
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    return await Promise.race([work(abort.signal), interrupted]);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** This run's command line, as one would type it, with `more` behind it. */
export function commandLine(...more: readonly string[]): string {
  const words = [...process.argv.slice(2), ...more].filter(
    (word, at, all) => all.indexOf(word) === at || word[0] !== "-",
  );
  return ["filigree", ...words.map(shellWord)].join(" ");
}

/** A word as a shell takes it for one. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

let stopping: Promise<void> | null = null;

/**
 * Resolves when somebody asks this process to stop, or has since this was called first: one that came while nobody looked is not lost. A second
 * signal ends the process at once.
 */
export function stopSignal(): Promise<void> {
  stopping ??= new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  return stopping;
}
