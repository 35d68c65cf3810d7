/**
 * Addresses: bytes on chain, text for people.
 *
 * Binary: protocol byte and payload (see `assembly/types/address.ts`). Text: network prefix, protocol digit, then for an
 * ID its decimal number, for a delegated address its namespace, "f", and base32(subaddress + checksum), for all others
 * base32(payload + checksum). Base32 is RFC 4648 lower case without padding; the checksum is blake2b of 4 bytes over
 * protocol and payload (protocol, namespace varint and subaddress for a delegated one). The prefix is never on chain.
 * Source: Filecoin specification, address; FIP-0048.
 */
import { base32 } from "multiformats/bases/base32";
import { compare, concat, equal } from "../base/bytes.ts";
import { blake2b } from "../base/digests.ts";
import { describeValue, FilError } from "../base/errors.ts";
import { decodeVarint, encodeVarint } from "../base/varint.ts";

export type AddressErrorData = { readonly code: "BAD_ADDRESS"; readonly reason: string };
export class AddressError extends FilError<AddressErrorData> {}

/** Prefix of an address: "f" on the main network, "t" on all others. Parsers accept both. */
export type NetworkPrefix = "f" | "t";

export const PROTOCOL = { id: 0, secp256k1: 1, actor: 2, bls: 3, delegated: 4 } as const;

const MAX_ID = (1n << 63n) - 1n;
const MAX_TEXT = 128;
const MAX_SUBADDRESS = 54;
/** Namespace of the Ethereum address manager: "f410f…" addresses. */
const EAM_NAMESPACE = 10;

function bad(reason: string): never {
  throw new AddressError({ code: "BAD_ADDRESS", reason }, `bad address: ${reason}`);
}

function asBytes(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bad("bytes expected");
}

function wholeOf(value: bigint | number): bigint {
  if (typeof value === "bigint") return value;
  return Number.isSafeInteger(value) ? BigInt(value) : bad(`${describeValue(value)} is no whole number`);
}

function namespaceOf(value: bigint | number): bigint {
  const namespace = wholeOf(value);
  return namespace >= 0n && namespace <= MAX_ID ? namespace : bad("namespace is not below 2^63");
}

export class Address {
  readonly bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The bytes after the protocol: of a BLS address its public key. */
  get payload(): Uint8Array {
    return this.bytes.subarray(1);
  }

  static id(id: bigint | number): Address {
    const value = wholeOf(id);
    if (value < 0n || value > MAX_ID) bad(`actor id ${value} is not below 2^63`);
    return new Address(concat(Uint8Array.of(PROTOCOL.id), encodeVarint(value)));
  }

  /** Address of a 65-byte uncompressed public key. */
  static secp256k1(publicKey: Uint8Array): Address {
    if (asBytes(publicKey).length !== 65) bad(`secp256k1 public key of ${publicKey.length} bytes, not 65`);
    return new Address(concat(Uint8Array.of(PROTOCOL.secp256k1), blake2b(publicKey, 20)));
  }

  /** Address of a 48-byte public key. */
  static bls(publicKey: Uint8Array): Address {
    return Address.fromBytes(concat(Uint8Array.of(PROTOCOL.bls), asBytes(publicKey)));
  }

  /** Actor address from its creation data. */
  static actor(data: Uint8Array): Address {
    return new Address(concat(Uint8Array.of(PROTOCOL.actor), blake2b(asBytes(data), 20)));
  }

  static delegated(namespace: bigint | number, subaddress: Uint8Array): Address {
    return Address.fromBytes(
      concat(Uint8Array.of(PROTOCOL.delegated), encodeVarint(namespaceOf(namespace)), asBytes(subaddress)),
    );
  }

  static fromBytes(bytes: Uint8Array): Address {
    const payload = asBytes(bytes).length - 1;
    switch (bytes[0]) {
      case PROTOCOL.secp256k1:
      case PROTOCOL.actor:
        if (payload !== 20) bad(`payload of ${payload} bytes, not 20`);
        break;
      case PROTOCOL.bls:
        if (payload !== 48) bad(`payload of ${payload} bytes, not 48`);
        break;
      case PROTOCOL.id:
      case PROTOCOL.delegated: {
        const [value, size] = varintIn(bytes, 1);
        if (value > MAX_ID) bad("actor id is not below 2^63");
        if (bytes[0] === PROTOCOL.id && size !== payload) bad("bytes after the actor id");
        if (payload - size > MAX_SUBADDRESS) bad(`subaddress of ${payload - size} bytes, over ${MAX_SUBADDRESS}`);
        break;
      }
      default:
        bad(bytes.length === 0 ? "empty" : `unknown protocol ${bytes[0]}`);
    }
    return new Address(bytes.slice());
  }

