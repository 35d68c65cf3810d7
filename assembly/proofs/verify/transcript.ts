/**
 * SnarkPack's transcript: challenges by the Fiat-Shamir transform over SHA-256.
 *
 * A transcript is sha-256("snarkpack-v1" || tag || elements ...). A challenge is drawn by appending a counter (u64,
 * big-endian, from 1) and taking the digest, little-endian, its top bit cleared, as a field element; one that is not below
 * the order, or is 0 or 1, is passed over and the next counter is appended behind.
 * Elements: scalars 32 bytes little-endian, points compressed, target elements as 576 bytes, byte strings behind their
 * length as u64 little-endian (bincode). Source: bellperson groth16/aggregate/transcript.rs.
 */
import { sha256Final, sha256Init, sha256Update } from "../../crypto/hash/sha256";
import { TARGET_BYTES, targetToBytes } from "../../crypto/curve/target";
import { FR_ONE, frEqual, frFromBytesLE, frIsZero, frToBytesLE } from "../../crypto/field/fr.gen";

/** "snarkpack-v1" */
const PREFIX: usize = memory.data<u8>([115, 110, 97, 114, 107, 112, 97, 99, 107, 45, 118, 49]);
const CONTEXT: usize = memory.data(104, 8);
const COPY: usize = memory.data(104, 8);
const BUFFER: usize = memory.data(576, 8);
const NUMBER: usize = memory.data(8);

/** Begins a transcript; one is open at a time. */
export function transcriptBegin(tag: usize, length: usize): void {
  sha256Init(CONTEXT);
  sha256Update(CONTEXT, PREFIX, 12);
  sha256Update(CONTEXT, tag, length);
}

/** Absorbs bytes as they are: a compressed point. */
export function transcriptPut(bytes: usize, length: usize): void {
  sha256Update(CONTEXT, bytes, length);
}

/** Absorbs a byte string behind its length. */
export function transcriptPutString(bytes: usize, length: usize): void {
  store<u64>(NUMBER, <u64>length);
  sha256Update(CONTEXT, NUMBER, 8);
  sha256Update(CONTEXT, bytes, length);
}

/** Absorbs a scalar. */
export function transcriptPutScalar(scalar: usize): void {
  frToBytesLE(BUFFER, scalar);
  sha256Update(CONTEXT, BUFFER, 32);
}

/** Absorbs an element of the target group. */
export function transcriptPutTarget(element: usize): void {
  targetToBytes(BUFFER, element);
  sha256Update(CONTEXT, BUFFER, TARGET_BYTES);
}

/** Ends the transcript: r = its challenge, neither 0 nor 1. */
export function transcriptChallenge(r: usize): void {
  for (let counter: u64 = 1; ; counter++) {
    store<u64>(NUMBER, bswap<u64>(counter));
    sha256Update(CONTEXT, NUMBER, 8);
    memory.copy(COPY, CONTEXT, 104);
    sha256Final(COPY, BUFFER);
    store<u8>(BUFFER, <u32>load<u8>(BUFFER, 31) & 0x7f, 31);
    if (frFromBytesLE(r, BUFFER) && !frIsZero(r) && !frEqual(r, FR_ONE)) return;
  }
}
