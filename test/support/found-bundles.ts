/** The bundles of published actors on this machine's disk, for tests whose configuration gives them none. */
import { readFile } from "node:fs/promises";
import { Bundles } from "../../src/exec/bundles.ts";
import { findCorpus } from "./find-corpus.ts";

export { HOW } from "./bundles-text.ts";

export function foundBundles(): Bundles {
  return new Bundles(
    findCorpus().bundles.map((name) => ({ name, read: async () => new Uint8Array(await readFile(name)) })),
  );
}
