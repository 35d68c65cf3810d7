/**
 * crypto: signatures, hashes and commitments, which the kernel computes, and proofs, which the host judges.
 *
 * Structures are read before anything is charged that depends on them; one that does not decode is an illegal argument.
 * Source: ref-fvm fvm/src/syscalls/crypto.rs, fvm/src/kernel/default.rs (CryptoOps), shared/src/sector.
 */
import * as host from "../../abi/host";
import { consensusFault, guestWrite, verifyAggregate, verifyUpdate } from "../../abi/guest";
import { Bytes, bytesAt, concat, ptrOf } from "../../base/bytes";
import { secp256k1RecoverBytes } from "../../crypto/curve/secp256k1";
import { blake2bBytes } from "../../crypto/hash/blake2b";
import { keccak256Bytes } from "../../crypto/hash/keccak256";
import { ripemd160 } from "../../crypto/hash/ripemd160";
import { sha256Bytes } from "../../crypto/hash/sha256";
import { CborReader } from "../../ipld/cbor-reader";
import {
  Cid,
  CODEC_FIL_COMMITMENT_SEALED,
  CODEC_FIL_COMMITMENT_UNSEALED,
  HASH_BLAKE2B_256,
  HASH_POSEIDON_BLS12_381_A2_FC1,
  HASH_SHA2_256,
  HASH_SHA2_256_TRUNC254_PADDED,
  makeCid,
} from "../../ipld/cid";
import { COMM_D_OK, dataCommitment, PIECE_ENTRY_BYTES } from "../../proofs/comm-d";
import { Address, PROTOCOL_BLS, PROTOCOL_SECP256K1 } from "../../types/address";
import { checkSignature, SIGNATURE_BLS, SIGNATURE_SECP256K1 } from "../../vm/signature";
import { SEAL_PROOF_COUNT, sectorSize } from "../../runtime/sector-policy";
import { DONE, ILLEGAL_ARGUMENT, OUT_OF_GAS } from "../errors";
import * as guest from "./guest";
import { findKey, keyFound } from "./keys";

const HASH_BLAKE2B_512: u64 = 0xb240;
const HASH_KECCAK_256: u64 = 0x1b;
const HASH_RIPEMD_160: u64 = 0x1053;

/** Most elements of a list that a guest hands over: above what its memory holds. */
const MANY: u64 = 1 << 24;
/** Longest byte string in one. */
const LONG: u64 = 1 << 30;

export function cryptoVerifySignature(
  left: i64,
  to: u32,
  type: u32,
  signatureAt: u32,
  signatureLength: u32,
  addressAt: u32,
  addressLength: u32,
  textAt: u32,
  textLength: u32,
): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (type != SIGNATURE_SECP256K1 && type != SIGNATURE_BLS) return guest.leave(ILLEGAL_ARGUMENT);
  const signature = guest.bytesOf(signatureAt, signatureLength);
  if (signature === null) return guest.leave(ILLEGAL_ARGUMENT);
  const signer = guest.addressOf(addressAt, addressLength);
  const text = guest.bytesOf(textAt, textLength);
  if (signer === null || text === null) return guest.leave(ILLEGAL_ARGUMENT);
  return guest.leave(verifySignature(to, <u8>type, signature, signer, text));
}

function verifySignature(to: u32, type: u8, signature: Bytes, signer: Address, text: Bytes): i32 {
  const prices = guest.ctx.prices;
  const bls = type == SIGNATURE_BLS;
  const flat = bls ? prices.bls : prices.secp256k1;
  const perByte = bls ? prices.blsPerByte : prices.secp256k1PerByte;
  if (!guest.charge(flat + perByte * <i64>text.length)) return OUT_OF_GAS;
  let key = signer;
  if (guest.ctx.isSecond) {
    const error = findKey(signer, true);
    if (error != DONE) return error;
    key = keyFound;
  } else if (signer.protocol != PROTOCOL_BLS && signer.protocol != PROTOCOL_SECP256K1) return ILLEGAL_ARGUMENT;
  const kind = new StaticArray<u8>(1);
  kind[0] = type;
  return guest.giveVerdict(to, checkSignature(concat(kind, signature), key, text));
}

export function cryptoRecoverSecpPublicKey(left: i64, to: u32, hashAt: u32, signatureAt: u32): i32 {
  if (!guest.enter(left, to, 65)) return guest.refusal;
  const hash = guest.bytesOf(hashAt, 32);
  const signature = guest.bytesOf(signatureAt, 65);
  if (hash === null || signature === null) return guest.leave(ILLEGAL_ARGUMENT);
  if (!guest.charge(guest.ctx.prices.recover)) return guest.leave(OUT_OF_GAS);
  const key = secp256k1RecoverBytes(hash, signature);
  if (key === null) return guest.leave(ILLEGAL_ARGUMENT);
  guestWrite(to, ptrOf(key), 65);
  return guest.leave(DONE);
}

