/** Files that the user names are read to a bound, whatever they are. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundleFor, bundlesAtHand } from "../../../src/cli/bundle-files.ts";
import { readBundleFile } from "../../../src/cli/bundle-store.ts";
import { readAtMost, readText } from "../../../src/cli/read-at-most.ts";

const folder = mkdtempSync(path.join(tmpdir(), "filigree-read-"));
const at = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a file is read whole up to the bound, and refused with one byte more, before it is read", async () => {
  for (const size of [0, 1, 999, 1000]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => i & 255);
    writeFileSync(at("file"), bytes);
    expect(await readAtMost(at("file"), 1000, "a test")).toEqual(bytes);
  }
  writeFileSync(at("file"), new Uint8Array(1001));
  await expect(readAtMost(at("file"), 1000, "a test")).rejects.toThrow(`${at("file")} is larger than a test (1000 B)`);
  // A hole of a terabyte, which no memory holds.
  truncateSync(at("file"), 2 ** 40);
  await expect(readBundleFile(at("file"))).rejects.toMatchObject({ code: "BAD_BUNDLE" });
  await expect(readText(at("file"))).rejects.toThrow("is larger than any text that is read here (16.0 MiB)");
  await expect(readText(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(readText(folder)).rejects.toMatchObject({
    code: "EISDIR",
    message: expect.stringContaining(`'${folder}'`),
  });
});

test("a bundle that is named and cannot be read is told with its name, wherever it was given", async () => {
  for (const [bytes, why] of [
    [[0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 1], /does not decompress/],
    [[], /no CAR/],
  ] as const) {
    writeFileSync(at("v18.tar.zst"), Uint8Array.from(bytes));
    for (const ask of [() => bundleFor(28, at("v18.tar.zst"), true), () => bundlesAtHand(at("v18.tar.zst"))]) {
      const told: unknown = await ask().then(String, (error: unknown) => error);
      expect(told).toMatchObject({ code: "BAD_BUNDLE", message: expect.stringMatching(why) });
      expect((told as Error).message).toContain(`${at("v18.tar.zst")}: `);
    }
  }
});

test.skipIf(process.platform === "win32")("a device and a pipe, whose size says nothing, are, too", async () => {
  await expect(readAtMost("/dev/zero", 3_000_000, "a test")).rejects.toThrow("/dev/zero is larger than a test");
  execFileSync("mkfifo", [at("pipe")]);
  const text = "abc".repeat(100_000);
  // Another process writes: Deno stands still while it opens a pipe that nobody has opened at its other end.
  await writeFile(at("source"), text);
  const writer = spawn("sh", ["-c", 'cat "$0" > "$1"', at("source"), at("pipe")]);
  expect(await readText(at("pipe"))).toBe(text);
  writer.kill();
});
