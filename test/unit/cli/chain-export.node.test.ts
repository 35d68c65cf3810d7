/** What a node sends in place of a snapshot. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { exportRemote } from "../../../src/cli/chain-export.ts";
import type { Remote } from "../../../src/cli/remote.ts";

const wish = { recentRoots: 1, skipOldMessages: false, receipts: false, version: 2 } as const;

/** A node whose export has these pieces; what handles them must not throw, as no one would catch it. */
function nodeOf(pieces: readonly Uint8Array[], thrown: unknown[]): Remote {
  const node = {
    close: () => undefined,
    ChainExport: async (handle: (piece: string) => void) => {
      for (const piece of [...pieces, new Uint8Array(0)])
        try {
          handle(Buffer.from(piece).toString("base64"));
        } catch (error) {
          thrown.push(error);
        }
      return { ended: Promise.resolve() };
    },
  };
  return {
    call: async () => ({ Cids: [], Height: 0 }),
    socket: () => ({ node, pause: () => undefined, resume: () => undefined }),
  } as unknown as Remote;
}

test("an export that does not begin like a CAR file is refused, wherever it is cut and whatever is wrong", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-export-"));
  const handle = await open(path.join(folder, "out.car"), "w");
  try {
    for (const bytes of [
      [5, 1, 2, 3, 4, 5],
      [1, 0xa0],
      [0x80, 0],
      [0xff, 0xff, 0xff, 1],
    ])
      for (const pieces of [[bytes], bytes.map((byte) => [byte])]) {
        const thrown: unknown[] = [];
        const remote = nodeOf(
          pieces.map((piece) => Uint8Array.from(piece)),
          thrown,
        );
        const options = { signal: new AbortController().signal, report: () => undefined };
        await expect(exportRemote(remote, wish, handle, options)).rejects.toThrow("does not begin like a CAR file");
        expect(thrown).toEqual([]);
      }
  } finally {
    await handle.close();
    await rm(folder, { recursive: true });
  }
});
