/** Pieces, sectors and proofs, with and without SIMD. In a file of its own, so that bundlers take along only what is used. */
import type { Asset } from "../../platform/platform.ts";

export const PROOFS_WASM: Asset = {
  name: "proofs.wasm",
  url: () => new URL("../../../dist/wasm/proofs.wasm", import.meta.url),
};

export const PROOFS_SIMD_WASM: Asset = {
  name: "proofs-simd.wasm",
  url: () => new URL("../../../dist/wasm/proofs-simd.wasm", import.meta.url),
};
