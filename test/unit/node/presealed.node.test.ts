/** Sectors of a genesis that are sealed once in a folder: found, sealed anew where they are not whole, never written through a link. */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { platform } from "#platform";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { presealedSector } from "../../../src/node/presealed.ts";
import type { Folders } from "../../../src/platform/folders.ts";
import { inThisThread } from "../../../src/proving/in-thread.ts";
import type { Scheduler } from "../../../src/proving/scheduler.ts";

const spec = { seed: "presealed", miner: 1000n, number: 0, proof: 0 };
let proofs: Proofs;
let folder: string;
let directory: string;
let commR: Uint8Array;
const sector = (jobs: () => Scheduler) => presealedSector(proofs, jobs, spec, { folder });
const none = (): never => {
  throw new Error("it is sealed already");
};
beforeAll(async () => {
  proofs = await loadProofs();
  folder = await mkdtemp(path.join(tmpdir(), "presealed-"));
  ({ commR } = await sector(inThisThread));
  directory = path.join(folder, (await readdir(folder))[0] as string);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("what was sealed is found; what is no commitment is sealed anew", async () => {
  expect((await sector(none)).commR).toEqual(commR);
  await writeFile(path.join(directory, "p_aux"), new Uint8Array(64).fill(0xff));
  expect((await sector(inThisThread)).commR).toEqual(commR);
});

test("a file that a name is a link to is not written over", async () => {
  const other = path.join(folder, "of-the-user");
  await writeFile(other, "keep me");
  for (const name of ["p_aux", "sealed", "unsealed", "sc-02-data-tree-r-last.dat", "sc-02-data-layer-1.dat"]) {
    await rm(path.join(directory, name), { force: true });
    await symlink(other, path.join(directory, name));
  }
  expect((await sector(inThisThread)).commR).toEqual(commR);
  expect(await readFile(other, "utf8")).toBe("keep me");
});

test("what another process has sealed just before the lock was had is not sealed again", async () => {
  await rm(path.join(directory, "p_aux"));
  const folders = platform.folders as Folders;
  const lock = folders.lock.bind(folders);
  const spy = vi.spyOn(folders, "lock").mockImplementationOnce(async (place) => {
    await sector(inThisThread);
    return lock(place);
  });
  expect((await sector(none)).commR).toEqual(commR);
  spy.mockRestore();
});
