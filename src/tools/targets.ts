/**
 * The WebAssembly targets of the core and the entry file of each.
 * `asconfig.json` holds the compiler options under the same names; an entry cannot stand there (asc 0.28).
 */
export const TARGETS: Readonly<Record<string, string>> = {
  vm: "assembly/entry/vm.ts",
  "vm-test": "assembly/entry/vm-test.ts",
  crypto: "assembly/entry/crypto.ts",
  "crypto-test": "assembly/entry/crypto-test.ts",
  "curve-test": "assembly/entry/curve-test.ts",
  proofs: "assembly/entry/proofs.ts",
  "proofs-simd": "assembly/entry/proofs.ts",
  check: "assembly/entry/check.ts",
  probe: "assembly/entry/probe.ts",
};
