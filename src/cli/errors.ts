/** Errors of the command line, what each ends with, and how people are told. */
import { describeError, FilError } from "../base/errors.ts";
import { OptionError } from "../base/options.ts";
import { paint, plainText } from "./terminal.ts";

/**
 * Exit codes, the same for all commands (docs/guide-command-line.md has them for people); 0 is done. `untrue`: what a command is there to
 * check was checked, and does not hold. 64 is sysexits' wrong usage, 130 the shell's for Ctrl-C; a server that is stopped
 * has done what it was to do, and ends with 0.
 */
export const EXIT = { failure: 1, untrue: 2, usage: 64, interrupted: 130 } as const;

const UNTRUE = "UNTRUE";

/** What was checked does not hold. */
export class UntrueError extends Error {
  /** Of the error that told of it; else what it is. */
  readonly code: string;

  constructor(message: string, code = UNTRUE) {
    super(message);
    this.code = code;
  }
}

/** Codes of errors that tell of something else than what was to be there. */
const DIFFERS: readonly string[] = ["MISMATCH", "RESULT_MISMATCH", "PARAMS_CHANGED", "PARAMS_LENGTH"];

/** For commands that check: an error that says no more than that what was checked does not hold, as one; any other as it is. */
export function judged(error: unknown): unknown {
  if (!(error instanceof FilError)) return error;
  const { code, action } = error.data as { readonly code: string; readonly action?: unknown };
  return DIFFERS.includes(code) || action === "reject" ? new UntrueError(describeError(error), code) : error;
}

/** What was typed cannot be meant. */
export class UsageError extends Error {}

/** A server that did not answer, and what can be done about it by the system's code, where that is not the general advice. */
export class UnreachableError extends Error {
  readonly advice: Readonly<Record<string, string>>;

  constructor(place: string, cause: unknown, advice: Readonly<Record<string, string>> = {}) {
    super(`cannot reach ${place}`, { cause: withCode(cause) });
    this.advice = advice;
  }
}

/** The system's error inside what `fetch` or a driver threw. Deno gives its text without the code. */
function withCode(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  // Node tries all addresses of a name; each failed in its own way, and the first is as good as any.
  const inside = thrown.cause ?? thrown;
  const cause = inside instanceof AggregateError ? (inside.errors[0] ?? inside) : inside;
  if (!(cause instanceof Error) || "code" in cause || !/connection refused/i.test(cause.message)) return cause;
  return Object.assign(new Error(cause.message), { code: "ECONNREFUSED" });
}

export class InterruptedError extends Error {
  /** `lead`: what stands before the next step. */
  constructor(nextStep?: string, lead = "to go on") {
    super(nextStep === undefined ? "interrupted" : `interrupted; ${lead}: ${nextStep}`);
  }
}

/** What can be done about an error of the system, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "this user may not; check owner and permissions",
  EPERM: "this user may not; check owner and permissions",
  EROFS: "the file system is read-only; name another place",
  ENOTDIR: "a part of the path is a file; name another place",
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the quota is used up; free some space",
  EMFILE: "too many open files; raise the limit (ulimit -n)",
  EADDRINUSE: "another program listens there; stop it, or give another --port (0 takes a free one)",
  EADDRNOTAVAIL: "this machine has no such address; --host 127.0.0.1 always works",
  ENOTFOUND: "the name is not known; check its spelling",
  ECONNREFUSED: "nothing listens there; check address and port",
  ECONNRESET: "the connection was cut off; try again, and look at what the server says",
  ETIMEDOUT: "no answer came; check the address, and the network in between",
  EHOSTUNREACH: "no way leads there; check the address, and the network in between",
  ENETUNREACH: "no way leads there; check the address, and the network in between",
};

/** The first code of the system ("EACCES") among an error and its causes, with the call that failed. */
function systemCode(error: unknown): { readonly code: string; readonly syscall: string } | null {
  for (let next = error, depth = 0; next instanceof Error && depth < 8; next = next.cause, depth++) {
    const { code, syscall } = next as NodeJS.ErrnoException;
    if (typeof code === "string" && /^E[A-Z]+$/.test(code)) return { code, syscall: syscall ?? "" };
  }
  return null;
}

