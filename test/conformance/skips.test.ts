/** What is not run, and that the reason is given: no vectors, and versions that the machine does not have. */
import { expect, test } from "vitest";
import { runVector } from "../../src/conformance/run.ts";
import { Bundles } from "../../src/exec/bundles.ts";
import { cidOfBlock } from "../../src/types/cid.ts";

const root = { root_cid: { "/": `${cidOfBlock(Uint8Array.of(0x80))}` } };
const vector = (nv: number): string =>
  JSON.stringify({
    class: "message",
    preconditions: { state_tree: root, variants: [{ id: "one", epoch: 1, nv }] },
    postconditions: { state_tree: root },
  });

async function outcome(text: string) {
  const { outcomes } = await runVector("file", text);
  expect(outcomes).toHaveLength(1);
  return outcomes[0];
}

test("JSON that is no vector is skipped, with the reason", async () => {
  expect(await outcome("[]")).toMatchObject({ passed: false, skipped: "no conformance vector: not an object" });
  expect(await outcome("{}")).toMatchObject({ skipped: "no conformance vector: it names no class" });
  expect(await outcome('{"class":"block"}')).toMatchObject({
    skipped: expect.stringMatching(/class "block" is neither/),
  });
});

test("a version that the machine does not have is skipped, one that it has is run", async () => {
  expect(await outcome(vector(12))).toMatchObject({ skipped: "the machine does not have network version 12" });
  const needs = "network version 17 needs the main network's actors v9 (--bundles)";
  expect(await outcome(vector(17))).toMatchObject({ skipped: needs });
  const { outcomes } = await runVector("file", vector(18), { bundles: new Bundles() });
  expect(outcomes).toMatchObject([{ passed: false, skipped: "no bundle holds the main network's actors v10" }]);
  expect(await outcome(vector(99))).toMatchObject({ skipped: "the machine does not have network version 99" });
  const run = await outcome(vector(5));
  expect(run?.skipped).toBeUndefined();
  expect(run?.differences).not.toEqual([]);
});

test("a vector that is broken fails", async () => {
  for (const text of ['{"class":"message"}', "{ cut"]) {
    const broken = await outcome(text);
    expect(broken?.skipped).toBeUndefined();
    expect(broken?.differences).toEqual([expect.stringMatching(/^not a conformance vector/)]);
  }
});
