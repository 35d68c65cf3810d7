/**
 * Attested proofs: what stands in place of the succinct proof on a local network.
 *
 * The prover computes the vanilla proof and checks it in full, as for a real proof; then, instead of a SNARK over it, it
 * signs the public inputs with a key that is itself public (secp256k1: it is quick). Anybody could sign: an attested proof shows that honest
 * software of this network made it, and nothing more. It binds to proof type, miner, randomness and replicas, has the
 * size of the proof whose place it takes, and never verifies where a real one is asked for, nor the reverse.
 *
 *   proof of one partition (192 bytes):  tag (32) ‖ signature r ‖ s ‖ v over the statement (65) ‖ zeros (95)
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, equal, utf8 } from "../../base/bytes.ts";
import type { Hashes } from "../../core/hashes.ts";
import type { Secp256k1 } from "../../core/secp256k1.ts";
import { CID } from "../../types/cid.ts";
import { toElement } from "../kernel.ts";

export type AttestCrypto = Pick<Hashes, "blake2b256"> & { readonly secp256k1: Secp256k1 };

/** Bytes of one partition's proof, as of a Groth16 proof. */
const PROOF_BYTES = 192;
const TAG_BYTES = 32;
const SIGNATURE_BYTES = 65;
const NAME = "filigree attested proof, no SNARK";

/** A proof of spacetime's public inputs. */
export type PostStatement = {
  readonly kind: "winning" | "window";
  /** Registered PoSt proof. */
  readonly type: number;
  /** Actor id. */
  readonly miner: bigint;
  /** 32 bytes; the two bits above the field do not count. */
  readonly randomness: Uint8Array;
  /** In any order, repetitions count once. */
  readonly sectors: readonly { readonly number: bigint; readonly sealedCid: CID }[];
};

/** A proof of replication's public inputs. */
export type SealStatement = {
  readonly type: number;
  readonly miner: bigint;
  readonly number: bigint;
  /** 32 bytes */
  readonly ticket: Uint8Array;
  /** 32 bytes, the interactive challenge's */
  readonly seed: Uint8Array;
  readonly sealedCid: CID;
  readonly unsealedCid: CID;
};

/** Public inputs of the proof that a sector's replica was updated. */
export type UpdateAttestation = {
  /** Registered update proof. */
  readonly type: number;
  readonly oldSealedCid: CID;
  readonly newSealedCid: CID;
  readonly newUnsealedCid: CID;
};

export type Attestor = {
  attestPost(statement: PostStatement): Uint8Array;
  verifyPost(statement: PostStatement, proof: Uint8Array): boolean;
  /** `partitions`: how many proofs of 192 bytes the real one would have. */
  attestSeal(statement: SealStatement, partitions: number): Uint8Array;
  verifySeal(statement: SealStatement, proof: Uint8Array): boolean;
  attestUpdate(statement: UpdateAttestation, partitions: number): Uint8Array;
  verifyUpdate(statement: UpdateAttestation, proof: Uint8Array): boolean;
  /** Key (65 bytes, uncompressed) under which a network's attestations verify. */
  readonly publicKey: Uint8Array;
};

/** The attestor of a network, by its name: everybody who knows the name has the key. */
export function attestorOf(crypto: AttestCrypto, networkName: string): Attestor {
  const tag = crypto.blake2b256(utf8(NAME));
  const secret = crypto.blake2b256(utf8(`${NAME}/${networkName}`));
  const publicKey = crypto.secp256k1.publicKey(secret);
  const make = (statement: Uint8Array): Uint8Array =>
    concat(tag, crypto.secp256k1.sign(statement, secret), new Uint8Array(PROOF_BYTES - TAG_BYTES - SIGNATURE_BYTES));
  const holds = (statement: Uint8Array, proof: Uint8Array): boolean =>
    proof.length === PROOF_BYTES &&
    equal(proof.subarray(0, TAG_BYTES), tag) &&
    proof.subarray(TAG_BYTES + SIGNATURE_BYTES).every((byte) => byte === 0) &&
    equal(crypto.secp256k1.recover(statement, proof.slice(TAG_BYTES, TAG_BYTES + SIGNATURE_BYTES)) ?? tag, publicKey);
  const makeAll = (statement: Uint8Array, partitions: number): Uint8Array => {
    const one = make(statement);
    return concat(...Array.from({ length: partitions }, () => one));
  };
  const allHold = (statement: Uint8Array, proof: Uint8Array): boolean => {
    if (proof.length === 0 || proof.length % PROOF_BYTES !== 0) return false;
    const first = proof.subarray(0, PROOF_BYTES);
    for (let at = PROOF_BYTES; at < proof.length; at += PROOF_BYTES)
      if (!equal(proof.subarray(at, at + PROOF_BYTES), first)) return false;
    return holds(statement, first);
  };
  return {
    publicKey,
    attestPost: (statement) => make(postBytes(crypto, statement)),
    verifyPost: (statement, proof) => holds(postBytes(crypto, statement), proof),
    attestSeal: (statement, partitions) => makeAll(sealBytes(crypto, statement), partitions),
    verifySeal: (statement, proof) => allHold(sealBytes(crypto, statement), proof),
    attestUpdate: (statement, partitions) => makeAll(updateBytes(crypto, statement), partitions),
    verifyUpdate: (statement, proof) => allHold(updateBytes(crypto, statement), proof),
  };
}