/** Whether it was the system, not a server's answer, that ended a call. */
export function hasSystemCode(error: unknown): boolean {
  return systemCode(withCode(error)) !== null;
}

/** What Node says of a file: "ENOENT: no such file or directory, open 'x'". */
const FILE_ERROR = /\b(E[A-Z]+): ([^,:]+), \w+(?: '([^']*)'(?: -> '[^']*')?)?/;

/** The same for people: "x: no such file or directory (ENOENT)"; the name only once. */
function fileText(text: string): string {
  return text.replace(FILE_ERROR, (_, code: string, reason: string, file: string | undefined, at: number) => {
    const isNamed = file === undefined || text.slice(0, at).includes(file);
    return `${isNamed ? "" : `${file}: `}${reason} (${code})`;
  });
}

/** A reason for what the system refused, without the file's name: for messages that name the file themselves. */
export function systemReason(cause: NodeJS.ErrnoException): string {
  const [, , reason = cause.message] = FILE_ERROR.exec(cause.message) ?? [];
  return reason;
}

/** An error about a file that carries the system's code, but not its text a second time. */
export function fileError(what: string, cause: NodeJS.ErrnoException): Error {
  const { code, syscall } = cause;
  return Object.assign(new Error(`${what}: ${systemReason(cause)}`), { code, syscall });
}

/** One line for people: what went wrong, causes included, and what can be done. */
export function explain(error: unknown): string {
  const text = fileText(describeError(error));
  const system = systemCode(error);
  if (system === null) return text;
  const listens = system.syscall === "listen" && system.code === "EACCES";
  const own = error instanceof UnreachableError ? error.advice[system.code] : undefined;
  const advice = listens
    ? "ports below 1024 are for the administrator; give another --port"
    : (own ?? ADVICE[system.code]);
  const named = text.includes(system.code) ? text : `${text} (${system.code})`;
  return advice === undefined ? named : `${named}; ${advice}`;
}

/** One line that says what went wrong; the stack only when `FILIGREE_DEBUG` is set. */
export function complain(error: unknown): void {
  const own = error instanceof FilError ? error.data.code : error instanceof UntrueError ? error.code : UNTRUE;
  const code = own === UNTRUE ? "" : ` [${own}]`;
  process.stderr.write(`${paint(process.stderr, "red", "error:")} ${plainText(explain(error))}${code}\n`);
  if (process.env["FILIGREE_DEBUG"] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

/** An error as all commands give it with `--json`: one line on standard output, beside the text for people on the other. */
export function tellJson(error: string, code: string): void {
  process.stdout.write(`${JSON.stringify({ ok: false, error, code })}\n`);
}

/** Tells what ended a command, as JSON too where that was asked for, and gives the exit code. */
export function report(error: unknown, asJson: boolean): number {
  complain(error);
  const [exit, code] = kindOf(error);
  if (exit === EXIT.usage) process.stderr.write("(--help shows the options)\n");
  if (asJson) tellJson(explain(error), error instanceof FilError ? error.data.code : code);
  return exit;
}

/** The exit code of an error, and a code for scripts of one that has none of its own. */
function kindOf(error: unknown): readonly [exit: number, code: string] {
  if (error instanceof UsageError || error instanceof OptionError) return [EXIT.usage, "USAGE"];
  if (error instanceof InterruptedError) return [EXIT.interrupted, "INTERRUPTED"];
  if (error instanceof UntrueError) return [EXIT.untrue, error.code];
  if (error instanceof UnreachableError) return [EXIT.failure, "UNREACHABLE"];
  return [EXIT.failure, systemCode(error)?.code ?? "FAILED"];
}