/** Milligas per byte of a hash; -1 for one that is not known. Flat prices do not look at the length. */
function hashPrice(code: u64): i64 {
  if (code == HASH_SHA2_256) return 7000;
  if (code == HASH_BLAKE2B_256 || code == HASH_BLAKE2B_512) return 10000;
  if (code == HASH_KECCAK_256) return 33000;
  return code == HASH_RIPEMD_160 ? 35000 : -1;
}

function digestOf(code: u64, data: Bytes): Bytes {
  if (code == HASH_SHA2_256) return sha256Bytes(data);
  if (code == HASH_BLAKE2B_256) return blake2bBytes(data, 32);
  if (code == HASH_BLAKE2B_512) return blake2bBytes(data, 64);
  return code == HASH_KECCAK_256 ? keccak256Bytes(data) : ripemd160(data);
}

export function cryptoHash(left: i64, to: u32, code: u64, at: u32, length: u32, outAt: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(hash(to, code, at, length, outAt, capacity));
}

function hash(to: u32, code: u64, at: u32, length: u32, outAt: u32, capacity: u32): i32 {
  if (!guest.inside(outAt, capacity) || !guest.inside(at, length)) return ILLEGAL_ARGUMENT;
  const flat = guest.ctx.prices.hashFlat;
  const perByte = hashPrice(code);
  // The flat price is charged before it is seen which hash is asked for.
  if (flat != 0 && !guest.charge(flat)) return OUT_OF_GAS;
  if (perByte < 0) return ILLEGAL_ARGUMENT;
  if (flat == 0 && !guest.charge(perByte * <i64>length)) return OUT_OF_GAS;
  const digest = digestOf(code, guest.bytesOf(at, length)!);
  const bytes = min(<u32>digest.length, capacity);
  guestWrite(outAt, ptrOf(digest), <i32>bytes);
  return guest.giveU32(to, bytes);
}

export function cryptoComputeUnsealedSectorCid(
  left: i64,
  to: u32,
  proof: i64,
  at: u32,
  length: u32,
  outAt: u32,
  capacity: u32,
): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(unsealed(to, proof, at, length, outAt, capacity));
}

function unsealed(to: u32, proof: i64, at: u32, length: u32, outAt: u32, capacity: u32): i32 {
  if (!isSealProof(proof)) return ILLEGAL_ARGUMENT;
  const bytes = guest.bytesOf(at, length);
  if (bytes === null) return ILLEGAL_ARGUMENT;
  const r = new CborReader(bytes);
  const count = r.array(MANY);
  const sizes = new Array<u64>();
  const commitments = new Array<Cid>();
  for (let i = 0; i < count && r.ok; i++) {
    r.tuple(2);
    sizes.push(r.u64());
    commitments.push(r.cid());
  }
  r.finish();
  if (!r.ok || !guest.inside(outAt, capacity)) return ILLEGAL_ARGUMENT;
  if (!guest.charge(guest.ctx.prices.unsealedSectorCid)) return OUT_OF_GAS;
  const table = new StaticArray<u8>(count * <i32>PIECE_ENTRY_BYTES);
  for (let i = 0; i < count; i++) {
    const cid = commitments[i];
    if (!isUnsealed(cid)) return ILLEGAL_ARGUMENT;
    const entry = ptrOf(table) + <usize>i * PIECE_ENTRY_BYTES;
    store<u64>(entry, sizes[i]);
    memory.copy(entry + 8, ptrOf(cid.digest), 32);
  }
  const out = memory.data(32);
  const sector = sectorSize(proof % SEAL_PROOF_COUNT);
  if (dataCommitment(sector, ptrOf(table), count, out) != COMM_D_OK) return ILLEGAL_ARGUMENT;
  const cid = makeCid(CODEC_FIL_COMMITMENT_UNSEALED, HASH_SHA2_256_TRUNC254_PADDED, out, 32);
  return guest.giveBytes(cid.bytes, outAt, capacity, to);
}

// ---- proofs
// What can be seen to be no proof before it is verified is an illegal argument, not a bad verdict, and is so behind the charge.

/** Whether the generation knows a seal proof: in every sector size versions 1 and 1.1; then synthetic; then non-interactive. */
function isSealProof(proof: i64): bool {
  return proof >= 0 && proof < <i64>guest.ctx.generation.number * SEAL_PROOF_COUNT;
}

