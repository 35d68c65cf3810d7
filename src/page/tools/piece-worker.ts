/** The piece commitment of a file, read as a stream in a worker: memory stays the same whatever the size of the file. */
import { loadProofs } from "../../core/proofs.ts";
import { pieceCidV1, pieceCidV2 } from "../../sector/piece/cid.ts";
import { PieceHasher } from "../../sector/piece/pieces.ts";

export type PieceNews =
  | { readonly kind: "progress"; readonly done: number }
  | {
      readonly kind: "piece";
      readonly v1: string;
      /** Null: no piece CID v2 is defined for so little data. */
      readonly v2: string | null;
      readonly payloadSize: number;
      readonly paddedSize: number;
      readonly ms: number;
    }
  | { readonly kind: "failed"; readonly text: string };

/** Bytes between two notes of progress. */
const STEP = 4 << 20;

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
const say = (news: PieceNews): void => scope.postMessage(news);

async function commit(file: Blob): Promise<void> {
  const began = performance.now();
  const hasher = new PieceHasher(await loadProofs());
  let told = 0;
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    hasher.update(value);
    if (hasher.payloadSize - told < STEP) continue;
    told = hasher.payloadSize;
    say({ kind: "progress", done: told });
  }
  const piece = hasher.digest();
  let v2: string | null = null;
  try {
    v2 = pieceCidV2(piece).toString();
  } catch {
    // Too little data has none.
  }
  const { payloadSize, paddedSize, commP } = piece;
  say({ kind: "piece", v1: pieceCidV1(commP).toString(), v2, payloadSize, paddedSize, ms: performance.now() - began });
}

scope.addEventListener("message", ({ data }: MessageEvent<Blob>) => {
  commit(data).catch((error: unknown) =>
    say({ kind: "failed", text: error instanceof Error ? error.message : String(error) }),
  );
});
