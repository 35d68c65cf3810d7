/** The bundles of published actors that a test configuration found; they are nobody's to commit. */
import { Bundles } from "../../src/exec/bundles.ts";
import { corpus, readAt } from "./vectors.ts";

export { HOW } from "./bundles-text.ts";

export function givenBundles(): Bundles {
  return new Bundles(corpus.bundles.map((name) => ({ name, read: () => readAt(name) })));
}
