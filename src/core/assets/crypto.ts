/** Hashes and signatures, with and without SIMD. In a file of its own, so that bundlers take along only what is used. */
import type { Asset } from "../../platform/platform.ts";

export const CRYPTO_WASM: Asset = {
  name: "crypto.wasm",
  url: () => new URL("../../../dist/wasm/crypto.wasm", import.meta.url),
};

export const CRYPTO_SIMD_WASM: Asset = {
  name: "crypto-simd.wasm",
  url: () => new URL("../../../dist/wasm/crypto-simd.wasm", import.meta.url),
};
