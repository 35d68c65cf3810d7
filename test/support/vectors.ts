/**
 * The conformance corpus, where it is: the folder that FILIGREE_VECTORS names, else `../shared` beside the checkout. It
 * is not part of the repository. Both test configurations provide the list; in a browser the test server gives the files.
 */
import { inject } from "vitest";

export type FoundCorpus = {
  readonly folder: string;
  readonly files: readonly string[];
  /** Files of published election values. */
  readonly election: readonly string[];
  /** Vectors of the FVM, and bundles of published actors: files with their whole paths. */
  readonly fvm: readonly string[];
  readonly bundles: readonly string[];
};

declare module "vitest" {
  interface ProvidedContext {
    /** What `find-corpus.ts` found: folders and files by absolute paths. */
    corpus: FoundCorpus;
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

/** A file by its absolute path. */
export async function readAt(place: string): Promise<Uint8Array> {
  if (!("document" in globalThis)) {
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(place));
  }
  const response = await fetch(`/@fs${place}`);
  if (!response.ok || response.headers.get("content-type")?.includes("text/html") === true)
    throw new Error(`${place}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
