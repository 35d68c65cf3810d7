/**
 * The arithmetic of secio: which algorithms two peers agree on, keys of their shared secret, boxes of cipher and code.
 * Source: go-libp2p-secio protocol.go, al.go.
 */
import { ctr } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { compare, concat, utf8 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { protobufField, readFields } from "../base/protobuf.ts";

export type SecioErrorData = {
  readonly code: "SECIO_BAD_MESSAGE" | "SECIO_NOTHING_IN_COMMON" | "SECIO_SELF" | "SECIO_WRONG_PEER" | "SECIO_FORGED";
};
export class SecioError extends FilError<SecioErrorData> {}

/** What this node offers, best first. Of the curves those that every platform's WebCrypto has. */
export const SECIO_OFFER = { exchanges: "P-256,P-384", ciphers: "AES-256,AES-128", hashes: "SHA256,SHA512" } as const;

export type Proposal = {
  readonly rand: Uint8Array;
  /** protobuf of the identity's public key */
  readonly publicKey: Uint8Array;
  readonly exchanges: string;
  readonly ciphers: string;
  readonly hashes: string;
};
export type Exchange = { readonly ephemeralKey: Uint8Array; readonly signature: Uint8Array };

export type Curve = "P-256" | "P-384";
export type Agreement = {
  readonly curve: Curve;
  readonly cipher: "AES-256" | "AES-128";
  readonly hash: "SHA256" | "SHA512";
  /** whether this side takes the first half of the keys */
  readonly isFirst: boolean;
};

const PROPOSAL = { rand: 1, publicKey: 2, exchanges: 3, ciphers: 4, hashes: 5 } as const;
const EXCHANGE = { ephemeralKey: 1, signature: 2 } as const;
const MAX_FIELDS = 16;
const IV_BYTES = 16;
const MAC_KEY_BYTES = 20;
const AES_BLOCK = 16;
const HASHES = { SHA256: sha256, SHA512: sha512 } as const;
const CIPHER_KEY_BYTES = { "AES-256": 32, "AES-128": 16 } as const;

export function encodeProposal({ rand, publicKey, exchanges, ciphers, hashes }: Proposal): Uint8Array {
  return concat(
    protobufField(PROPOSAL.rand, rand),
    protobufField(PROPOSAL.publicKey, publicKey),
    protobufField(PROPOSAL.exchanges, utf8(exchanges)),
    protobufField(PROPOSAL.ciphers, utf8(ciphers)),
    protobufField(PROPOSAL.hashes, utf8(hashes)),
  );
}

function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  for (const field of readFields(bytes, MAX_FIELDS)) if (field.bytes !== null) fields.set(field.number, field.bytes);
  return fields;
}

/** Throws a `FilError` on anything but a proposal. */
export function decodeProposal(bytes: Uint8Array): Proposal {
  const fields = fieldsOf(bytes);
  const field = (number: number): Uint8Array => fields.get(number) ?? new Uint8Array(0);
  const text = (number: number): string => new TextDecoder().decode(field(number));
  if (field(PROPOSAL.rand).length !== NONCE_BYTES)
    throw new SecioError({ code: "SECIO_BAD_MESSAGE" }, `a proposal with a nonce of other than ${NONCE_BYTES} bytes`);
  return {
    rand: field(PROPOSAL.rand),
    publicKey: field(PROPOSAL.publicKey),
    exchanges: text(PROPOSAL.exchanges),
    ciphers: text(PROPOSAL.ciphers),
    hashes: text(PROPOSAL.hashes),
  };
}
/** Bytes of a proposal's nonce. */
export const NONCE_BYTES = 16;

export function encodeExchange({ ephemeralKey, signature }: Exchange): Uint8Array {
  return concat(protobufField(EXCHANGE.ephemeralKey, ephemeralKey), protobufField(EXCHANGE.signature, signature));
}

export function decodeExchange(bytes: Uint8Array): Exchange {
  const fields = fieldsOf(bytes);
  const empty = new Uint8Array(0);
  return {
    ephemeralKey: fields.get(EXCHANGE.ephemeralKey) ?? empty,
    signature: fields.get(EXCHANGE.signature) ?? empty,
  };
}

