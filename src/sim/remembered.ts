/**
 * Cryptography that computes nothing twice: all nodes of a simulation ask the same questions, and the answers are pure
 * functions of their inputs. A BLS signature that was made here is known to be good; any other is verified. Only processor
 * time is saved.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { BoundedMap } from "../base/bounded-map.ts";
import type { Crypto } from "../core/crypto.ts";

const KEPT = 1 << 15;

/** The same functions, with memory. */
export function remembering(crypto: Crypto): Crypto {
  const { secp256k1 } = crypto;
  const verify = remembered(crypto.blsVerify);
  const shortVerify = remembered(crypto.blsShortVerify);
  const publicKey = remembered(crypto.blsPublicKey);
  const shortPublicKey = remembered(crypto.blsShortPublicKey);
  const sign = remembered((secret: Uint8Array, message: Uint8Array) => {
    const signature = crypto.blsSign(secret, message);
    verify.know(true, publicKey(secret), message, signature);
    return signature;
  });
  const shortSign = remembered((secret: Uint8Array, message: Uint8Array) => {
    const signature = crypto.blsShortSign(secret, message);
    shortVerify.know(true, shortPublicKey(secret), message, signature);
    return signature;
  });
  return {
    ...crypto,
    blsSign: sign,
    blsVerify: verify,
    blsVerifyAggregate: remembered(crypto.blsVerifyAggregate),
    blsPublicKey: publicKey,
    blsShortSign: shortSign,
    blsShortVerify: shortVerify,
    blsShortPublicKey: shortPublicKey,
    secp256k1: { ...secp256k1, recover: remembered(secp256k1.recover) },
  };
}

type Remembered<Given extends readonly unknown[], Result> = ((...given: Given) => Result) & {
  /** Takes a result as computed. */
  know(result: Result, ...given: Given): void;
};

function remembered<Given extends readonly unknown[], Result>(
  compute: (...given: Given) => Result,
): Remembered<Given, Result> {
  const known = new BoundedMap<string, { readonly result: Result }>(KEPT);
  const call = (...given: Given): Result => {
    const name = nameOf(given);
    const before = known.get(name);
    if (before !== undefined) return before.result;
    const result = compute(...given);
    known.set(name, { result });
    return result;
  };
  return Object.assign(call, {
    know: (result: Result, ...given: Given): void => known.set(nameOf(given), { result }),
  });
}

function nameOf(given: readonly unknown[]): string {
  const hash = blake2b.create({ dkLen: 20 });
  take(hash, given);
  return String.fromCharCode(...hash.digest());
}

/** Bytes, texts and plain structures of them, each with what it is and how long. */
function take(hash: { update(bytes: Uint8Array): unknown }, value: unknown): void {
  if (value instanceof Uint8Array) {
    mark(hash, 0, value.length);
    hash.update(value);
  } else if (Array.isArray(value)) {
    mark(hash, 1, value.length);
    for (const one of value) take(hash, one);
  } else if (typeof value === "object" && value !== null) take(hash, Object.entries(value).flat());
  else take(hash, new TextEncoder().encode(String(value)));
}

function mark(hash: { update(bytes: Uint8Array): unknown }, kind: number, length: number): void {
  hash.update(Uint8Array.of(kind, length & 255, (length >> 8) & 255, (length >> 16) & 255));
}
