/** Ctrl-C: work that can be left ends in order, and says how to go on. */
import { InterruptedError } from "./errors.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Calls `first` with the first signal, after which nobody listens any more: the second ends the process, whatever it is doing. Two that came
 * while the process was too busy to look are both handed over then, and the second ends it, too. Gives the function that listens no more.
 */
function onSignal(first: () => void): () => void {
  let hasCome = false;
  const listener = (signal: NodeJS.Signals): void => {
    if (hasCome) {
      off();
      process.kill(process.pid, signal);
      return;
    }
    hasCome = true;
    setImmediate(off);
    first();
  };
  const off = (): void => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return off;
}

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
  let off = (): void => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    off = onSignal(() => {
      const error = new InterruptedError(
        typeof nextStep === "function" ? nextStep() : nextStep,
        typeof lead === "function" ? lead() : lead,
      );
      abort.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([work(abort.signal), interrupted]);
  } finally {
    off();
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

type Stop = { readonly came: Promise<void>; readonly end: () => void };
let stop: Stop | null = null;

/**
 * Resolves when somebody asks this process to stop, or has since this was called first by the command: one that came while nobody looked is not
 * lost. A second signal ends the process at once.
 */
export function stopSignal(): Promise<void> {
  stop ??= listen();
  return stop.came;
}

/** Aborted when somebody asks this process to stop: for what a server does before it serves. `nextStep`: as of `interruptible`. */
export function stoppedBy(nextStep: string): AbortSignal {
  const ending = new AbortController();
  void stopSignal().then(() => ending.abort(new InterruptedError(nextStep)));
  return ending.signal;
}

/** The same for work that takes no signal, and that may be left at any moment: rejects, and nobody waits for it any more. */
export function unlessStopped<Result>(work: Promise<Result>, nextStep: string): Promise<Result> {
  const stopped = stopSignal().then(() => {
    throw new InterruptedError(nextStep);
  });
  return Promise.race([work, stopped]);
}

/** The command is over: signals are the process's own again, and of the next command only those count that come while it runs. */
export function forgetStop(): void {
  stop?.end();
  stop = null;
}

function listen(): Stop {
  let end = (): void => undefined;
  const came = new Promise<void>((resolve) => {
    end = onSignal(resolve);
  });
  return { came, end };
}
