/** The secret that a node's tokens are made with, kept among its secrets. */
import { platform } from "#platform";
import type { Secrets } from "../platform/secrets.ts";

const NAME = "token-secret";
const BYTES = 32;

export async function tokenSecret(secrets: Secrets): Promise<Uint8Array> {
  const known = await secrets.read(NAME);
  if (known !== null && known.length === BYTES) return known;
  const secret = platform.randomBytes(BYTES);
  await secrets.write(NAME, secret);
  return secret;
}
