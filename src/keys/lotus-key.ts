/**
 * Keys as `lotus wallet export` writes them and `lotus wallet import` reads them: JSON {"Type", "PrivateKey"} with the
 * secret in base64, and by default that JSON in hexadecimal. Source: lotus cli/wallet.go, chain/types/keystore.go.
 */
import { fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../base/bytes.ts";
import { KeyError, type KeyInfo, type KeyType } from "./keys.ts";

/** A key in JSON-RPC and in exports. */
export type LotusKey = { readonly Type: KeyType; readonly PrivateKey: string };

/** Longest export that is looked at, characters. */
const MAX_TEXT = 4096;

export function toLotusKey({ type, secret }: KeyInfo): LotusKey {
  return { Type: type, PrivateKey: toBase64(secret) };
}

/** The text that `lotus wallet export` prints. */
export function exportKey(key: KeyInfo): string {
  return toHex(utf8(JSON.stringify(toLotusKey(key))));
}

function refuse(reason: string): never {
  throw new KeyError({ code: "BAD_EXPORT", reason }, `no key as lotus exports it: ${reason}`);
}

/** A key of either form of export. Throws `KeyError` BAD_EXPORT; the secret is not repeated. */
export function importKey(text: string): KeyInfo {
  const plain = text.trim();
  if (plain.length > MAX_TEXT) return refuse("it is too long");
  let json = plain;
  if (!plain.startsWith("{")) {
    if (!/^(?:[0-9a-f]{2})+$/i.test(plain)) return refuse("neither JSON nor hexadecimal digits");
    try {
      json = fromUtf8(fromHex(plain.toLowerCase()));
    } catch {
      return refuse("the digits are no text");
    }
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return refuse("it is not JSON");
  }
  return fromLotusKey(value);
}

/** The key of a parsed export. Throws `KeyError` BAD_EXPORT. */
export function fromLotusKey(value: unknown): KeyInfo {
  const { Type: type, PrivateKey: secret } = (value ?? {}) as { Type?: unknown; PrivateKey?: unknown };
  if (type !== "secp256k1" && type !== "bls") return refuse('Type is neither "secp256k1" nor "bls"');
  if (typeof secret !== "string" || secret.length > MAX_TEXT) return refuse("PrivateKey is no base64 text");
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(secret);
  } catch {
    return refuse("PrivateKey is no base64 text");
  }
  return bytes.length === 32 ? { type, secret: bytes } : refuse(`PrivateKey has ${bytes.length} bytes, not 32`);
}
