/** Which failures mean that the data cannot be trusted or read any more: a node that meets one must not go on serving. */

/** Codes of storage, state manager and execution that say so. A disk that is full is none of them: it may get room. */
const DAMAGE = new Set(["CORRUPT", "DAMAGED", "BEHIND", "STATE_MISSING", "BLOCK_MISSING"]);
/** Causes that are looked through. */
const DEPTH = 8;

export function isDamage(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; at instanceof Error && depth < DEPTH; depth++) {
    const code = (at as { data?: { code?: unknown } | null }).data?.code;
    if (typeof code === "string" && DAMAGE.has(code)) return true;
    at = at.cause;
  }
  return false;
}
