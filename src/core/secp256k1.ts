/** ECDSA over secp256k1, Filecoin's first signature type, over `crypto.wasm`; rules in assembly/crypto/curve/secp256k1.ts. */
import { CryptoError, checkLength } from "./hashes.ts";
import type { Instance } from "./instance.ts";

export type Secp256k1 = {
  /**
   * The 65-byte public key, 0x04 || x || y, of a 32-byte secret key.
   * Throws `BAD_SECRET_KEY` if the secret is zero or not below the group's order.
   */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /**
   * Signs a 32-byte digest: 65 bytes r || s || v, s low, v the recovery id. Deterministic (RFC 6979).
   * Throws `BAD_SECRET_KEY`.
   */
  sign(digest: Uint8Array, secretKey: Uint8Array): Uint8Array;
  /**
   * Whether a signature (65 bytes, whose v is not looked at, or the 64 bytes r || s) is the key's over the digest.
   * A high s is refused. A public key that is not 0x04 and a point of the curve verifies nothing.
   */
  verify(digest: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
  /** The 65-byte public key that made a 65-byte signature over the digest; null if none can have. High s is accepted. */
  recover(digest: Uint8Array, signature: Uint8Array): Uint8Array | null;
};

/** What this half of `crypto.wasm` exports; all arguments are addresses. */
export type Secp256k1Exports = {
  scratchPtr(): number;
  secp256k1PublicKey(secret: number, out: number): number;
  secp256k1Sign(digest: number, secret: number, out: number): number;
  secp256k1Verify(digest: number, signature: number, key: number): number;
  secp256k1Recover(digest: number, signature: number, out: number): number;
};

/** Signatures over an instance of `crypto.wasm`. */
export function secp256k1Of(instance: Instance<Secp256k1Exports>): Secp256k1 {
  const core = instance.exports;
  const digestAt = core.scratchPtr();
  const secretAt = digestAt + 32;
  const signatureAt = digestAt + 64;
  const keyAt = digestAt + 160;
  const secretRefused = (): CryptoError =>
    new CryptoError({ code: "BAD_SECRET_KEY" }, "secp256k1: secret key is zero or not below the group's order");

  return {
    publicKey(secretKey) {
      checkLength("secp256k1 secret key", secretKey.length, 32);
      instance.write(secretAt, secretKey);
      const done = core.secp256k1PublicKey(secretAt, keyAt);
      instance.wipe(secretAt, 32);
      if (done === 0) throw secretRefused();
      return instance.read(keyAt, 65);
    },
    sign(digest, secretKey) {
      checkLength("digest", digest.length, 32);
      checkLength("secp256k1 secret key", secretKey.length, 32);
      instance.write(digestAt, digest);
      instance.write(secretAt, secretKey);
      const done = core.secp256k1Sign(digestAt, secretAt, signatureAt);
      instance.wipe(secretAt, 32);
      if (done === 0) throw secretRefused();
      return instance.read(signatureAt, 65);
    },
    verify(digest, signature, publicKey) {
      checkLength("digest", digest.length, 32);
      checkLength("secp256k1 signature", signature.length, 64, 65);
      checkLength("secp256k1 public key", publicKey.length, 65);
      instance.write(digestAt, digest);
      instance.write(signatureAt, signature);
      instance.write(keyAt, publicKey);
      return core.secp256k1Verify(digestAt, signatureAt, keyAt) !== 0;
    },
    recover(digest, signature) {
      checkLength("digest", digest.length, 32);
      checkLength("secp256k1 signature", signature.length, 65);
      instance.write(digestAt, digest);
      instance.write(signatureAt, signature);
      return core.secp256k1Recover(digestAt, signatureAt, keyAt) === 0 ? null : instance.read(keyAt, 65);
    },
  };
}
