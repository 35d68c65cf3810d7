/**
 * The conformance corpus, where it is: the folder that FILIGREE_VECTORS names, else `../shared` beside the checkout. It
 * is not part of the repository. Both test configurations provide the list; in a browser the test server gives the files.
 */
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of the legacy corpus (an absolute path), its vector files below it, and the files of election values. */
    corpus: { readonly folder: string; readonly files: readonly string[]; readonly election: readonly string[] };
  }
}

export const corpus = inject("corpus");

export const HOW_TO_GET =
  "set FILIGREE_VECTORS to the folder that has vectors/legacy (filecoin-project/test-vectors, corpus/)";

/** Text of a vector file. */
export async function readVector(file: string): Promise<string> {
  return new TextDecoder().decode(await readAt(`${corpus.folder}/${file}`));
}

/** A file of the shared folder, such as "chains/x.car", or null if it is not there. */
export async function readShared(file: string): Promise<Uint8Array | null> {
  try {
    return await readAt(`${corpus.folder.replace(/[\\/]vectors[\\/]legacy[\\/]?$/, "")}/${file}`);
  } catch {
    return null;
  }
}

async function readAt(place: string): Promise<Uint8Array> {
  if (!("document" in globalThis)) {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(place));
  }
  const response = await fetch(`/@fs${place}`);
  if (!response.ok || response.headers.get("content-type")?.includes("text/html") === true)
    throw new Error(`${place}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