/** Winning proofs, then window proofs of version 1, up to the third generation, and of version 1.1, from it on. */
function isPostProof(proof: i64): bool {
  const generation = guest.ctx.generation.number;
  if (proof < 0) return false;
  if (proof < SEAL_PROOF_COUNT) return true;
  return proof < 2 * SEAL_PROOF_COUNT ? generation < 4 : proof < 3 * SEAL_PROOF_COUNT && generation > 2;
}

/** Whether a sector of a kind is proven by a window proof of a kind, from the third generation on. */
function isWindowOf(proof: i64, seal: i64): bool {
  if (!isSealProof(seal)) return false;
  const size = seal % SEAL_PROOF_COUNT;
  return proof == 2 * SEAL_PROOF_COUNT + size || (guest.ctx.generation.number == 3 && proof == SEAL_PROOF_COUNT + size);
}

function isSealed(cid: Cid): bool {
  return (
    cid.codec == CODEC_FIL_COMMITMENT_SEALED && cid.hash == HASH_POSEIDON_BLS12_381_A2_FC1 && cid.digest.length == 32
  );
}

function isUnsealed(cid: Cid): bool {
  return (
    cid.codec == CODEC_FIL_COMMITMENT_UNSEALED && cid.hash == HASH_SHA2_256_TRUNC254_PADDED && cid.digest.length == 32
  );
}

/** Reads over a SealVerifyInfo; whether it can be verified. */
function sealIsSound(r: CborReader): bool {
  r.tuple(8);
  const proof = r.i64();
  r.tuple(2);
  r.u64();
  r.u64();
  const deals = r.array(MANY);
  for (let i = 0; i < deals && r.ok; i++) r.u64();
  r.bytes(LONG);
  r.bytes(LONG);
  r.bytes(LONG);
  const sealed = r.cid();
  const unsealed = r.cid();
  return r.ok && isSealProof(proof) && isSealed(sealed) && isUnsealed(unsealed);
}

/** crypto.verify_seal of the second generation. */
export function cryptoVerifySeal(left: i64, to: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  const info = guest.bytesOf(at, length);
  if (info === null) return guest.leave(ILLEGAL_ARGUMENT);
  const r = new CborReader(info);
  const sound = sealIsSound(r);
  r.finish();
  if (!r.ok) return guest.leave(ILLEGAL_ARGUMENT);
  if (!guest.charge(guest.ctx.prices.verifySeal)) return guest.leave(OUT_OF_GAS);
  if (!sound) return guest.leave(ILLEGAL_ARGUMENT);
  return guest.leave(guest.giveVerdict(to, host.verifySeal(ptrOf(info), info.length) != 0));
}

export function cryptoVerifyPost(left: i64, to: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  const info = guest.bytesOf(at, length);
  if (info === null) return guest.leave(ILLEGAL_ARGUMENT);
  const r = new CborReader(info);
  const isEarly = guest.ctx.generation.number == 2;
  r.tuple(4);
  let sound = r.bytes(LONG).length >= 32;
  const proofs = r.array(MANY);
  // The second generation has proofs of any kind, and of none, verified; a sector is told its own.
  let kind: i64 = -1;
  for (let i = 0; i < proofs && r.ok; i++) {
    r.tuple(2);
    const proof = r.i64();
    sound = sound && isPostProof(proof) && (isEarly || i == 0 || proof == kind);
    kind = proof;
    r.bytes(LONG);
  }
  sound = sound && (isEarly || proofs > 0);
  const sectors = r.array(MANY);
  for (let i = 0; i < sectors && r.ok; i++) {
    r.tuple(3);
    const seal = r.i64();
    r.u64();
    const sealed = r.cid();
    sound = sound && isSealed(sealed) && (isEarly ? isSealProof(seal) : isWindowOf(kind, seal));
  }
  r.u64();
  r.finish();
  if (!r.ok) return guest.leave(ILLEGAL_ARGUMENT);
  const prices = guest.ctx.prices;
  if (!guest.charge(prices.post + prices.postPerSector * <i64>sectors)) return guest.leave(OUT_OF_GAS);
  if (!sound) return guest.leave(ILLEGAL_ARGUMENT);
  return guest.leave(guest.giveVerdict(to, host.verifyPost(ptrOf(info), info.length) != 0));
}

export function cryptoVerifyAggregateSeals(left: i64, to: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  const info = guest.bytesOf(at, length);
  if (info === null) return guest.leave(ILLEGAL_ARGUMENT);
  const r = new CborReader(info);
  r.tuple(5);
  r.u64();
  const proof = r.i64();
  const aggregation = r.i64();
  r.bytes(LONG);
  const seals = r.array(MANY);
  let sound = seals > 0 && isSealProof(proof) && (aggregation == 0 || aggregation == 1);
  for (let i = 0; i < seals && r.ok; i++) {
    r.tuple(5);
    r.u64();
    const ticket = r.bytes(LONG).length;
    const seed = r.bytes(LONG).length;
    const sealed = r.cid();
    const unsealed = r.cid();
    sound = sound && isSealed(sealed) && isUnsealed(unsealed) && ticket == 32 && seed == 32;
  }
  r.finish();
  if (!r.ok) return guest.leave(ILLEGAL_ARGUMENT);
  if (!guest.charge(guest.ctx.prices.aggregate(proof, seals))) return guest.leave(OUT_OF_GAS);
  if (!sound) return guest.leave(ILLEGAL_ARGUMENT);
  return guest.leave(guest.giveVerdict(to, verifyAggregate(ptrOf(info), info.length) != 0));
}

