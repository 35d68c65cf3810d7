import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { sha256 } from "@noble/hashes/sha2.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "#platform";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { checkFiles } from "../../../src/miner/folders/check.ts";
import { directoryStore } from "../../../src/proving/directory-store.ts";
import { NODE_BYTES, sealProof } from "../../../src/sector/params.ts";
import { labelPaged } from "../../../src/sector/seal/paged-labels.ts";
import { layerFile, SEALED_FILE } from "../../../src/sector/store.ts";
import { fixture, prng } from "../proofs/fixture.ts";
import { caseOf, type FixtureSector } from "../proofs/sectors.ts";

const proofs = await loadProofs();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a store in a directory", () => {
  // Elsewhere than on Windows the file is sparse: it takes no more than the few blocks that are written.
  test.skipIf(process.platform === "win32")("reads and writes beyond 2^32 bytes", async () => {
    const store = directoryStore(path.join(folder, "far"));
    const near = prng(1, NODE_BYTES);
    const far = prng(2, NODE_BYTES);
    await store.write("file", 64, near);
    await store.write("file", 2 ** 36 + 64, far);
    expect(await store.size("file")).toBe(2 ** 36 + 96);
    expect(toHex(await store.read("file", 2 ** 36 + 32, 64))).toBe("00".repeat(32) + toHex(far));
    expect(toHex(await store.read("file", 64, 32))).toBe(toHex(near));
    await expect(store.read("file", 2 ** 36 + 96, 1)).rejects.toMatchObject({ data: { code: "BAD_LENGTH" } });
    await store.remove("file");
    expect(await store.size("file")).toBe(null);
    await store.remove("file");
  });

  test.skipIf(process.platform === "win32")("waits for no pipe and takes no folder for a file", async () => {
    const store = directoryStore(folder);
    await promisify(execFile)("mkfifo", [path.join(folder, SEALED_FILE)]);
    await mkdir(path.join(folder, "p_aux"));
    await symlink("loop", path.join(folder, "loop"));
    for (const name of [SEALED_FILE, "p_aux", "loop"]) {
      await expect(store.size(name)).rejects.toMatchObject({ data: { code: "NOT_A_FILE", name } });
      await expect(store.read(name, 0, 32)).rejects.toMatchObject({ data: { code: "NOT_A_FILE", name } });
    }
    await expect(platform.readRange(path.join(folder, SEALED_FILE), 0, 32)).rejects.toThrow(/is no regular file/);
    const sector = { number: 0, proof: sealProof(0), commD: new Uint8Array(32), commR: new Uint8Array(32) };
    const found = await checkFiles(proofs, store, sector, "quick", new Uint8Array(32));
    expect(found.map(({ code, file }) => `${code} ${file}`)).toEqual([
      "KIND sealed",
      "KIND p_aux",
      "MISSING sc-02-data-tree-r-last.dat",
    ]);
  });

  test("holds the layers of a paged labelling, and no scratch files when it ends", async () => {
    const directory = path.join(folder, "layers");
    const store = directoryStore(directory);
    const [sector] = await fixture<FixtureSector[]>("porep-2kib-11layers.json");
    if (sector === undefined) throw new Error("no sector");
    const { params, porepId, identity } = caseOf(sector);
    const labels = { replicaId: fromHex(sector.replicaId), porepId, legacy: identity.proof.legacy };
    await labelPaged(proofs, store, params, labels, { paging: { windowNodes: 16, passes: 2 } });
    for (const { layer, sha256: expected } of sector.layers) {
      const bytes = await store.read(layerFile(layer), 0, params.sectorBytes);
      expect([layer, toHex(sha256(bytes))]).toEqual([layer, expected]);
    }
    expect((await readdir(directory)).filter((name) => !/layer-\d+\.dat$/.test(name))).toEqual(["labels-digests.dat"]);
  });
});
