/**
 * Addresses in their binary form: a protocol byte and a payload.
 *
 *   0 ID         varint actor id, below 2^63
 *   1 SECP256K1  blake2b-160 of the 65-byte public key
 *   2 ACTOR      blake2b-160 of creation data
 *   3 BLS        48-byte public key
 *   4 DELEGATED  varint namespace (an actor id), then at most 54 bytes
 *
 * The empty byte string stands for the undefined address; it is never valid on the wire.
 * Source: Filecoin specification, address; go-address.
 */
import { Bytes, EMPTY, bytesAt, compare, equal, ptrOf } from "../base/bytes";
import { putVarint, varintAt, varintLength } from "../base/varint";
import { blake2b } from "../crypto/hash/blake2b";
import { CborReader, CBOR_BAD_VALUE } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";

export const PROTOCOL_ID: u8 = 0;
export const PROTOCOL_SECP256K1: u8 = 1;
export const PROTOCOL_ACTOR: u8 = 2;
export const PROTOCOL_BLS: u8 = 3;
export const PROTOCOL_DELEGATED: u8 = 4;

/** Longest address: a delegated one, protocol byte + 10-byte namespace + 54 bytes. */
export const MAX_ADDRESS_BYTES: u64 = 65;
const MAX_SUBADDRESS_BYTES: i32 = 54;
/** Actors version (network version 18) from which delegated addresses exist. */
const FIRST_WITH_DELEGATED: i32 = 10;
const MAX_ID: u64 = 0x7fffffffffffffff;

@final
export class Address {
  static readonly UNDEF: Address = new Address(EMPTY);

  /** `bytes` must come from `parseAddress` or one of the makers. */
  constructor(readonly bytes: Bytes) {}

  static id(id: u64): Address {
    const scratch = memory.data(16);
    return new Address(bytesAt(scratch, writeIdAddress(id, scratch)));
  }

  /** Actor address: blake2b-160 of the creation data. */
  static actor(data: Bytes): Address {
    return Address.hashed(PROTOCOL_ACTOR, data);
  }

  static secp256k1(publicKey: Bytes): Address {
    return Address.hashed(PROTOCOL_SECP256K1, publicKey);
  }

  private static hashed(protocol: u8, data: Bytes): Address {
    const out = new StaticArray<u8>(21);
    unchecked((out[0] = protocol));
    blake2b(ptrOf(data), <usize>data.length, 20, ptrOf(out) + 1);
    return new Address(out);
  }

  get isUndef(): bool {
    return this.bytes.length == 0;
  }

  /** Protocol byte; 255 for the undefined address. */
  get protocol(): u8 {
    return this.bytes.length == 0 ? 255 : unchecked(this.bytes[0]);
  }

  get isId(): bool {
    return this.protocol == PROTOCOL_ID;
  }

  /** Actor id of an ID address; a fault for any other. */
  get actorId(): u64 {
    assert(this.isId, "not an ID address");
    return varintAt(ptrOf(this.bytes) + 1);
  }

  /** Payload without the protocol byte. */
  get payload(): Bytes {
    return bytesAt(ptrOf(this.bytes) + 1, this.bytes.length - 1);
  }

  eq(other: Address): bool {
    return equal(this.bytes, other.bytes);
  }

  /** Bytewise order of the binary forms. */
  compare(other: Address): i32 {
    return compare(this.bytes, other.bytes);
  }
}

/** Writes the bytes of an ID address to `at`, where there is room for 11, and returns their number. */
export function writeIdAddress(id: u64, at: usize): i32 {
  store<u8>(at, PROTOCOL_ID);
  return 1 + putVarint(at + 1, id);
}

/** The address in `bytes`, or null if it is malformed. */
export function parseAddress(bytes: Bytes): Address | null {
  const n = bytes.length;
  if (n == 0) return null;
  const start = ptrOf(bytes);
  const end = start + <usize>n;
  const protocol = unchecked(bytes[0]);
  if (protocol == PROTOCOL_SECP256K1 || protocol == PROTOCOL_ACTOR) return n == 21 ? new Address(bytes) : null;
  if (protocol == PROTOCOL_BLS) return n == 49 ? new Address(bytes) : null;
  if (protocol != PROTOCOL_ID && protocol != PROTOCOL_DELEGATED) return null;
  const size = varintLength(start + 1, end);
  if (size == 0 || varintAt(start + 1) > MAX_ID) return null;
  const rest = n - 1 - size;
  if (protocol == PROTOCOL_ID) return rest == 0 ? new Address(bytes) : null;
  return rest <= MAX_SUBADDRESS_BYTES ? new Address(bytes) : null;
}

/** Reads an address that may not be undefined. */
export function readAddress(r: CborReader): Address {
  const bytes = r.bytes(MAX_ADDRESS_BYTES);
  if (!r.ok) return Address.UNDEF;
  const address = parseAddress(bytes);
  if (address === null || (address.protocol == PROTOCOL_DELEGATED && r.actorsVersion < FIRST_WITH_DELEGATED)) {
    r.fail(CBOR_BAD_VALUE);
    return Address.UNDEF;
  }
  return address;
}

export function writeAddress(w: CborWriter, address: Address): void {
  w.bytes(address.bytes);
}
