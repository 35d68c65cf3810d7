/** Folders of sectors on a disk: the mark, the lock, limits, and disks that are full or cannot be written to. */
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { platform } from "#platform";
import { DiskFolder } from "../../../../src/miner/folders/disk-folder.ts";
import { fullOrReadOnly } from "../../../../src/miner/folders/errors.ts";
import { SectorFolders } from "../../../../src/miner/folders/folders.ts";
import { ownFolders } from "../../../../src/miner/sealing/own-files.ts";
import type { Folders } from "../../../../src/platform/folders.ts";
import { SEALED_FILE } from "../../../../src/sector/store.ts";

const sector = (number: number) => ({ miner: 1000n, number });
let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "filigree-folders-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));
const place = (name: string): string => path.join(root, name);

test("a folder keeps its id and limits, and its sectors are found after it was moved", async () => {
  const limits = { maxBytes: 123_456, canSeal: true, canStore: false };
  const first = await DiskFolder.open(place("a"), { create: true, limits });
  await first.files(sector(3)).store.write(SEALED_FILE, 0, new Uint8Array(100));
  expect(await first.room()).toMatchObject({ used: 100, reserved: 0, available: 123_356 });
  await first.close();
  await rename(place("a"), place("moved"));
  const again = await DiskFolder.open(place("moved"));
  expect([again.id, again.limits]).toEqual([first.id, limits]);
  expect(await again.sectors()).toEqual([sector(3)]);
  expect((await new SectorFolders([again]).files(sector(3), "elsewhere")).directory).toBe(
    `${place("moved")}/s-t01000-3`,
  );
  await again.remove(sector(3));
  expect(await again.has(sector(3))).toBe(false);
  await again.close();
});

test("one process at a time has a folder; it goes with its process", async () => {
  const folder = await DiskFolder.open(place("locked"), { create: true });
  await expect(DiskFolder.open(place("locked"))).rejects.toMatchObject({ data: { code: "LOCKED" } });
  const script = `
    const { platform } = await import(${JSON.stringify(new URL("../../../../dist/platform/node.js", import.meta.url).href)});
    const release = await platform.folders.lock(${JSON.stringify(place("locked"))});
    console.log(release === null ? "refused" : "taken");
    if (release !== null) process.kill(process.pid, "SIGKILL");`;
  const given = "Deno" in globalThis ? ["eval", script] : ["--input-type=module", "-e", script];
  const other = () => promisify(execFile)(process.execPath, given).catch((error: { stdout: string }) => error);
  expect((await other()).stdout).toBe("refused\n");
  await folder.close();
  expect((await other()).stdout).toBe("taken\n");
  await (await DiskFolder.open(place("locked"))).close();
});

test("a lock that would be waited for, or is none, is refused by name; where there is no room for one, a folder is read", async () => {
  const { id } = await DiskFolder.open(place("full"), { create: true }).then(async (folder) => {
    await folder.close();
    return folder;
  });
  await mkdir(path.join(place("pipe"), "lock"), { recursive: true });
  await promisify(execFile)("mkfifo", [path.join(place("pipe"), "lock", "CURRENT")]);
  await mkdir(place("nolock"));
  await writeFile(path.join(place("nolock"), "lock"), "x");
  for (const [name, text] of [
    ["pipe", /lock of .*pipe cannot be taken: CURRENT is no regular file/],
    ["nolock", /lock of .*nolock cannot be taken/],
  ] as const)
    await expect(DiskFolder.open(place(name), { create: true })).rejects.toThrow(text);
  const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  const lock = vi.spyOn(platform.folders as Folders, "lock").mockRejectedValue(full);
  const read = await DiskFolder.open(place("full")).finally(() => lock.mockRestore());
  expect(read).toMatchObject({ id, isReadOnly: true });
  await read.close();
  // Nobody has begun to open it.
  expect(await readdir(path.join(place("pipe"), "lock"))).toEqual(["CURRENT"]);
});

