/** Snapshots beside a node's data: each file has one writer. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { keepSnapshot } from "../../../src/node/snapshot-folder.ts";

test("a snapshot that is being written, or is there, is neither written over nor removed", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "filigree-snapshots-"));
  try {
    const bytes = new Uint8Array(3 << 20).fill(7);
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = keepSnapshot(
      data,
      "one.car",
      (async function* () {
        await until;
        yield bytes;
      })(),
    );
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new Error("the chain cannot be read");
    };
    await expect(keepSnapshot(data, "one.car", failing())).rejects.toThrow("is being written");
    release();
    await first;
    await expect(keepSnapshot(data, "one.car", failing())).rejects.toThrow("there is a snapshot one.car already");
    expect(new Uint8Array(await readFile(path.join(data, "snapshots/one.car")))).toEqual(bytes);
    await expect(keepSnapshot(data, "two.car", failing())).rejects.toThrow("cannot be read");
    await expect(readFile(path.join(data, "snapshots/two.car"))).rejects.toThrow("ENOENT");
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
