/** The admin token of a node that listens beyond this machine: made when it starts to, and kept in its folder. */
import { LOOPBACK_HOSTS, rpcUrl } from "../node/rpc-part.ts";
import { makeToken, PERMISSIONS } from "../rpc/auth.ts";
import { shellWord } from "./interrupt.ts";
import { keepOwnToken } from "./own-token.ts";

/** A token, and the file that keeps it; null where nothing is kept on disk. */
export type KeptToken = { readonly text: string; readonly file: string | null };

/** Null for a node on loopback, which needs none. */
export async function keepToken(
  { host, port }: { readonly host: string; readonly port: number },
  secret: Uint8Array,
  data: string | null,
): Promise<KeptToken | null> {
  if (LOOPBACK_HOSTS.includes(host)) return null;
  const text = makeToken(secret, PERMISSIONS);
  return { text, file: data === null ? null : await keepOwnToken(data, text, rpcUrl(host, port)) };
}

/** What is said of it when the node starts. */
export function tokenText({ text, file }: KeptToken, data: string | null): string {
  return file === null || data === null
    ? `${text}  (admin; shown once, keep it)`
    : `admin token in ${file}; others: filigree auth token --perm read --data ${shellWord(data)}`;
}
