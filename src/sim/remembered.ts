/**
 * Cryptography that computes nothing twice: all nodes of a simulation ask the same questions, and the answers are pure
 * functions of their inputs. A BLS signature that was made here is known to be good, as is the sum of such signatures, for
 * there is one signature only of a message under a key; any other is verified. Only processor time is saved.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { equal } from "../base/bytes.ts";
import type { Crypto } from "../core/crypto.ts";

/** Answers kept of each question: those of some 150 epochs of eight nodes. */
const KEPT = 1 << 12;
const LATIN1 = new TextDecoder("latin1");

/** The same functions, with memory. */
export function remembering(crypto: Crypto): Crypto {
  const { secp256k1 } = crypto;
  const verify = remembered(crypto.blsVerify);
  const shortVerify = remembered(crypto.blsShortVerify);
  const publicKey = remembered(crypto.blsPublicKey);
  const shortPublicKey = remembered(crypto.blsShortPublicKey);
  const made = new BoundedMap<string, Uint8Array>(KEPT);
  const sign = remembered((secret: Uint8Array, message: Uint8Array) => {
    const signature = crypto.blsSign(secret, message);
    verify.know(true, publicKey(secret), message, signature);
    made.set(nameOf([publicKey(secret), message]), signature);
    return signature;
  });
  const sum = remembered(crypto.blsAggregate);
  const aggregate: Crypto["blsVerifyAggregate"] = (messages, signature, options) => {
    const list = [...messages];
    const signatures = list.map(({ publicKey: key, message }) => made.get(nameOf([key, message])));
    const known = signatures.filter((one) => one !== undefined);
    if (options?.distinct !== true && known.length > 0 && known.length === list.length && equal(sum(known), signature))
      return true;
    return crypto.blsVerifyAggregate(list, signature, options);
  };
  const batch: Crypto["blsVerifyBatch"] = (signed, random) => {
    const open = signed.filter((one) => !verify.isKnown(true, one.publicKey, one.message, one.signature));
    if (open.length === 0) return true;
    if (!crypto.blsVerifyBatch(open, random.subarray(0, 8 * open.length))) return false;
    for (const { publicKey: key, message, signature } of open) verify.know(true, key, message, signature);
    return true;
  };
  /** A round's entry is a short signature on the digest of its number (drand, crypto/schemes.go), and may be known as such. */
  const quicknet = remembered((key: Uint8Array, round: bigint, signature: Uint8Array): boolean => {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, round);
    return (
      shortVerify.isKnown(true, key, crypto.sha256(number), signature) ||
      crypto.drandVerifyQuicknet(key, round, signature)
    );
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
    blsAggregate: sum,
    blsVerifyAggregate: remembered(aggregate),
    blsVerifyBatch: batch,
    blsPublicKey: publicKey,
    drandVerifyQuicknet: quicknet,
    blsShortSign: shortSign,
    blsShortVerify: shortVerify,
    blsShortPublicKey: shortPublicKey,
    secp256k1: { ...secp256k1, recover: remembered(secp256k1.recover) },
  };
}

type Remembered<Given extends readonly unknown[], Result> = ((...given: Given) => Result) & {
  /** Takes a result as computed. */
  know(result: Result, ...given: Given): void;
  /** Whether this result was computed, or taken as computed. */
  isKnown(result: Result, ...given: Given): boolean;
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
    isKnown: (result: Result, ...given: Given): boolean => known.get(nameOf(given))?.result === result,
  });
}

/** What was given, as a text of one character a byte that nothing else has. */
function nameOf(given: unknown): string {
  if (given instanceof Uint8Array) return `${given.length}:${LATIN1.decode(given)}`;
  if (Array.isArray(given)) return `[${given.map(nameOf).join()}]`;
  if (typeof given === "object" && given !== null) return nameOf(Object.entries(given).flat());
  return `${typeof given}:${String(given)};`;
}