test("a folder whose mark was being written when its process was killed is made anew", async () => {
  await mkdir(place("killed"));
  await writeFile(path.join(place("killed"), "filigree-sectors.json.1234.partial"), "{");
  await (await DiskFolder.open(place("killed"), { create: true })).close();
  await (await DiskFolder.open(place("killed"))).close();
});

test("what is no folder of sectors is refused and not touched", async () => {
  await expect(DiskFolder.open(place("none"))).rejects.toMatchObject({ data: { code: "NO_FOLDER" } });
  await writeFile(place("file"), "x");
  for (const bad of [place("file"), path.join(place("file"), "inside"), place("x".repeat(300))])
    await expect(DiskFolder.open(bad, { create: true })).rejects.toMatchObject({ data: { code: "NO_FOLDER" } });
  await mkdir(place("foreign"));
  await writeFile(path.join(place("foreign"), "thesis.doc"), "x");
  await expect(DiskFolder.open(place("foreign"), { create: true })).rejects.toMatchObject({
    data: { code: "FOREIGN" },
  });
  for (const text of [
    "{",
    "null",
    '{"filigree":"sectors","form":1,"id":"../..","maxBytes":0,"canSeal":true,"canStore":true}',
    '{"filigree":"sectors","form":1,"id":"00000000000000000000000000000000","maxBytes":-1,"canSeal":true,"canStore":true}',
  ]) {
    await mkdir(place("bad"), { recursive: true });
    await writeFile(path.join(place("bad"), "filigree-sectors.json"), text);
    await expect(DiskFolder.open(place("bad"))).rejects.toMatchObject({ data: { code: "DAMAGED" } });
  }
});

test("a folder is of one network; one of an earlier version becomes the first's that it stands in", async () => {
  const mark = path.join(place("net"), "filigree-sectors.json");
  await (await DiskFolder.open(place("net"), { create: true })).close();
  const before = await readFile(mark, "utf8");
  const check = () => Promise.reject(new Error("not this one"));
  await expect(DiskFolder.open(place("net"), { network: "bafyone", check })).rejects.toThrow("not this one");
  expect(await readFile(mark, "utf8")).toBe(before);
  for (let i = 0; i < 2; i++) await (await DiskFolder.open(place("net"), { network: "bafyone" })).close();
  expect(JSON.parse(await readFile(mark, "utf8"))).toEqual({ ...JSON.parse(before), network: "bafyone" });
  await expect(DiskFolder.open(place("net"), { network: "bafytwo" })).rejects.toMatchObject({
    data: { code: "FOREIGN" },
    message: expect.stringContaining("bafyone"),
  });
});

test.skipIf(process.platform === "win32")(
  "something else under a sector's name, or in its mark's place, hinders nothing else",
  async () => {
    const at = place("odd");
    const folder = await DiskFolder.open(at, { create: true });
    const sector = (number: number) => ({ miner: 109n, number });
    await writeFile(path.join(at, "s-t0109-1"), "x");
    await symlink("s-t0109-2", path.join(at, "s-t0109-2"));
    await folder.files(sector(3)).store.write("sealed", 0, new Uint8Array(100));
    await symlink("loop", path.join(at, "s-t0109-3", "loop"));
    for (const number of [1, 2]) {
      expect(await folder.has(sector(number))).toBe(true);
      expect(await folder.names(sector(number))).toEqual([]);
    }
    expect(await folder.files(sector(1)).store.size("sealed")).toBeNull();
    await expect(folder.files(sector(2)).store.size("sealed")).rejects.toMatchObject({ data: { code: "NOT_A_FILE" } });
    expect((await folder.room()).used).toBe(100);
    await folder.close();
    await rm(path.join(at, "filigree-sectors.json"));
    await mkdir(path.join(at, "filigree-sectors.json"));
    await expect(DiskFolder.open(at)).rejects.toMatchObject({ data: { code: "DAMAGED" } });
  },
);

