/** Progress lines as a terminal shows them, advice on errors of the system, files that are written whole or not. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { explain } from "../../../src/cli/errors.ts";
import { writeOutput } from "../../../src/cli/output.ts";
import { plainText, progressLine, tellingLine } from "../../../src/cli/terminal.ts";
import { until } from "../../support/until.ts";

const MAIN = fileURLToPath(new URL("../../../dist/cli/bin.js", import.meta.url));

function screenOf(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 80, write: (text: string) => written.push(text) };
}

test("what others wrote commands no terminal", () => {
  expect(plainText("none\u001b[2J\u009b1m\r\u0007 grün\ttwo\nlines")).toBe(
    "none\ufffd[2J\ufffd1m\ufffd\ufffd grün\ttwo\nlines",
  );
});

test("where there is no terminal, a long wait says every ten seconds what it waits for", () => {
  const screen = screenOf(false);
  let now = 0;
  const line = tellingLine(screen, () => now);
  for (; now < 25_000; now += 500) line.show(`at ${now}`);
  line.clear();
  expect(screen.written).toEqual(["note: at 10000\n", "note: at 20000\n"]);
});

test("a progress line ends at 100 %, however fast the end comes, and leaves a clean line", () => {
  const screen = screenOf(true);
  const line = progressLine(screen);
  for (let i = 0; i <= 1000; i++) line.part("trees", i, 1000);
  line.clear();
  expect(screen.written.at(-2)).toContain("trees 100 %");
  expect(screen.written.at(-1)).toBe("\r\u001b[2K");
  // Not all thousand were drawn, and 100 % only at the end.
  expect(screen.written.length).toBeLessThan(20);
  expect(screen.written.filter((text) => text.includes("100 %"))).toHaveLength(1);
});

test("nothing is drawn where there is no terminal", () => {
  const screen = screenOf(false);
  progressLine(screen).part("trees", 1, 1);
  expect(screen.written).toEqual([]);
});

test("errors of the system name the file, the reason and what to do", () => {
  const error = (code: string, message: string, syscall = "open") =>
    Object.assign(new Error(message), { code, syscall });
  expect(explain(error("EACCES", "EACCES: permission denied, open '/srv/x'"))).toMatch(/\/srv\/x.*permissions/);
  expect(explain(new Error("cannot open /a/b", { cause: error("ENOTDIR", "not a directory") }))).toMatch(
    /\/a\/b: not a directory \(ENOTDIR\); .*is a file/,
  );
  expect(explain(error("EADDRINUSE", "listen EADDRINUSE: 127.0.0.1:1234", "listen"))).toMatch(/1234.*--port/);
  expect(explain(error("EACCES", "listen EACCES: 127.0.0.1:80", "listen"))).toMatch(/80; ports below 1024.*--port/);
});

test("a file is written whole or not at all, and nothing else stays", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  const file = path.join(folder, "out");
  try {
    await writeFile(file, "older");
    const fail = writeOutput(file, { force: true }, async (handle) => {
      await handle.writeFile("half");
      throw new Error("stop");
    });
    await expect(fail).rejects.toThrow("stop");
    expect(await readFile(file, "utf8")).toBe("older");
    // A file that appears while ours is written is kept.
    await rm(file);
    const late = writeOutput(file, {}, async (handle) => {
      await handle.writeFile("ours");
      await writeFile(file, "theirs");
    });
    await expect(late).rejects.toThrow("--force");
    expect(await readFile(file, "utf8")).toBe("theirs");
    await writeOutput(file, { force: true }, (handle) => handle.writeFile("ours"));
    expect([await readFile(file, "utf8"), await readdir(folder)]).toEqual(["ours", ["out"]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

// Deno ends the process by the signal while it computes; the command is Node's.
test.skipIf("Deno" in globalThis)("Ctrl-C ends a sealing with 130 and names the command that goes on", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  try {
    await writeFile(path.join(folder, "a"), new Uint8Array(1_000_000).fill(3));
    const seal = [
      "seal",
      "a",
      "--out",
      "s",
      "--size",
      "8MiB",
      "--miner",
      "1",
      "--sector",
      "1",
      "--ticket",
      "00".repeat(32),
    ];
    const child = spawn(process.execPath, [MAIN, ...seal], { cwd: folder });
    let err = "";
    child.stderr.on("data", (text) => {
      err += text;
    });
    // Labels of 8 MiB take seconds; the staged data is there before them.
    await until("the staged data", async () =>
      (await readdir(path.join(folder, "s")).catch((): string[] => [])).includes("unsealed"),
    );
    child.kill("SIGINT");
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(130);
    expect(err).toMatch(/interrupted; to go on: filigree seal a --out s .* --resume\n$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
