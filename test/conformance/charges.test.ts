/** Every single gas charge of the generated vectors against the ones that the reference recorded, call by call. */
import { expect, test } from "vitest";
import { runVector } from "../../src/conformance/run.ts";
import { traceTable } from "../../src/conformance/trace-table.ts";
import { corpus, HOW_TO_GET, readVector } from "../support/vectors.ts";

/** One variant of each file: the charges are the same in all of them. */
const generated = corpus.files.filter((file) => !file.startsWith("extracted/"));

if (generated.length === 0) {
  console.warn(`skipped: no conformance vectors at ${corpus.folder}; ${HOW_TO_GET}`);
  test.skip(`recorded gas charges: ${HOW_TO_GET}`, () => undefined);
} else {
  test("names, amounts and order of all gas charges are those recorded", async () => {
    const wrong: string[] = [];
    let compared = 0;
    for (const file of generated) {
      const { vector, outcomes } = await runVector(file, await readVector(file), { tracing: true });
      const [outcome] = outcomes;
      if (vector === null || outcome === undefined || vector.diagnostics === null) continue;
      const lines = await traceTable(outcome, vector);
      compared += lines.filter((line) => !line.startsWith("  call")).length;
      wrong.push(...lines.filter((line) => line.startsWith("  !")).map((line) => `${file}: ${line}`));
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(1000);
  }, 300_000);
}
