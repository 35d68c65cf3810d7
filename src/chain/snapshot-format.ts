/**
 * Snapshots of a chain: CAR files (version 1) of headers, messages and states.
 *
 * Format 1: the roots are the key of the head. Format 2: one root, a block of metadata that names the head, first of the
 * blocks; behind it, if the metadata names one, a block of F3 certificates. Source: FRC-0108; lotus at 04e7c94a7d64.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { FilError } from "../base/errors.ts";
import type { Block } from "../storage/contract.ts";
import { CID, cidOfBlock } from "../types/cid.ts";

export type SnapshotErrorData =
  /** The file is compressed; named is with what. */
  | { readonly code: "COMPRESSED"; readonly format: string }
  | { readonly code: "NO_ROOTS" }
  | { readonly code: "BAD_METADATA"; readonly cid: string }
  /** A block's bytes are not those of its CID. */
  | { readonly code: "WRONG_BYTES"; readonly cid: string; readonly at: number }
  | { readonly code: "UNKNOWN_HASH"; readonly cid: string; readonly at: number }
  /** The headers do not lead from the head to a genesis. */
  | { readonly code: "BROKEN_CHAIN"; readonly cid: string }
  | { readonly code: "WRONG_GENESIS"; readonly found: string; readonly expected: string }
  /** A block of a state or of messages that should be there is not. */
  | { readonly code: "INCOMPLETE"; readonly epoch: number; readonly cid: string }
  /** Executing a tipset of the snapshot gave something else than the headers on top of it claim. */
  | { readonly code: "RESULT_MISMATCH"; readonly epoch: number }
  | { readonly code: "NOT_EMPTY" };
export class SnapshotError extends FilError<SnapshotErrorData> {}

export type SnapshotMetadata = {
  /** Key of the tipset that the snapshot ends with. */
  readonly head: readonly CID[];
  /** CID of the block of F3 certificates, or null. */
  readonly f3: CID | null;
};

/** Blocks of a tipset that are looked at. */
export const MAX_KEY = 1024;
const VERSION = 2;
const RAW = 0x55;

export function encodeMetadata({ head, f3 }: SnapshotMetadata): Block {
  const bytes = dagCbor.encode({ Version: VERSION, HeadTipsetKey: head, F3Data: f3 });
  return { cid: cidOfBlock(bytes).bytes, bytes };
}

/** The metadata in the block of a file's only root; null where that block is something else (a header). */
export function decodeMetadata(cid: CID, bytes: Uint8Array): SnapshotMetadata | null {
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || !("Version" in value)) return null;
  const { Version: version, HeadTipsetKey: key, F3Data: data = null } = value as Record<string, unknown>;
  const bad = (why: string): never => {
    throw new SnapshotError({ code: "BAD_METADATA", cid: `${cid}` }, `metadata of the snapshot: ${why}`);
  };
  if (version !== VERSION) return bad(`version ${String(version)}; ${VERSION} is known, and files without metadata`);
  if (!Array.isArray(key) || key.length === 0 || key.length > MAX_KEY) return bad("the head is no list of CIDs");
  const f3 = data === null ? null : CID.asCID(data);
  if (data !== null && f3?.code !== RAW) return bad("F3Data is no CID of raw bytes");
  return { head: key.map((one) => CID.asCID(one) ?? bad("a block of the head is no CID")), f3 };
}
