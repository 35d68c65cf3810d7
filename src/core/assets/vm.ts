/** The virtual machine. In a file of its own, so that bundlers take along only what is used. */
import type { Asset } from "../../platform/platform.ts";

export const VM_WASM: Asset = {
  name: "vm.wasm",
  url: () => new URL("../../../dist/wasm/vm.wasm", import.meta.url),
};