export function cryptoVerifyReplicaUpdate(left: i64, to: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  const info = guest.bytesOf(at, length);
  if (info === null) return guest.leave(ILLEGAL_ARGUMENT);
  const r = new CborReader(info);
  r.tuple(5);
  const kind = r.i64();
  const oldSealed = r.cid();
  const sealed = r.cid();
  const unsealed = r.cid();
  // The proof is a list of numbers of a byte each here, and no byte string.
  const proof = r.array(MANY);
  let bytes: u64 = 0;
  for (let i = 0; i < proof && r.ok; i++) bytes |= r.u64();
  r.finish();
  if (!r.ok || bytes > 0xff) return guest.leave(ILLEGAL_ARGUMENT);
  if (!guest.charge(guest.ctx.prices.replicaUpdate)) return guest.leave(OUT_OF_GAS);
  const sound = kind >= 0 && kind < SEAL_PROOF_COUNT && isSealed(oldSealed) && isSealed(sealed) && isUnsealed(unsealed);
  if (!sound) return guest.leave(ILLEGAL_ARGUMENT);
  return guest.leave(guest.giveVerdict(to, verifyUpdate(ptrOf(info), info.length) != 0));
}

/** crypto.batch_verify_seals: one byte per seal at `outAt`. */
export function cryptoBatchVerifySeals(left: i64, at: u32, length: u32, outAt: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return guest.leave(batch(at, length, outAt));
}

function batch(at: u32, length: u32, outAt: u32): i32 {
  const bytes = guest.bytesOf(at, length);
  if (bytes === null) return ILLEGAL_ARGUMENT;
  const r = new CborReader(bytes);
  // A list can be no longer than its bytes: room is made for it before they are read.
  const count = r.array(<u64>bytes.length);
  const ends = new StaticArray<i32>(r.ok ? count + 1 : 1);
  const sound = new StaticArray<bool>(r.ok ? count : 0);
  for (let i = 0; i < count && r.ok; i++) {
    ends[i] = r.offset;
    sound[i] = sealIsSound(r);
    ends[i + 1] = r.offset;
  }
  r.finish();
  if (!r.ok || !guest.inside(outAt, <u32>count)) return ILLEGAL_ARGUMENT;
  for (let i = 0; i < count; i++) if (!guest.charge(guest.ctx.prices.batchSeal)) return OUT_OF_GAS;
  const verdicts = new StaticArray<u8>(count);
  for (let i = 0; i < count; i++) {
    const info = bytesAt(ptrOf(bytes) + <usize>ends[i], ends[i + 1] - ends[i]);
    verdicts[i] = sound[i] && host.verifySeal(ptrOf(info), info.length) != 0 ? 1 : 0;
  }
  if (count != 0) guestWrite(outAt, ptrOf(verdicts), count);
  return DONE;
}

export function cryptoVerifyConsensusFault(
  left: i64,
  to: u32,
  firstAt: u32,
  firstLength: u32,
  secondAt: u32,
  secondLength: u32,
  extraAt: u32,
  extraLength: u32,
): i32 {
  if (!guest.enter(left, to, 20)) return guest.refusal;
  const first = guest.bytesOf(firstAt, firstLength);
  const second = guest.bytesOf(secondAt, secondLength);
  const extra = guest.bytesOf(extraAt, extraLength);
  if (first === null || second === null || extra === null) return guest.leave(ILLEGAL_ARGUMENT);
  if (!guest.charge(guest.ctx.prices.consensusFault)) return guest.leave(OUT_OF_GAS);
  const found = memory.data(16);
  store<u64>(found, 0);
  store<u64>(found, 0, 8);
  const kind = consensusFault(
    ptrOf(first), first.length, ptrOf(second), second.length, ptrOf(extra), extra.length, found,
  );
  if (kind < 0) return guest.leave(ILLEGAL_ARGUMENT);
  guest.begin();
  guest.field64(kind == 0 ? 0 : load<u64>(found));
  guest.field64(kind == 0 ? 0 : load<u64>(found, 8));
  guest.field32(<u32>kind);
  return guest.leave(guest.give(to));
}
