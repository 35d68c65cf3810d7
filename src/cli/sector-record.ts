/**
 * `sector.json`, which stands beside a sealed sector's files and says what they are; and proof files.
 *
 * A proof file is DAG-CBOR: the kind of proof, the statement, and the vanilla openings by partition. It holds all that a
 * verifier needs; nothing of it is trusted.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import * as cbor from "@ipld/dag-cbor";
import { fromHex, toHex } from "../base/bytes.ts";
import { pieceCidV1, sealedCid } from "../core/piece-cid.ts";
import type { PoRepPartitionProof } from "../core/porep-proof.ts";
import type { PoStKind, PoStPartitionProof, PublicSector } from "../core/post-proof.ts";
import type { SealedSector, SectorIdentity } from "../core/seal.ts";
import { proverId, sealProof } from "../core/sector-params.ts";
import type { StagedPiece } from "../core/stage.ts";

export type SectorRecord = {
  readonly actorId: bigint;
  readonly identity: SectorIdentity;
  readonly sealed: SealedSector;
};

export const RECORD_FILE = "sector.json";
const COMMITMENTS = ["replicaId", "commD", "commC", "commRLast", "commR"] as const;

type Stored = {
  readonly sealProof: number;
  readonly actorId: string;
  readonly sectorNumber: string;
  readonly ticket: string;
} & Readonly<Record<(typeof COMMITMENTS)[number], string>>;

export async function writeRecord(
  directory: string,
  record: SectorRecord,
  pieces: readonly StagedPiece[],
): Promise<void> {
  const { actorId, identity, sealed } = record;
  const commitments = Object.fromEntries(COMMITMENTS.map((name) => [name, toHex(sealed[name])]));
  const stored = {
    sealProof: identity.proof.number,
    actorId: String(actorId),
    sectorNumber: String(identity.sectorNumber),
    ticket: toHex(identity.ticket),
    ...commitments,
    unsealedCid: pieceCidV1(sealed.commD).toString(),
    sealedCid: sealedCid(sealed.commR).toString(),
    pieces: pieces.map(({ offset, commP, payloadSize, paddedSize }) => ({
      offset,
      payloadSize,
      paddedSize,
      pieceCid: pieceCidV1(commP).toString(),
    })),
  };
  await writeFile(path.join(directory, RECORD_FILE), `${JSON.stringify(stored, null, 2)}\n`);
}

export async function readRecord(directory: string): Promise<SectorRecord> {
  const file = path.join(directory, RECORD_FILE);
  const stored = JSON.parse(await readFile(file, "utf8")) as Stored;
  const actorId = BigInt(stored.actorId);
  const [replicaId, commD, commC, commRLast, commR] = COMMITMENTS.map((name) => fromHex(stored[name])) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const identity: SectorIdentity = {
    proof: sealProof(stored.sealProof),
    proverId: proverId(actorId),
    sectorNumber: BigInt(stored.sectorNumber),
    ticket: fromHex(stored.ticket),
  };
  return { actorId, identity, sealed: { replicaId, commD, commC, commRLast, commR } };
}

export type ProofFile =
  | {
      readonly kind: "porep";
      readonly sealProof: number;
      readonly actorId: bigint;
      readonly sectorNumber: bigint | number;
      readonly ticket: Uint8Array;
      readonly commD: Uint8Array;
      readonly commR: Uint8Array;
      readonly seed: Uint8Array;
      readonly partitions: readonly PoRepPartitionProof[];
    }
  | {
      readonly kind: PoStKind;
      readonly sectorBytes: number;
      readonly randomness: Uint8Array;
      readonly sectors: readonly PublicSector[];
      readonly partitions: readonly PoStPartitionProof[];
    };

export async function writeProof(file: string, proof: ProofFile): Promise<number> {
  const bytes = cbor.encode(proof);
  await writeFile(file, bytes);
  return bytes.length;
}

export async function readProof(file: string): Promise<ProofFile> {
  const bytes = await readFile(file);
  try {
    return cbor.decode<ProofFile>(bytes);
  } catch (cause) {
    throw new Error(`${file} is no proof file`, { cause });
  }
}
