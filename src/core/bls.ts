/**
 * BLS signatures over BLS12-381 and drand beacons: the typed face of that half of `crypto.wasm`.
 *
 * Filecoin's keys lie in G1 (48 bytes), its signatures in G2 (96 bytes); secret keys are 32 bytes, little-endian, from 1
 * to below the group's order. "Short" is the other way round, as drand's quicknet has it: signatures of 48 bytes under
 * keys of 96. All points are compressed; an encoding that is not exactly canonical, or a point outside of the group of
 * prime order, makes a verification false. A wrong length is a `BAD_LENGTH` error: the caller mistook the kind of thing.
 */
import { toHex } from "../base/bytes.ts";
import { CryptoError, checkLength } from "./hashes.ts";
import type { Instance } from "./instance.ts";

/** One message of an aggregate, and the key it is signed under (48 bytes). */
export type BlsSigned = { readonly publicKey: Uint8Array; readonly message: Uint8Array };

/** A message, the key it is signed under (48 bytes) and the signature (96 bytes). */
export type BlsSignature = BlsSigned & { readonly signature: Uint8Array };

export type Bls = {
  /** Public key (48 bytes) of a secret key. Errors: `BAD_SECRET_KEY`. */
  blsPublicKey(secretKey: Uint8Array): Uint8Array;
  /** Signs with Filecoin's tag: 96 bytes. Time does not depend on the secret. Errors: `BAD_SECRET_KEY`. */
  blsSign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** Whether `signature` (96 bytes) is `publicKey`'s (48 bytes) on the message. */
  blsVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * Whether `signature` is the sum of valid signatures on all the messages. False for no messages.
   * The same message may occur twice only because Filecoin's messages name their sender; where messages do not bind the
   * signer, rogue keys can forge, so `distinct` refuses duplicates (as the network's library has done since 2021).
   */
  blsVerifyAggregate(
    messages: Iterable<BlsSigned>,
    signature: Uint8Array,
    options?: { readonly distinct?: boolean },
  ): boolean;
  /**
   * Whether all of several signatures are right, in less time than one after another takes, those under one key side by
   * side least. `random`: 8 fresh random bytes for each; whoever knew them before could make wrong signatures pass.
   */
  blsVerifyBatch(signed: readonly BlsSignature[], random: Uint8Array): boolean;
  /** Sums signatures (96 bytes each). Errors: `BAD_POINT` if one is no point of the group. */
  blsAggregate(signatures: readonly Uint8Array[]): Uint8Array;
  /** Whether 48 bytes are a canonical point of G1 other than the neutral one. */
  blsIsPublicKey(publicKey: Uint8Array): boolean;
  /** Secret key from a seed of 32 bytes or more: KeyGen of draft-irtf-cfrg-bls-signature-05, written little-endian. */
  blsKeyFromSeed(seed: Uint8Array): Uint8Array;
  /** Key of 96 bytes for the exchanged groups. Errors: `BAD_SECRET_KEY`. */
  blsShortPublicKey(secretKey: Uint8Array): Uint8Array;
  /** Signature of 48 bytes under the exchanged groups' tag. Errors: `BAD_SECRET_KEY`. */
  blsShortSign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** Whether `signature` (48 bytes) is `publicKey`'s (96 bytes) on the message. */
  blsShortVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /**
   * Whether `signature` (96 bytes) is a round of the drand network with this key (48 bytes). `previous`: the previous
   * round's signature for a chained network, absent for an unchained one.
   */
  drandVerify(publicKey: Uint8Array, round: bigint, signature: Uint8Array, previous?: Uint8Array): boolean;
  /** Whether `signature` (48 bytes) is a round of drand's quicknet with this key (96 bytes). */
  drandVerifyQuicknet(publicKey: Uint8Array, round: bigint, signature: Uint8Array): boolean;
};

/** What the BLS half of `crypto.wasm` exports; see `assembly/crypto/bls.ts`. */
export type BlsExports = {
  scratchPtr(): number;
  blsPublicKey(out: number, secret: number): number;
  blsPublicKeyLong(out: number, secret: number): number;
  blsSign(out: number, secret: number, message: number, length: number): number;
  blsSignShort(out: number, secret: number, message: number, length: number): number;
  blsVerify(publicKey: number, message: number, length: number, signature: number): number;
  blsVerifyShort(publicKey: number, message: number, length: number, signature: number): number;
  blsAggregate(out: number, signatures: number, count: number): number;
  blsAggregateInit(context: number, signature: number): void;
  blsAggregateUpdate(context: number, publicKey: number, message: number, length: number): void;
  blsAggregateFinal(context: number): number;
  blsBatchInit(): void;
  blsBatchAdd(publicKey: number, message: number, length: number, signature: number, scalar: number): void;
  blsBatchFinal(): number;
  blsPublicKeyIsValid(publicKey: number): number;
  blsKeyFromSeed(out: number, seed: number, length: number): number;
  drandVerify(publicKey: number, round: bigint, previous: number, length: number, signature: number): number;
  drandVerifyQuicknet(publicKey: number, round: bigint, signature: number): number;
};

/** Bytes of a scalar of a batch, and the one that stands for zero. */
const SCALAR_BYTES = 8;
const ONE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
const SECRET_BYTES = 32;
const G1_BYTES = 48;
const G2_BYTES = 96;
/** Layout of the scratch region: key or secret, signature or result, context of an aggregate, message. */
const KEY_AT = 0;
const SIGNATURE_AT = 96;
const CONTEXT_AT = 192;
const MESSAGE_AT = 32768;
/** Longest message: a Filecoin message has a limit of 32 KiB, what is signed is its CID or a few hundred bytes. */
const MAX_MESSAGE_BYTES = 196608;
const MAX_ROUND = (1n << 64n) - 1n;

/** The BLS functions of an instance of `crypto.wasm`. */
export function blsOf(instance: Instance<BlsExports>): Bls {
  const core = instance.exports;
  const scratch = core.scratchPtr();
  const [keyAt, signatureAt, contextAt, messageAt] = [KEY_AT, SIGNATURE_AT, CONTEXT_AT, MESSAGE_AT].map(
    (offset) => scratch + offset,
  ) as [number, number, number, number];

  const putKey = (key: Uint8Array, length: number): void => {
    checkLength("public key", key.length, length);
    instance.write(keyAt, key);
  };
  const putSignature = (signature: Uint8Array, length: number): void => {
    checkLength("signature", signature.length, length);
    instance.write(signatureAt, signature);
  };
  const putMessage = (message: Uint8Array): void => {
    checkLength("message", message.length, 0, MAX_MESSAGE_BYTES);
    instance.write(messageAt, message);
  };
  /** Runs `call` with the secret in place, and leaves nothing of it in the region. */
  const withSecret = (secret: Uint8Array, length: number, call: () => number): Uint8Array => {
    checkLength("secret key", secret.length, SECRET_BYTES);
    instance.write(keyAt, secret);
    const done = call();
    instance.wipe(keyAt, SECRET_BYTES);
    if (done === 0)
      throw new CryptoError({ code: "BAD_SECRET_KEY" }, "secret key is zero or not below the group's order");
    return instance.read(signatureAt, length);
  };
  const checkRound = (round: bigint): void => {
    if (round < 0n || round > MAX_ROUND) throw new RangeError(`round ${round} is no unsigned 64-bit number`);
  };

  return {
    blsPublicKey: (secret) => withSecret(secret, G1_BYTES, () => core.blsPublicKey(signatureAt, keyAt)),
    blsShortPublicKey: (secret) => withSecret(secret, G2_BYTES, () => core.blsPublicKeyLong(signatureAt, keyAt)),
    blsSign: (secret, message) => {
      putMessage(message);
      return withSecret(secret, G2_BYTES, () => core.blsSign(signatureAt, keyAt, messageAt, message.length));
    },
    blsShortSign: (secret, message) => {
      putMessage(message);
      return withSecret(secret, G1_BYTES, () => core.blsSignShort(signatureAt, keyAt, messageAt, message.length));
    },
    blsVerify: (publicKey, message, signature) => {
      putKey(publicKey, G1_BYTES);
      putSignature(signature, G2_BYTES);
      putMessage(message);
      return core.blsVerify(keyAt, messageAt, message.length, signatureAt) !== 0;
    },
    blsShortVerify: (publicKey, message, signature) => {
      putKey(publicKey, G2_BYTES);
      putSignature(signature, G1_BYTES);
      putMessage(message);
      return core.blsVerifyShort(keyAt, messageAt, message.length, signatureAt) !== 0;
    },
    blsVerifyAggregate: (messages, signature, options = {}) => {
      const seen = new Set<string>();
      // All of them first: making the next message may use this very region, by hashing it for instance.
      const list = [...messages];
      putSignature(signature, G2_BYTES);
      core.blsAggregateInit(contextAt, signatureAt);
      for (const { publicKey, message } of list) {
        if (options.distinct === true && seen.size === seen.add(toHex(message)).size) return false;
        putKey(publicKey, G1_BYTES);
        putMessage(message);
        core.blsAggregateUpdate(contextAt, keyAt, messageAt, message.length);
      }
      return list.length > 0 && core.blsAggregateFinal(contextAt) !== 0;
    },
    blsVerifyBatch: (signed, random) => {
      checkLength("random bytes", random.length, signed.length * SCALAR_BYTES);
      core.blsBatchInit();
      signed.forEach(({ publicKey, message, signature }, i) => {
        putKey(publicKey, G1_BYTES);
        putSignature(signature, G2_BYTES);
        putMessage(message);
        const scalar = random.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES);
        instance.write(contextAt, scalar.every((byte) => byte === 0) ? ONE : scalar);
        core.blsBatchAdd(keyAt, messageAt, message.length, signatureAt, contextAt);
      });
      return core.blsBatchFinal() !== 0;
    },
    blsAggregate: (signatures) => {
      let sum: Uint8Array | null = null;
      // The sum so far takes its place before each further group of signatures.
      for (let at = 0; at < signatures.length || sum === null; at += 1024) {
        const group: Uint8Array[] = signatures.slice(at, at + 1024);
        if (sum !== null) group.unshift(sum);
        group.forEach((signature, i) => {
          checkLength("signature", signature.length, G2_BYTES);
          instance.write(messageAt + i * G2_BYTES, signature);
        });
        if (core.blsAggregate(signatureAt, messageAt, group.length) === 0)
          throw new CryptoError({ code: "BAD_POINT", what: "signature" }, "a signature is no point of the group");
        sum = instance.read(signatureAt, G2_BYTES);
      }
      return sum;
    },
    blsIsPublicKey: (publicKey) => {
      if (publicKey.length !== G1_BYTES) return false;
      instance.write(keyAt, publicKey);
      return core.blsPublicKeyIsValid(keyAt) !== 0;
    },
    blsKeyFromSeed: (seed) => {
      checkLength("seed", seed.length, 32, MAX_MESSAGE_BYTES);
      instance.write(messageAt, seed);
      core.blsKeyFromSeed(keyAt, messageAt, seed.length);
      const key = instance.read(keyAt, SECRET_BYTES);
      instance.wipe(messageAt, seed.length);
      instance.wipe(keyAt, SECRET_BYTES);
      return key;
    },
    drandVerify: (publicKey, round, signature, previous = new Uint8Array()) => {
      checkRound(round);
      putKey(publicKey, G1_BYTES);
      putSignature(signature, G2_BYTES);
      putMessage(previous);
      return core.drandVerify(keyAt, BigInt.asIntN(64, round), messageAt, previous.length, signatureAt) !== 0;
    },
    drandVerifyQuicknet: (publicKey, round, signature) => {
      checkRound(round);
      putKey(publicKey, G2_BYTES);
      putSignature(signature, G1_BYTES);
      return core.drandVerifyQuicknet(keyAt, BigInt.asIntN(64, round), signatureAt) !== 0;
    },
  };
}
