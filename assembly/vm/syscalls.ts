/**
 * What the kernel computes for actors, prices aside: randomness, hashes, commitments, signatures, verdicts on proofs.
 */
import * as host from "../abi/host";
import { Bytes, ptrOf } from "../base/bytes";
import { blake2b256 } from "../crypto/hash/blake2b";
import { CborReader } from "../ipld/cbor-reader";
import {
  Cid,
  CODEC_FIL_COMMITMENT_UNSEALED,
  HASH_SHA2_256_TRUNC254_PADDED,
  makeCid,
} from "../ipld/cid";
import { SEAL_PROOF_COUNT, sectorSize } from "../runtime/sector-policy";
import { COMM_D_OK, dataCommitment, PIECE_ENTRY_BYTES } from "../proofs/comm-d";

/** 32 bytes of randomness from the tickets of the chain. */
export function drawTicket(tag: i64, epoch: i64, entropy: Bytes): Bytes {
  const out = new StaticArray<u8>(32);
  host.ticketRandomness(tag, epoch, ptrOf(entropy), entropy.length, ptrOf(out));
  return out;
}

/** 32 bytes of randomness from the beacon. */
export function drawBeacon(tag: i64, epoch: i64, entropy: Bytes): Bytes {
  const out = new StaticArray<u8>(32);
  host.beaconRandomness(tag, epoch, ptrOf(entropy), entropy.length, ptrOf(out));
  return out;
}

/** blake2b-256. */
export function hash(data: Bytes): Bytes {
  return blake2b256(data);
}

/** The data commitment over a CBOR list of [padded size, piece CID]; null if they do not fit the sector. */
export function unsealedSectorCid(sealProof: i64, pieces: Bytes, secondSealProofs: bool): Cid | null {
  const versions = secondSealProofs ? 2 : 1;
  if (sealProof < 0 || sealProof >= versions * SEAL_PROOF_COUNT) return null;
  const r = new CborReader(pieces);
  const count = r.array();
  const table = new StaticArray<u8>(count * <i32>PIECE_ENTRY_BYTES);
  let at = ptrOf(table);
  for (let i = 0; i < count; i++) {
    r.tuple(2);
    const size = r.u64();
    const cid = r.cid();
    if (!r.ok || cid.codec != CODEC_FIL_COMMITMENT_UNSEALED || cid.hash != HASH_SHA2_256_TRUNC254_PADDED) return null;
    const digest = cid.digest;
    if (digest.length != 32) return null;
    store<u64>(at, size);
    memory.copy(at + 8, ptrOf(digest), 32);
    at += PIECE_ENTRY_BYTES;
  }
  const out = memory.data(32);
  // The types from 5 on are the second version of the first five.
  const sector = sectorSize(sealProof % SEAL_PROOF_COUNT);
  if (dataCommitment(sector, ptrOf(table), count, out) != COMM_D_OK) return null;
  return makeCid(CODEC_FIL_COMMITMENT_UNSEALED, HASH_SHA2_256_TRUNC254_PADDED, out, 32);
}

/** The host's verdict on a seal. */
export function checkSeal(info: Bytes): bool {
  return host.verifySeal(ptrOf(info), info.length) != 0;
}

/** The host's verdict on a window PoSt. */
export function checkPoSt(info: Bytes): bool {
  return host.verifyPost(ptrOf(info), info.length) != 0;
}
