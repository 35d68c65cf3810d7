/**
 * Keys in the open: secrets, the addresses they own and the signatures they make.
 *
 * Secrets are 32 bytes; a secp256k1 secret is big-endian, a BLS secret little-endian, as the network's tools export
 * them. Messages are signed over the bytes of their CID.
 */
import { FilError } from "../base/errors.ts";
import { Address } from "../types/address.ts";
import { EthError, signerOf, transactionOf } from "../types/eth-transaction.ts";
import { type Message, messageCid, SIGNATURE_TYPE, type Signature, type SignedMessage } from "../types/message.ts";

export type KeyErrorData =
  | { readonly code: "BAD_SECRET"; readonly reason: string }
  | { readonly code: "UNKNOWN_KEY"; readonly address: string }
  | { readonly code: "BAD_MNEMONIC"; readonly reason: string }
  | { readonly code: "BAD_EXPORT"; readonly reason: string }
  | { readonly code: "LOCKED" }
  | { readonly code: "NO_PASSPHRASE" }
  | { readonly code: "BAD_KEYSTORE"; readonly reason: string };
export class KeyError extends FilError<KeyErrorData> {}

export type KeyType = "secp256k1" | "bls";
export type KeyInfo = { readonly type: KeyType; readonly secret: Uint8Array };

/** What keys need of the core; `loadCrypto()` offers it. */
export type KeyCrypto = {
  blake2b256(bytes: Uint8Array): Uint8Array;
  readonly secp256k1: {
    /** 65-byte uncompressed public key. */
    publicKey(secret: Uint8Array): Uint8Array;
    /** 65-byte signature r ‖ s ‖ v over a 32-byte digest. */
    sign(digest: Uint8Array, secret: Uint8Array): Uint8Array;
    /** Public key that made a signature, null if none did. */
    recover(digest: Uint8Array, signature: Uint8Array): Uint8Array | null;
  };
  blsPublicKey(secret: Uint8Array): Uint8Array;
  blsSign(secret: Uint8Array, message: Uint8Array): Uint8Array;
  blsVerify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
};

/** Public key and address of a secret. Throws `KeyError` if the secret is not a valid scalar. */
export function addressOf(crypto: KeyCrypto, key: KeyInfo): Address {
  if (key.secret.length !== 32)
    throw new KeyError({ code: "BAD_SECRET", reason: "length" }, `a secret has 32 bytes, not ${key.secret.length}`);
  try {
    if (key.type === "secp256k1") return Address.secp256k1(crypto.secp256k1.publicKey(key.secret));
    return Address.bls(crypto.blsPublicKey(key.secret));
  } catch (cause) {
    throw new KeyError({ code: "BAD_SECRET", reason: "scalar" }, "the secret is not a valid scalar", { cause });
  }
}

/** Signs bytes: secp256k1 over their blake2b-256 digest, BLS over the bytes. */
export function signBytes(crypto: KeyCrypto, key: KeyInfo, bytes: Uint8Array): Signature {
  if (key.type === "secp256k1")
    return { type: SIGNATURE_TYPE.secp256k1, data: crypto.secp256k1.sign(crypto.blake2b256(bytes), key.secret) };
  return { type: SIGNATURE_TYPE.bls, data: crypto.blsSign(key.secret, bytes) };
}

export function signMessage(crypto: KeyCrypto, key: KeyInfo, message: Message): SignedMessage {
  return { message, signature: signBytes(crypto, key, messageCid(message).bytes) };
}

/** Whether `signature` over `bytes` was made by the key behind `signer` (a secp256k1 or BLS address). */
export function verifyBytes(crypto: KeyCrypto, signature: Signature, signer: Address, bytes: Uint8Array): boolean {
  if (signature.type === SIGNATURE_TYPE.secp256k1) {
    if (signature.data.length !== 65 || signer.protocol !== 1) return false;
    const publicKey = crypto.secp256k1.recover(crypto.blake2b256(bytes), signature.data);
    return publicKey !== null && Address.secp256k1(publicKey).equals(signer);
  }
  if (signature.type !== SIGNATURE_TYPE.bls || signature.data.length !== 96 || signer.protocol !== 3) return false;
  return crypto.blsVerify(signer.bytes.slice(1), bytes, signature.data);
}

/** Whether a message is signed by the key behind `signer`; a delegated signature is over an Ethereum transaction of the chain id. */
export function verifyMessage(crypto: KeyCrypto, signed: SignedMessage, signer: Address, chainId: number): boolean {
  const { message, signature } = signed;
  if (signature.type !== SIGNATURE_TYPE.delegated)
    return verifyBytes(crypto, signature, signer, messageCid(message).bytes);
  try {
    return signerOf(crypto, transactionOf(signed), chainId)?.equals(signer) ?? false;
  } catch (error) {
    if (error instanceof EthError) return false;
    throw error;
  }
}

/** Deterministic key of a local network: blake2b-256 of seed and purpose, repeated until it is a valid scalar. */
export function deriveKey(crypto: KeyCrypto, seed: string, purpose: string, type: KeyType): KeyInfo {
  const text = new TextEncoder();
  for (let round = 0; ; round++) {
    const key = keyFrom(type, crypto.blake2b256(text.encode(`filigree/${seed}/${purpose}/${type}/${round}`)));
    if (key.secret.some((byte) => byte !== 0)) return key;
  }
}

/** The key of 32 random bytes. Both group orders exceed 2^254: without its two highest bits any number but 0 is a secret. */
export function keyFrom(type: KeyType, bytes: Uint8Array): KeyInfo {
  const secret = bytes.slice();
  const top = type === "bls" ? 31 : 0;
  secret[top] = (secret[top] as number) & 0x3f;
  return { type, secret };
}
