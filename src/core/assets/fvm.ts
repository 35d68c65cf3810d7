/** The FVM's kernel and the instrumenter of its guests. In a file of its own, so that bundlers take along only what is used. */
import type { Asset } from "../../platform/platform.ts";

export const FVM_WASM: Asset = {
  name: "fvm.wasm",
  url: () => new URL("../../../dist/wasm/fvm.wasm", import.meta.url),
};

export const INSTRUMENT_WASM: Asset = {
  name: "instrument.wasm",
  url: () => new URL("../../../dist/wasm/instrument.wasm", import.meta.url),
};