test("a copy of a folder is not a second folder", async () => {
  const folder = await DiskFolder.open(place("one"), { create: true });
  await mkdir(place("two"));
  await writeFile(
    path.join(place("two"), "filigree-sectors.json"),
    await readFile(path.join(place("one"), "filigree-sectors.json")),
  );
  const copy = await DiskFolder.open(place("two"));
  expect(() => new SectorFolders([folder, copy])).toThrow(/one folder, or one is a copy/);
  await folder.close();
  await copy.close();
});

test("a folder whose disk goes away while it is in use is not written to, and what was in it is not taken for lost", async () => {
  const [at, away] = [place("mounted"), place("unmounted")];
  const folder = await DiskFolder.open(at, { create: true });
  const other = await DiskFolder.open(place("stays"), { create: true });
  const folders = new SectorFolders([folder, other]);
  await folder.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(10));
  const unmount = () => rename(at, away);
  const mount = async () => {
    await rm(at, { recursive: true });
    await rename(away, at);
  };
  for (const inItsPlace of ["nothing", "another disk"]) {
    await unmount();
    if (inItsPlace === "nothing") await mkdir(at);
    else {
      const another = await DiskFolder.open(place("another"), { create: true });
      await another.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(20));
      await another.close();
      await rename(place("another"), at);
    }
    const all = () => readdir(at, { recursive: true });
    const before = await all();
    const gone = { data: { code: "NO_FOLDER" } };
    await expect(folders.files(sector(1), folder.id)).rejects.toMatchObject(gone);
    await expect(folder.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(10))).rejects.toMatchObject(gone);
    await expect(folder.reserve(sector(2), 10)).rejects.toMatchObject(gone);
    await expect(folder.remove(sector(1))).rejects.toMatchObject(gone);
    await expect(folder.files(sector(1)).store.remove(SEALED_FILE)).rejects.toMatchObject(gone);
    await expect(ownFolders(folders, sector(1), { folder: folder.id, sealed: null })).rejects.toMatchObject(gone);
    expect(await all()).toEqual(before);
    // The others go on.
    expect((await folders.choose(sector(3), 10)).id).toBe(other.id);
    expect(await folders.holds(sector(3))).toBe(false);
    expect(await ownFolders(folders, sector(3), { folder: other.id, sealed: null })).toEqual([]);
    await mount();
    expect((await folders.files(sector(1), folder.id)).folder).toBe(folder.id);
  }
  await folder.close();
  await other.close();
});

test("promises hold while others are made, and beyond the limit there is no room", async () => {
  const folder = await DiskFolder.open(place("limited"), {
    create: true,
    limits: { maxBytes: 10_000, canSeal: true, canStore: true },
  });
  const asked = await Promise.allSettled([1, 2, 3].map((number) => folder.reserve(sector(number), 4000)));
  expect(asked.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  await folder.close();
});

test("errors of a disk that is full or cannot be written to are named, from a job's worker too", () => {
  const codes = [
    { code: "ENOSPC" },
    { data: { code: "ENOSPC" } },
    { code: "EROFS" },
    { data: { code: "EACCES" } },
    { code: "EIO" },
    null,
  ];
  expect(codes.map((error) => fullOrReadOnly(error, "x")?.code)).toEqual([
    "DISK_FULL",
    "DISK_FULL",
    "READ_ONLY",
    "READ_ONLY",
    undefined,
    undefined,
  ]);
});

test.skipIf(process.getuid?.() === 0)(
  "a folder that cannot be written to is read, and takes no new sector",
  async () => {
    const folder = await DiskFolder.open(place("read-only"), { create: true });
    await folder.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(10));
    await folder.close();
    await chmod(place("read-only"), 0o500);
    await chmod(path.join(place("read-only"), "lock"), 0o500);
    const again = await DiskFolder.open(place("read-only"));
    expect(again.isReadOnly).toBe(true);
    expect(await again.files(sector(1)).store.size(SEALED_FILE)).toBe(10);
    await expect(new SectorFolders([again]).choose(sector(2), 100)).rejects.toMatchObject({
      data: { code: "NO_ROOM" },
    });
    await expect(again.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(1))).rejects.toMatchObject({
      data: { code: "READ_ONLY" },
    });
    await chmod(place("read-only"), 0o700);
  },
);
