/** secp256k1 through the public face, copies into and out of the module included. */
import { secp256k1 as noble } from "@noble/curves/secp256k1.js";
import nativeSecp from "secp256k1";
import * as tiny from "tiny-secp256k1";
import { loadCrypto } from "../dist/core/crypto.js";

export const title = "secp256k1";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

export async function cases() {
  const crypto = await loadCrypto();
  const secret = new Uint8Array(32).map((_, i) => i * 7 + 1);
  const digest = crypto.blake2b256(secret);
  const signature = crypto.secp256k1.sign(digest, secret);
  const key = crypto.secp256k1.publicKey(secret);
  const compact = signature.slice(0, 64);
  const v = signature[64];
  // @noble/curves writes the recovery id first
  const nobleSignature = Uint8Array.of(v, ...compact);
  const nobleOptions = { prehash: false, format: "recovered" };
  return [
    {
      name: "recover, 65-byte key",
      answer: hex,
      target: { "tiny-secp256k1": 1.2 },
      native: ["secp256k1 (native)"],
      contestants: {
        ours: () => crypto.secp256k1.recover(digest, signature),
        "tiny-secp256k1": () => tiny.recover(digest, compact, v, false),
        "@noble/curves": () =>
          noble.Signature.fromBytes(nobleSignature, "recovered").recoverPublicKey(digest).toBytes(false),
        "secp256k1 (native)": () => nativeSecp.ecdsaRecover(compact, v, digest, false),
      },
    },
    {
      name: "verify",
      answer: String,
      native: ["secp256k1 (native)"],
      contestants: {
        ours: () => crypto.secp256k1.verify(digest, compact, key),
        "tiny-secp256k1": () => tiny.verify(digest, key, compact),
        "@noble/curves": () => noble.verify(compact, digest, key, { prehash: false }),
        "secp256k1 (native)": () => nativeSecp.ecdsaVerify(compact, digest, key),
      },
    },
    {
      name: "sign, recoverable",
      answer: hex,
      native: ["secp256k1 (native)"],
      contestants: {
        ours: () => crypto.secp256k1.sign(digest, secret).subarray(0, 64),
        "tiny-secp256k1": () => tiny.signRecoverable(digest, secret).signature,
        "@noble/curves": () => noble.sign(digest, secret, nobleOptions).subarray(1),
        "secp256k1 (native)": () => nativeSecp.ecdsaSign(digest, secret).signature,
      },
    },
    {
      name: "public key of a secret",
      answer: hex,
      native: ["secp256k1 (native)"],
      contestants: {
        ours: () => crypto.secp256k1.publicKey(secret),
        "tiny-secp256k1": () => tiny.pointFromScalar(secret, false),
        "@noble/curves": () => noble.getPublicKey(secret, false),
        "secp256k1 (native)": () => nativeSecp.publicKeyCreate(secret, false),
      },
    },
  ];
}
