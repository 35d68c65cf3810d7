/**
 * The piece commitment of a DAG: of its CAR file, or, where it is a file, of the file's own bytes (a raw piece). Taken while the
 * bytes are written or without writing them.
 */
import type { Proofs } from "../../core/proofs.ts";
import { commitStream } from "../../proving/commit.ts";
import type { ProvingPool } from "../../proving/pool.ts";
import type { PieceCommitment } from "../../sector/piece/cid.ts";
import type { BlockSource } from "../../storage/contract.ts";
import type { CID } from "../../types/cid.ts";
import { carOf } from "./car-out.ts";
import { DataError } from "./errors.ts";
import { fileContent } from "./unixfs.ts";

/** What a DAG's piece is made of: its CAR file, or, raw, the bytes of the file that it is. */
export type PieceForm = "car" | "raw";

/** `carSize`: bytes of the CAR file; of a raw piece those of the file. */
export type CommittedCar = { readonly piece: PieceCommitment; readonly carSize: number };

export type CommitCarOptions = {
  readonly module: Proofs;
  readonly pool: ProvingPool;
  /** Gets the bytes of the file as they are made. */
  readonly write?: (bytes: Uint8Array) => Promise<void>;
  readonly form?: PieceForm;
  readonly signal?: AbortSignal;
};

/** The bytes of a DAG's piece. */
export function pieceBytes(
  blocks: BlockSource,
  root: CID,
  form: PieceForm,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  return form === "raw"
    ? fileContent(blocks, root, null, signal)
    : carOf(blocks, root, signal === undefined ? {} : { signal });
}

/** Commits to a DAG's piece in one pass over its blocks. Throws `DataError` for a raw piece of no bytes. */
export async function commitCar(
  blocks: BlockSource,
  root: CID,
  { module, pool, write, form = "car", signal }: CommitCarOptions,
): Promise<CommittedCar> {
  let carSize = 0;
  const limits = signal === undefined ? {} : { signal };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const part of pieceBytes(blocks, root, form, signal)) {
      carSize += part.length;
      await write?.(part);
      yield part;
    }
    if (carSize === 0) throw new DataError({ code: "BAD_INPUT" }, `${root} is empty; a piece holds at least one byte`);
  }
  const piece = await commitStream(module, pool, bytes(), limits);
  return { piece, carSize };
}
