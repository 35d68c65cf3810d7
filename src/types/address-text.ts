/** Addresses in texts: what is thrown where no network is known spells them as the main network does. */
import { Address, type NetworkPrefix } from "./address.ts";

/** A word that may be an address; what stands around it is no part of a longer name, path or number. */
const WORD = /(?<![\w./-])f[0-4][a-z0-9]{1,120}(?![\w/])/g;
/** Characters of a text that is looked at, and causes of an error. */
const MOST_TEXT = 10_000;
const MOST_CAUSES = 8;

/** A text with its addresses as a network spells them: "f0100" is "t0100" on all but the main network. */
export function spelledFor(prefix: NetworkPrefix, text: string): string {
  if (prefix === "f" || text.length > MOST_TEXT) return text;
  return text.replace(WORD, (word) => {
    try {
      return Address.parse(word).toString(prefix);
    } catch {
      return word;
    }
  });
}

/** Spells the addresses in the messages of an error and its causes. */
export function spellError(prefix: NetworkPrefix, error: unknown): void {
  let next = error;
  for (let depth = 0; next instanceof Error && depth < MOST_CAUSES; depth++) {
    const { message } = next;
    const spelled = spelledFor(prefix, message);
    // Those of the platform may be fixed.
    if (spelled !== message && Object.getOwnPropertyDescriptor(next, "message")?.writable === true)
      next.message = spelled;
    next = next.cause;
  }
}
