/** The commands of the guide "Store a file", as they stand, on the built package. */
import { expect, test } from "vitest";
import { firstUrl, openGuide } from "../support/guide.ts";

const { blocks, start, run } = openGuide("guide-store-a-file.md");

test.skipIf("Deno" in globalThis)(
  "a file is stored and comes back, as the guide says",
  async () => {
    const [first = "", second = ""] = blocks;
    expect(first).toMatch(/^npx filigree devnet .*--block-time 0/);
    const url = await start(first.trim().split(" ").slice(2), firstUrl);
    const stdout = await run(second, { FILIGREE_RPC: url }, 100_000);
    expect(stdout).toMatch(/deal 0: Active/);
    expect(stdout).toMatch(/for a GiB and an epoch/);
    expect(stdout.match(/Active +0 /g)).toHaveLength(2);
    expect(stdout).toMatch(/^available {2}0 FIL$/m);
  },
  120_000,
);
