/** Checks of a whole state. In a file of its own, so that bundlers take along only what is used. */
import type { Asset } from "../../platform/platform.ts";

export const CHECK_WASM: Asset = {
  name: "check.wasm",
  url: () => new URL("../../../dist/wasm/check.wasm", import.meta.url),
};
