/** Reading `test/fixtures/proofs` and making its inputs again; the formats stand in its README. */

export { prng, prngChunks, prngFr } from "../../support/prng.ts";

/** The files by path; read when asked for, by the bundler that also runs these tests in a browser. */
const files = import.meta.glob<unknown>("../../fixtures/proofs/*.json", { import: "default" });

/** A fixture, parsed. */
export async function fixture<T>(name: string): Promise<T> {
  const read = files[`../../fixtures/proofs/${name}`];
  if (read === undefined) throw new Error(`no fixture ${name}`);
  return (await read()) as T;
}
