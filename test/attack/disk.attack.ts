/** A disk that fills up, and gets room again: what is announced after it is there at the next start. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { checkKept, Network } from "./network.ts";
import { attackTimes, random } from "./tally.ts";

const RUNS = 10;
const DISK = "24m";
const root = await mkdtemp(path.join(tmpdir(), "filigree-disk-"));
const disk = path.join(root, "disk");
const canMount = process.getuid?.() === 0 && tryMount();

function tryMount(): boolean {
  try {
    execFileSync("mkdir", ["-p", disk]);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

beforeAll(() => {
  if (!canMount) console.warn("skipped: a small file system can be mounted by root only");
});
afterAll(async () => {
  if (canMount) execFileSync("umount", ["-l", disk]);
  await rm(root, { recursive: true, force: true });
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Fills the disk but for some bytes. */
async function fill(file: string, but: number): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(file, new Uint8Array(Math.max(0, bavail * bsize - but)));
}

test.skipIf(!canMount)("a full disk, room again, kill or stop, and the next start", async (context) => {
  const rnd = random(3);
  await attackTimes(context, RUNS, async (run) => {
    const data = path.join(disk, `data-${run}`);
    const filler = path.join(disk, "filler");
    await mkdir(data);
    const network = new Network(data, "--accounts", "4", "--block-time", "0.02");
    try {
      await network.mined(20 + rnd(60));
      await fill(filler, rnd(600_000));
      await network.until(() => network.lines.some(({ event }) => event === "error"));
      await sleep(rnd(700));
      await rm(filler);
      const before = network.tipsets.length;
      // It goes on by itself, or it stops.
      await network.until(() => network.tipsets.length > before + 20, 30_000);
      await network.end(run % 2 === 0 ? "SIGKILL" : "SIGTERM");
      const last = network.tipsets.at(-1);
      const again = new Network(data, "--accounts", "4", "--block-time", "0.02");
      try {
        await again.mined(3);
        if (last !== undefined) await checkKept(again, last);
      } finally {
        await again.end("SIGKILL");
      }
    } finally {
      await network.end("SIGKILL");
      await rm(filler, { force: true });
      await rm(data, { recursive: true, force: true });
    }
  });
});
