/** The secret that a node's tokens are made with, kept among its secrets. */
import { platform } from "#platform";
import { FilError } from "../base/errors.ts";
import type { Secrets } from "../platform/secrets.ts";

const NAME = "token-secret";
const BYTES = 32;

/** What is kept among the secrets and cannot be used. */
export class SecretError extends FilError<{ readonly code: "BAD_SECRET"; readonly name: string }> {}

/** The kept secret, or a new one where none is. What is there is never overwritten: throws `SecretError`. */
export async function tokenSecret(secrets: Secrets): Promise<Uint8Array> {
  const known = await secrets.read(NAME);
  if (known === null) {
    const secret = platform.randomBytes(BYTES);
    await secrets.write(NAME, secret);
    return secret;
  }
  if (known.length === BYTES) return known;
  throw new SecretError(
    { code: "BAD_SECRET", name: NAME },
    `the file "${NAME}" among the secrets is damaged (${known.length} bytes, not ${BYTES}); restore it from a copy, or ` +
      "move it away and start again: tokens that were made with it then hold no longer",
  );
}
