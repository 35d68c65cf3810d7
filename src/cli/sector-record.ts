/** `sector.json`, which stands beside a sealed sector's files and says what they are; and files of proofs (`src/sector/proof-file.ts`). */
import path from "node:path";
import { fromHex, toHex } from "../base/bytes.ts";
import { proverId, sealProof, sectorParams } from "../sector/params.ts";
import { commitmentOfCidV1, paddedBytesOf, pieceCidV1, sealedCid } from "../sector/piece/cid.ts";
import type { StagedPiece } from "../sector/piece/stage.ts";
import { decodeProof, encodeProof, type ProofFile } from "../sector/proof-file.ts";
import type { SealedSector, SectorIdentity } from "../sector/seal/seal.ts";
import { parseCid } from "../types/cid.ts";
import { fileError } from "./errors.ts";
import { type OutputOptions, writeOutput } from "./output.ts";
import { readAtMost, readText } from "./read-at-most.ts";

export type SectorRecord = {
  readonly actorId: bigint;
  readonly identity: SectorIdentity;
  readonly sealed: SealedSector;
  readonly pieces: readonly RecordedPiece[];
};

/** A piece as it lies in the sector: where it begins in the padded data, its payload's bytes, its commitment. */
export type RecordedPiece = Pick<StagedPiece, "offset" | "payloadSize" | "commP">;

export const RECORD_FILE = "sector.json";
const COMMITMENTS = ["replicaId", "commD", "commC", "commRLast", "commR"] as const;

type Stored = {
  readonly sealProof: number;
  readonly actorId: string;
  readonly sectorNumber: string;
  readonly ticket: string;
  readonly pieces: readonly { readonly offset: number; readonly payloadSize: number; readonly pieceCid: string }[];
} & Readonly<Record<(typeof COMMITMENTS)[number], string>>;

export async function writeRecord(
  directory: string,
  record: Omit<SectorRecord, "pieces">,
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
  const text = `${JSON.stringify(stored, null, 2)}\n`;
  await writeOutput(path.join(directory, RECORD_FILE), {}, (handle) => handle.writeFile(text));
}

/** Reads the record of a sealed sector. Throws with the file's name if there is none, or it is none. */
export async function readRecord(directory: string): Promise<SectorRecord> {
  const file = path.join(directory, RECORD_FILE);
  const text = await readText(file).catch((cause: NodeJS.ErrnoException) => {
    throw fileError(`${directory} holds no sealed sector (${RECORD_FILE})`, cause);
  });
  try {
    return recordOf(JSON.parse(text) as Stored);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${file} is no record of a sealed sector: ${reason}`, { cause });
  }
}

function recordOf(stored: Stored): SectorRecord {
  const actorId = decimal(stored, "actorId");
  const [replicaId, commD, commC, commRLast, commR] = COMMITMENTS.map((name) => hex32(stored, name)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const identity: SectorIdentity = {
    proof: sealProof(stored.sealProof),
    proverId: proverId(actorId),
    sectorNumber: decimal(stored, "sectorNumber"),
    ticket: hex32(stored, "ticket"),
  };
  const pieces = piecesOf(stored, sectorParams(identity.proof.sectorBytes).sectorBytes);
  return { actorId, identity, sealed: { replicaId, commD, commC, commRLast, commR }, pieces };
}

function piecesOf({ pieces }: Stored, sectorBytes: number): RecordedPiece[] {
  if (!Array.isArray(pieces)) throw new Error("it lists no pieces");
  return (pieces as Stored["pieces"]).map(({ offset, payloadSize, pieceCid }, i) => {
    const fits = Number.isSafeInteger(offset) && offset >= 0 && offset % 128 === 0 && Number.isSafeInteger(payloadSize);
    if (!fits || payloadSize < 1 || offset + paddedBytesOf(payloadSize) > sectorBytes)
      throw new Error(`piece ${i} does not lie in the sector`);
    const commP = typeof pieceCid === "string" ? commitmentOfCidV1(parseCid(pieceCid)) : null;
    if (commP === null) throw new Error(`piece ${i} has no piece CID`);
    return { offset, payloadSize, commP };
  });
}

function decimal(stored: Stored, name: "actorId" | "sectorNumber"): bigint {
  const text: unknown = stored[name];
  if (typeof text === "string" && /^\d{1,20}$/.test(text) && BigInt(text) < 1n << 64n) return BigInt(text);
  throw new Error(`${name} is no number of 64 bits`);
}

function hex32(stored: Stored, name: "ticket" | (typeof COMMITMENTS)[number]): Uint8Array {
  const text: unknown = stored[name];
  if (typeof text === "string" && /^[0-9a-f]{64}$/.test(text)) return fromHex(text);
  throw new Error(`${name} is not 32 bytes in hexadecimal`);
}

export async function writeProof(file: string, proof: ProofFile, options: OutputOptions = {}): Promise<number> {
  const bytes = encodeProof(proof);
  await writeOutput(file, options, (handle) => handle.writeFile(bytes));
  return bytes.length;
}

/** Bytes of a proof with the openings of all its sectors. */
const MAX_PROOF = 512 << 20;

/** Reads a proof file; its statement has the right types then, its openings are still anything. */
export async function readProof(file: string): Promise<ProofFile> {
  const bytes = await readAtMost(file, MAX_PROOF, "any file of a proof").catch((cause: NodeJS.ErrnoException) => {
    throw fileError(`cannot read ${file}`, cause);
  });
  const proof = decodeProof(bytes);
  if (proof !== null) return proof;
  throw new Error(`${file} is no proof file; \`filigree prove\` makes them`);
}
