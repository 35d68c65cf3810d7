/**
 * Errors of the host.
 *
 * An error is told apart by the `code` inside its data, a union of strings per room, never by its message: messages are
 * for people and may change. Data holds only what survives a structured clone, so that an error can cross a worker.
 *
 * @example
 * type KeyErrorData = { readonly code: "KEY_LOCKED" } | { readonly code: "KEY_UNKNOWN"; readonly address: string };
 * class KeyError extends FilError<KeyErrorData> {}
 * throw new KeyError({ code: "KEY_UNKNOWN", address }, `no key for ${address}`, { cause });
 */

export type ErrorData = { readonly code: string };

/** Base of every error that this package throws on purpose. */
export class FilError<Data extends ErrorData = ErrorData> extends Error {
  readonly data: Data;

  constructor(data: Data, message: string, options?: { readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.data = data;
  }

  get code(): Data["code"] {
    return this.data.code;
  }
}

/** Whether `error` is one of ours, and, when `code` is given, carries that code. */
export function isFilError(error: unknown, code?: string): error is FilError {
  return error instanceof FilError && (code === undefined || error.code === code);
}

/** Any value in a few characters, for messages: numbers and short texts as they are, of all else the type. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (typeof value === "number" || typeof value === "bigint") return String(value).slice(0, 40);
  return value === null ? "null" : typeof value;
}

/** Causes that are told. */
const MOST_CAUSES = 8;

/**
 * One line for people about anything that was thrown, causes included; what a text says already is not said again. A next step, which
 * stands behind "; ", comes after the causes.
 */
export function describeError(error: unknown): string {
  const [said, facts, steps]: [string[], string[], string[]] = [[], [], []];
  for (let next: unknown = error, depth = 0; next !== undefined && depth < MOST_CAUSES; depth++) {
    const text = next instanceof Error ? next.message : String(next);
    next = next instanceof Error ? next.cause : undefined;
    if (text === "" || said.some((part) => part.includes(text))) continue;
    said.push(text);
    const end = next === undefined ? -1 : text.indexOf("; ");
    facts.push(end < 0 ? text : text.slice(0, end));
    if (end >= 0) steps.unshift(text.slice(end + 2));
  }
  return [facts.join(": "), ...steps].join("; ");
}

/** What of an error crosses between threads: its class is lost in a clone, its data must not be. */
export type Failure = { readonly name: string; readonly message: string; readonly data: unknown };

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), data: null };
  const { code, data = null } = error as { code?: unknown; data?: unknown };
  // The system's errors have a code ("EACCES") that says more than their class.
  return { name: data === null && typeof code === "string" ? code : error.name, message: error.message, data };
}