/** What both sides choose of the two proposals; throws `SecioError`. */
export function agree(own: Proposal, theirs: Proposal): Agreement {
  const order = compare(sha256(concat(theirs.publicKey, own.rand)), sha256(concat(own.publicKey, theirs.rand)));
  if (order === 0) throw new SecioError({ code: "SECIO_SELF" }, "secio with oneself");
  const best = (kind: keyof typeof SECIO_OFFER): string => {
    const [first, second] = order > 0 ? [own[kind], theirs[kind]] : [theirs[kind], own[kind]];
    const others = second.split(",");
    const found = first.split(",").find((one) => others.includes(one));
    if (found === undefined || !SECIO_OFFER[kind].split(",").includes(found))
      throw new SecioError({ code: "SECIO_NOTHING_IN_COMMON" }, `secio: no ${kind} that both sides know`);
    return found;
  };
  return { curve: best("exchanges"), cipher: best("ciphers"), hash: best("hashes"), isFirst: order > 0 } as Agreement;
}

/** One direction: boxes are opened or closed in their order. */
export class SecioBox {
  private readonly key: Uint8Array;
  private readonly iv: Uint8Array;
  private readonly macKey: Uint8Array;
  private readonly hash: (typeof HASHES)[keyof typeof HASHES];
  /** Bytes of the key stream that are used up. */
  private used = 0n;

  constructor(hash: keyof typeof HASHES, iv: Uint8Array, key: Uint8Array, macKey: Uint8Array) {
    this.hash = HASHES[hash];
    this.iv = iv;
    this.key = key;
    this.macKey = macKey;
  }

  /** Ciphertext and its code. */
  close(plain: Uint8Array): Uint8Array {
    const data = this.stream(plain);
    return concat(data, hmac(this.hash, this.macKey, data));
  }

  /** The plaintext; throws `SecioError` if the code is not that of the ciphertext. */
  open(box: Uint8Array): Uint8Array {
    const end = box.length - this.hash.outputLen;
    if (end < 0) throw new SecioError({ code: "SECIO_BAD_MESSAGE" }, `secio: a box of ${box.length} bytes`);
    const data = box.subarray(0, end);
    const code = hmac(this.hash, this.macKey, data);
    // All bytes are looked at, whichever differs.
    let differs = 0;
    for (let i = 0; i < code.length; i++) differs |= (code[i] as number) ^ (box[end + i] as number);
    if (differs !== 0) throw new SecioError({ code: "SECIO_FORGED" }, "secio: the code of a box is wrong");
    return this.stream(data);
  }

  /** AES in counter mode over the whole connection: `@noble/ciphers` begins at a block, so what is used up is skipped. */
  private stream(data: Uint8Array): Uint8Array {
    const skip = Number(this.used % BigInt(AES_BLOCK));
    const counter = addTo(this.iv, this.used / BigInt(AES_BLOCK));
    const padded = skip === 0 ? data : concat(new Uint8Array(skip), data);
    this.used += BigInt(data.length);
    return padded.length === 0 ? padded : ctr(this.key, counter).encrypt(padded).subarray(skip);
  }
}

/** The sum of a big-endian counter of 16 bytes and a number, modulo 2^128. */
function addTo(counter: Uint8Array, blocks: bigint): Uint8Array {
  const view = new DataView(counter.buffer, counter.byteOffset, IV_BYTES);
  const sum = BigInt.asUintN(128, (view.getBigUint64(0) << 64n) + view.getBigUint64(8) + blocks);
  const out = new DataView(new ArrayBuffer(IV_BYTES));
  out.setBigUint64(0, sum >> 64n);
  out.setBigUint64(8, BigInt.asUintN(64, sum));
  return new Uint8Array(out.buffer);
}

/** Boxes of both directions, made of the shared secret. */
export function stretch({ cipher, hash, isFirst }: Agreement, secret: Uint8Array) {
  const half = IV_BYTES + CIPHER_KEY_BYTES[cipher] + MAC_KEY_BYTES;
  const seed = utf8("key expansion");
  const code = (bytes: Uint8Array): Uint8Array => hmac(HASHES[hash], secret, bytes);
  let made: Uint8Array = new Uint8Array(0);
  for (let a = code(seed); made.length < 2 * half; a = code(a)) made = concat(made, code(concat(a, seed)));
  const box = (at: number): SecioBox =>
    new SecioBox(
      hash,
      made.subarray(at, at + IV_BYTES),
      made.subarray(at + IV_BYTES, at + half - MAC_KEY_BYTES),
      made.subarray(at + half - MAC_KEY_BYTES, at + half),
    );
  return { own: box(isFirst ? 0 : half), theirs: box(isFirst ? half : 0) };
}
