/**
 * Digests of complete layers, by which an interrupted labelling goes on where it can.
 *
 *   file: row of 32 bytes for each complete layer from the first
 *   row:  chain over the windows of the layer, c[i + 1] = SHA-256(c[i] ‖ SHA-256(labels of window i)), where
 *         c[0] = SHA-256(replica id ‖ PoRep id ‖ layer ‖ nodes ‖ nodes of a window ‖ legacy, each u64 LE)
 *
 * A layer's row is written after its last label, and a layer is trusted only if its file has the digest of its row: a
 * layer written in half, by another sector or with other data has not, whatever order the writes reached the disk in.
 */
import type { Proofs } from "../../core/proofs.ts";
import { sha256Of, u64Bytes } from "../kernel.ts";
import { NODE_BYTES } from "../params.ts";
import { layerFile, type SectorStore } from "../store.ts";
import { type SealOptions, step } from "./kit.ts";
import { pieces } from "./paging-buckets.ts";
import type { PagingPlan } from "./paging-plan.ts";

export const DIGESTS_FILE = "labels-digests.dat";

/** What all labels of a sector depend on. */
export type LabelIdentity = {
  readonly replicaId: Uint8Array;
  readonly porepId: Uint8Array;
  readonly legacy: boolean;
};

/** The chain's start for a layer. */
export function layerDigest(proofs: Proofs, identity: LabelIdentity, plan: PagingPlan, layer: number): Uint8Array {
  const numbers = [layer, plan.nodes, plan.window, identity.legacy ? 1 : 0].map((n) => u64Bytes(n, true));
  return sha256Of(proofs, identity.replicaId, identity.porepId, ...numbers);
}

/** The chain after the window whose labels lie at `labels`. */
export function nextDigest(proofs: Proofs, digest: Uint8Array, labels: number, count: number): Uint8Array {
  const own = proofs.with(32, (at) => {
    proofs.exports.sha256(labels, count * NODE_BYTES, at);
    return proofs.instance.read(at, 32);
  });
  return sha256Of(proofs, digest, own);
}

export function writeDigest(store: SectorStore, layer: number, digest: Uint8Array): Promise<void> {
  return store.write(DIGESTS_FILE, (layer - 1) * 32, digest);
}

/** How many layers from the first are in their files, as their digests say; `labels` is memory for a window. */
export async function completeLayers(
  proofs: Proofs,
  store: SectorStore,
  identity: LabelIdentity,
  plan: PagingPlan,
  layers: number,
  labels: number,
  options: SealOptions,
): Promise<number> {
  const rows = Math.min(layers, Math.floor(((await store.size(DIGESTS_FILE)) ?? 0) / 32));
  const bytes = plan.nodes * NODE_BYTES;
  for (let layer = 1; layer <= rows; layer++) {
    if ((await store.size(layerFile(layer))) !== bytes) return layer - 1;
    const row = (await store.read(DIGESTS_FILE, (layer - 1) * 32, 32)).slice();
    let digest = layerDigest(proofs, identity, plan, layer);
    for await (const piece of pieces(store, layerFile(layer), 0, bytes, plan.window * NODE_BYTES)) {
      proofs.instance.write(labels, piece.bytes);
      digest = nextDigest(proofs, digest, labels, plan.window);
      step(options, "check labels", (layer - 1) * plan.nodes + piece.at / NODE_BYTES + plan.window, rows * plan.nodes);
    }
    if (!digest.every((byte, i) => byte === row[i])) return layer - 1;
  }
  return rows;
}