  /** Parses text with either network prefix. */
  static parse(text: string): Address {
    if (typeof text !== "string") bad("a text is expected");
    if (text.length < 3 || text.length > MAX_TEXT) bad(`text of ${text.length} characters`);
    if (text[0] !== "f" && text[0] !== "t") bad(`unknown network prefix ${JSON.stringify(text[0])}`);
    const protocol = text.charCodeAt(1) - 48;
    const rest = text.slice(2);
    if (protocol === PROTOCOL.id) {
      if (!/^(0|[1-9][0-9]{0,19})$/.test(rest)) bad("actor id is not a canonical decimal number");
      return Address.id(BigInt(rest));
    }
    if (protocol === PROTOCOL.delegated) {
      const match = /^(0|[1-9][0-9]{0,18})f([a-z2-7]*)$/.exec(rest);
      if (match === null) bad("delegated address without namespace");
      const head = concat(Uint8Array.of(protocol), encodeVarint(BigInt(match[1] as string)));
      return fromParts(head, match[2] as string, text);
    }
    if (protocol < 1 || protocol > 3) bad(`unknown protocol ${text[1]}`);
    return fromParts(Uint8Array.of(protocol), rest, text);
  }

  get protocol(): number {
    return this.bytes[0] as number;
  }

  /** Actor id of an ID address, null for any other. */
  get actorId(): bigint | null {
    return this.protocol === PROTOCOL.id ? varintIn(this.bytes, 1)[0] : null;
  }

  /** 20-byte Ethereum form of an ID address or an f410 address that does not pretend to be one, null for any other. */
  get ethereum(): Uint8Array | null {
    if (this.protocol === PROTOCOL.delegated) {
      const [namespace, size] = varintIn(this.bytes, 1);
      const own = this.bytes.slice(1 + size);
      return namespace === BigInt(EAM_NAMESPACE) && own.length === 20 && !isMaskedId(own) ? own : null;
    }
    const id = this.actorId;
    if (id === null) return null;
    const out = new Uint8Array(20);
    out[0] = 0xff;
    new DataView(out.buffer).setBigUint64(12, id);
    return out;
  }

  /** The address of a 20-byte Ethereum account (masked ID addresses become ID addresses). */
  static fromEthereum(bytes: Uint8Array): Address {
    if (asBytes(bytes).length !== 20) bad(`Ethereum address of ${bytes.length} bytes, not 20`);
    if (isMaskedId(bytes)) return Address.id(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(12));
    return Address.delegated(EAM_NAMESPACE, bytes);
  }

  /** Key of the address in a JavaScript map: one character a byte. */
  get key(): string {
    // A quarter of the time of a spread.
    return String.fromCharCode.apply(null, this.bytes as unknown as number[]);
  }

  equals(other: Address): boolean {
    return equal(this.bytes, other.bytes);
  }

  compare(other: Address): number {
    return compare(this.bytes, other.bytes);
  }

  toString(prefix: NetworkPrefix = "f"): string {
    const lead = `${prefix}${this.protocol}`;
    if (this.protocol === PROTOCOL.id) return `${lead}${this.actorId}`;
    const check = blake2b(this.bytes, 4);
    if (this.protocol === PROTOCOL.delegated) {
      const [namespace, size] = varintIn(this.bytes, 1);
      return `${lead}${namespace}f${base32.baseEncode(concat(this.bytes.subarray(1 + size), check))}`;
    }
    return lead + base32.baseEncode(concat(this.bytes.subarray(1), check));
  }
}

/** Whether an Ethereum address stands for an actor id: 0xff, eleven zeros, and the id. */
function isMaskedId(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes.subarray(1, 12).every((byte) => byte === 0);
}

function fromParts(head: Uint8Array, encoded: string, text: string): Address {
  let body: Uint8Array;
  try {
    body = base32.baseDecode(encoded);
  } catch {
    return bad("not base32");
  }
  if (body.length < 4) bad("too short for a checksum");
  const address = Address.fromBytes(concat(head, body.subarray(0, body.length - 4)));
  if (address.toString(text[0] as NetworkPrefix) !== text) bad("checksum does not match");
  return address;
}

/** Value and size of the varint at `at`; refuses an address without one. */
function varintIn(bytes: Uint8Array, at: number): readonly [value: bigint, size: number] {
  const found = decodeVarint(bytes, at);
  return typeof found === "string" ? bad(`varint is ${found}`) : [found.value, found.size];
}
