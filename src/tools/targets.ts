/**
 * The WebAssembly targets of the core: the entry file of each, and the files that it is made of.
 * `asconfig.json` holds the compiler options under the same names; an entry cannot stand there (asc 0.28).
 */
import { readFileSync } from "node:fs";
import path from "node:path";

export const TARGETS: Readonly<Record<string, string>> = {
  vm: "assembly/entry/vm.ts",
  "vm-test": "assembly/entry/vm-test.ts",
  crypto: "assembly/entry/crypto.ts",
  "crypto-simd": "assembly/entry/crypto.ts",
  "crypto-test": "assembly/entry/crypto-test.ts",
  "curve-test": "assembly/entry/curve-test.ts",
  "field-test": "assembly/entry/field-test.ts",
  proofs: "assembly/entry/proofs.ts",
  "proofs-simd": "assembly/entry/proofs.ts",
  check: "assembly/entry/check.ts",
  fvm: "assembly/entry/fvm.ts",
  "guest-test": "assembly/entry/guest-test.ts",
  "guest4-test": "assembly/entry/guest4-test.ts",
  instrument: "assembly/entry/instrument.ts",
  probe: "assembly/entry/probe.ts",
};

/** An import or a re-export, of a file beside or above. */
const FROM = /(?:^|\s)(?:from|import)\s+"(\.{1,2}\/[^"]+)"/g;

/** The files that an entry reaches through its imports, itself among them; paths from the repository's root, sorted. */
export function sourcesOf(entry: string): string[] {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name] of readFileSync(file, "utf8").matchAll(FROM))
      visit(path.posix.join(path.posix.dirname(file), `${name}.ts`));
  };
  visit(entry);
  return [...seen].sort();
}
