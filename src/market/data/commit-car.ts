/**
 * The piece commitment of a DAG's CAR file, taken while the file is made or without making it; and where each block lies in
 * it, for whoever wants a range of the piece.
 */
import type { Proofs } from "../../core/proofs.ts";
import { commitStream } from "../../proving/commit.ts";
import type { ProvingPool } from "../../proving/pool.ts";
import type { PieceCommitment } from "../../sector/piece/cid.ts";
import type { BlockSource } from "../../storage/contract.ts";
import type { CID } from "../../types/cid.ts";
import { carOf } from "./car-out.ts";

export type CommittedCar = { readonly piece: PieceCommitment; readonly carSize: number };

export type CommitCarOptions = {
  readonly module: Proofs;
  readonly pool: ProvingPool;
  /** Gets the bytes of the file as they are made. */
  readonly write?: (bytes: Uint8Array) => Promise<void>;
  readonly signal?: AbortSignal;
};

/** Commits to a DAG's CAR file in one pass over its blocks. */
export async function commitCar(
  blocks: BlockSource,
  root: CID,
  { module, pool, write, signal }: CommitCarOptions,
): Promise<CommittedCar> {
  let carSize = 0;
  const limits = signal === undefined ? {} : { signal };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const part of carOf(blocks, root, limits)) {
      carSize += part.length;
      await write?.(part);
      yield part;
    }
  }
  const piece = await commitStream(module, pool, bytes(), limits);
  return { piece, carSize };
}
