/** What commands give for the keys of real proofs is what the opening of keys knows: an option more would be refused. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { shownKeys } from "../../../src/cli/real-proofs.ts";
import { provingUnder } from "../../../src/node/local-proving.ts";

test("keys that a command shows are opened, by whoever joins a network with real proofs", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-keys-"));
  const ended = new Error("ended before a key was made");
  const none = new Uint8Array(0);
  const proofs = { mode: "groth16", setup: "filigree devnet", verifyingKeys: { winning: none, window: none } } as const;
  try {
    const { params, clear } = shownKeys(folder, AbortSignal.abort(ended));
    await expect(provingUnder(proofs, params)).rejects.toBe(ended);
    clear();
  } finally {
    await rm(folder, { recursive: true });
  }
});
