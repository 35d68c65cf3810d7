/**
 * Tokens: JWT (HS256) that carry `{"Allow": ["read", …]}`, as the network's tools make and send them.
 * A higher level includes the lower ones only if the list says so; `AuthNew` is given the whole list.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from "../base/bytes.ts";
import { RPC_CODE, RpcError } from "./errors.ts";

export type Permission = "read" | "write" | "sign" | "admin";
export const PERMISSIONS: readonly Permission[] = ["read", "write", "sign", "admin"];

/** Longest token that is looked at, characters. */
const MAX_TOKEN = 4096;
const HEADER = toBase64Url(utf8('{"alg":"HS256","typ":"JWT"}'));

function mac(secret: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, secret, utf8(text));
}

export function makeToken(secret: Uint8Array, allow: readonly Permission[]): string {
  const body = `${HEADER}.${toBase64Url(utf8(JSON.stringify({ Allow: allow })))}`;
  return `${body}.${toBase64Url(mac(secret, body))}`;
}

function refuse(why: string): never {
  throw new RpcError(RPC_CODE.untyped, `JWT Verification failed: ${why}`);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= (a[i] ?? 0) ^ (b[i] as number);
  return difference === 0;
}

/** Permissions of a token; throws `RpcError` if it is malformed, not ours, or expired (`now` in seconds). */
export function verifyToken(secret: Uint8Array, token: string, now: number): readonly Permission[] {
  const parts = token.length > MAX_TOKEN ? [] : token.split(".");
  const [head, body, signature] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined)
    return refuse("not a token");
  let header: unknown;
  let payload: unknown;
  let given: Uint8Array;
  try {
    header = JSON.parse(fromUtf8(fromBase64Url(head)));
    payload = JSON.parse(fromUtf8(fromBase64Url(body)));
    given = fromBase64Url(signature);
  } catch {
    return refuse("not a token");
  }
  if ((header as { alg?: unknown } | null)?.alg !== "HS256") return refuse("the algorithm must be HS256");
  if (!sameBytes(given, mac(secret, `${head}.${body}`))) return refuse("the signature does not match");
  const { Allow: allow, exp } = (payload ?? {}) as { Allow?: unknown; exp?: unknown };
  if (typeof exp === "number" && exp <= now) return refuse("the token has expired");
  if (!Array.isArray(allow)) return refuse("no list of permissions");
  return PERMISSIONS.filter((permission) => allow.includes(permission));
}
