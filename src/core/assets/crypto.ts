/** Hashes and signatures. In a file of its own, so that bundlers take along only what is used. */
import type { Asset } from "../../platform/platform.ts";

export const CRYPTO_WASM: Asset = {
  name: "crypto.wasm",
  url: () => new URL("../../../dist/wasm/crypto.wasm", import.meta.url),
};
