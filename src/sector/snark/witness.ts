/**
 * What a circuit reads to make its witness: the openings of a vanilla proof as bytes, in the order of the circuit. Layouts:
 * `assembly/proofs/circuit/{post,porep,update}.ts`. A path is its leaf's index (u64), then the siblings of every row.
 */
import { type MerklePath, pathIndex } from "../merkle-path.ts";
import { checkBytes, SectorError, type SectorParams } from "../params.ts";
import { type PoStKind, type PoStPartitionProof, type PublicSector, WINNING_LEAVES } from "../post/post-proof.ts";
import type { ColumnProof, PoRepPartitionProof } from "../seal/porep-proof.ts";
import { type UpdatePartitionProof, type UpdateStatement, updateParams } from "../update/update.ts";
import { updateInputs } from "./statement.ts";

/** Bytes that grow at the end. */
class Writer {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  node(what: string, bytes: Uint8Array): void {
    checkBytes(what, bytes);
    this.append(bytes);
  }

  number(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    this.append(bytes);
  }

  /** The siblings of a path's rows. */
  siblings(steps: MerklePath["steps"]): void {
    for (const step of steps) for (const sibling of step.siblings) this.node("sibling", sibling);
  }

  path(path: MerklePath): void {
    this.number(pathIndex(path));
    this.siblings(path.steps);
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  private append(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.length += bytes.length;
  }
}

/**
 * Witness of one partition of a PoSt: the proofs of its sectors, in the circuit's number, and their public sides in the same
 * order. Of a winning PoSt the one sector's leaves become so many sectors.
 */
export function postWitness(
  kind: PoStKind,
  partition: PoStPartitionProof,
  sectors: readonly PublicSector[],
): Uint8Array {
  const out = new Writer();
  for (const [i, proof] of partition.entries()) {
    const { commR } = sectors[i] as PublicSector;
    const groups = kind === "winning" ? proof.paths.map((path) => [path]) : [proof.paths];
    if (kind === "winning" && groups.length !== WINNING_LEAVES)
      throw new SectorError({ code: "OUT_OF_RANGE", what: "leaves", value: groups.length }, "not a winning PoSt");
    for (const paths of groups) {
      out.node("CommRLast", proof.commRLast);
      out.node("CommC", proof.commC);
      out.node("CommR", commR);
      for (const path of paths) {
        out.node("leaf", path.leaf);
        out.path(path);
      }
    }
  }
  return out.bytes();
}

/** What a partition of a PoRep shows besides its openings. */
export type PoRepCommitments = {
  readonly replicaId: Uint8Array;
  readonly commD: Uint8Array;
  readonly commR: Uint8Array;
};

/** Witness of one partition of a PoRep. Throws `OUT_OF_RANGE` for a partition without challenges. */
export function porepWitness(commitments: PoRepCommitments, partition: PoRepPartitionProof): Uint8Array {
  const first = partition[0];
  if (first === undefined)
    throw new SectorError({ code: "OUT_OF_RANGE", what: "challenges", value: 0 }, "a partition without challenges");
  const out = new Writer();
  out.node("replica id", commitments.replicaId);
  out.node("CommD", commitments.commD);
  out.node("CommR", commitments.commR);
  out.node("CommRLast", first.replica.root);
  out.node("CommC", first.column.path.root);
  for (const proof of partition) {
    out.node("data", proof.data.leaf);
    out.path(proof.data);
    for (const parent of [...proof.baseParents, ...proof.expanderParents]) column(out, parent);
    out.number(proof.challenge);
    out.path(proof.replica);
    out.path(proof.column.path);
  }
  return out.bytes();
}

function column(out: Writer, { labels, path }: ColumnProof): void {
  for (const label of labels) out.node("label", label);
  out.path(path);
}

/** Witness of partition `index` of a sector update. Throws `OUT_OF_RANGE`. */
export function updateWitness(
  params: SectorParams,
  statement: UpdateStatement,
  index: number,
  partition: UpdatePartitionProof,
): Uint8Array {
  const inputs = updateInputs(params, statement)[index];
  const first = partition.challenges[0];
  if (inputs === undefined || first === undefined)
    throw new SectorError({ code: "OUT_OF_RANGE", what: "partition", value: index }, `no partition ${index}`);
  const { partitions, apexLeaves } = updateParams(params);
  const above = Math.log2(partitions);
  const below = Math.log2(params.nodes / partitions / apexLeaves);
  const out = new Writer();
  const [selector, ...commitments] = inputs as readonly [Uint8Array, ...Uint8Array[]];
  out.number(new DataView(selector.buffer, selector.byteOffset).getUint32(0, true));
  for (const commitment of commitments) out.node("commitment", commitment);
  out.node("CommC", partition.commC);
  out.node("root", first.oldReplica.root);
  out.node("root", first.newReplica.root);
  for (const leaf of partition.apexLeaves) out.node("apex leaf", leaf);
  out.siblings(first.newData.steps.slice(first.newData.steps.length - above));
  for (const { oldReplica, newData, newReplica } of partition.challenges) {
    out.node("old replica", oldReplica.leaf);
    out.node("new data", newData.leaf);
    out.siblings(oldReplica.steps);
    out.siblings(newReplica.steps);
    out.siblings(newData.steps.slice(0, below));
  }
  return out.bytes();
}
