/** The commands of the guide "Be a provider", as they stand, on the built package. */
import { expect, test } from "vitest";
import { firstUrl, openGuide } from "../support/guide.ts";

const { blocks, start, run } = openGuide("guide-be-a-provider.md");

test.skipIf("Deno" in globalThis)(
  "a provider asks, refuses, takes, seals and is found, as the guide says",
  async () => {
    const [first = "", second = ""] = blocks;
    expect(first).toMatch(/^npx filigree devnet .*--block-time 0/);
    const url = await start(first.trim().split(" ").slice(2), firstUrl);
    const stdout = await run(second, { FILIGREE_RPC: url }, 200_000);
    expect(stdout).toMatch(/^price +0.000000002 FIL for a GiB and an epoch$/m);
    expect(stdout).toMatch(/^minStartDelay +600$/m);
    expect(stdout).toMatch(/price: at least 1907 attoFIL an epoch, as the ask says; 7 attoFIL was offered/);
    expect(stdout).toMatch(/^deal 0: Active$/m);
    expect(stdout).toMatch(/Active +0 /);
    expect(stdout).toMatch(/^1 +Proving +\w+$/m);
    expect(stdout).toMatch(/^this node {2}t0\d+ {2}\/ip4\/127.0.0.1\/tcp\/\d+\/http {2}ipfs-gateway-http$/m);
    expect(stdout).toMatch(/imported -> Verifying +997 bytes/);
  },
  240_000,
);