/** Whether a proof says that it is attested, by whomever and of whatever. */
export function isAttestation(crypto: Pick<Hashes, "blake2b256">, proof: Uint8Array): boolean {
  return equal(proof.subarray(0, TAG_BYTES), crypto.blake2b256(utf8(NAME)));
}

function postBytes(crypto: AttestCrypto, { kind, type, miner, randomness, sectors }: PostStatement): Uint8Array {
  const seed = toElement(randomness);
  const unique = new Map(sectors.map(({ number, sealedCid }) => [number, sealedCid]));
  const list = [...unique].sort(([a], [b]) => (a < b ? -1 : 1));
  return crypto.blake2b256(dagCbor.encode([NAME, kind, type, miner, seed, list]));
}

function sealBytes(crypto: AttestCrypto, statement: SealStatement): Uint8Array {
  const { type, miner, number, ticket, seed, sealedCid, unsealedCid } = statement;
  return crypto.blake2b256(dagCbor.encode([NAME, "seal", type, miner, number, ticket, seed, sealedCid, unsealedCid]));
}

function updateBytes(crypto: AttestCrypto, statement: UpdateAttestation): Uint8Array {
  const { type, oldSealedCid, newSealedCid, newUnsealedCid } = statement;
  return crypto.blake2b256(dagCbor.encode([NAME, "update", type, oldSealedCid, newSealedCid, newUnsealedCid]));
}

/** WindowPoStVerifyInfo, as the machine asks: [randomness, [[type, proof]], [[seal type, number, sealed CID]], miner]. */
export function verifyWindowInfo(attestor: Attestor, info: Uint8Array): boolean {
  const [randomness, proofs, sectors, miner] = dagCbor.decode(info) as [
    Uint8Array,
    [number, Uint8Array][],
    [number, number | bigint, unknown][],
    number | bigint,
  ];
  const [first] = proofs;
  if (proofs.length !== 1 || first === undefined) return false;
  const list = sectors.map(([, number, sealed]) => ({ number: BigInt(number), sealedCid: CID.asCID(sealed) as CID }));
  const statement = { kind: "window" as const, type: first[0], miner: BigInt(miner), randomness, sectors: list };
  return attestor.verifyPost(statement, first[1]);
}

/** SealVerifyInfo: [type, [miner, number], deals, ticket, seed, proof, sealed CID, unsealed CID]. */
export function verifySealInfo(attestor: Attestor, info: Uint8Array): boolean {
  const [type, [miner, number], , ticket, seed, proof, sealed, unsealed] = dagCbor.decode(info) as [
    number,
    [number | bigint, number | bigint],
    unknown,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    unknown,
    unknown,
  ];
  const sealedCid = CID.asCID(sealed);
  const unsealedCid = CID.asCID(unsealed);
  if (sealedCid === null || unsealedCid === null) return false;
  const statement = { type, miner: BigInt(miner), number: BigInt(number), ticket, seed, sealedCid, unsealedCid };
  return attestor.verifySeal(statement, proof);
}

/**
 * ReplicaUpdateInfo: [type, old sealed CID, new sealed CID, new unsealed CID, proof], whose proof earlier actors give as a list of numbers.
 * Source: ref-fvm shared/src/sector (ReplicaUpdateInfo).
 */
export function verifyUpdateInfo(attestor: Attestor, info: Uint8Array): boolean {
  const [type, old, sealed, unsealed, given] = dagCbor.decode(info) as [number, unknown, unknown, unknown, unknown];
  const [oldSealedCid, newSealedCid, newUnsealedCid] = [CID.asCID(old), CID.asCID(sealed), CID.asCID(unsealed)];
  if (oldSealedCid === null || newSealedCid === null || newUnsealedCid === null) return false;
  const proof = Array.isArray(given) ? Uint8Array.from(given as number[]) : given;
  if (!(proof instanceof Uint8Array)) return false;
  return attestor.verifyUpdate({ type, oldSealedCid, newSealedCid, newUnsealedCid }, proof);
}
