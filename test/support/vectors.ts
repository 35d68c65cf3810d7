/**
 * The conformance corpus, where it is: the folder that FILIGREE_VECTORS names, else `../shared` beside the checkout. It
 * is not part of the repository. Both test configurations provide the list; in a browser the test server gives the files.
 */
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of the legacy corpus (an absolute path), and its vector files below it. */
    corpus: { readonly folder: string; readonly files: readonly string[] };
  }
}

export const corpus: { readonly folder: string; readonly files: readonly string[] } = inject("corpus");

export const HOW_TO_GET =
  "set FILIGREE_VECTORS to the folder that has vectors/legacy (filecoin-project/test-vectors, corpus/)";

/** Text of a vector file. */
export async function readVector(file: string): Promise<string> {
  if (!("document" in globalThis)) {
    const { readFile } = await import("node:fs/promises");
    return await readFile(`${corpus.folder}/${file}`, "utf8");
  }
  const response = await fetch(`/@fs${corpus.folder}/${file}`);
  if (!response.ok) throw new Error(`${file}: HTTP status ${response.status}`);
  return await response.text();
}
