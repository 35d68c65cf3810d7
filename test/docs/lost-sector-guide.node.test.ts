/** The commands of the guide "Lose a sector and get it back", as they stand: each ends and says what stands behind its arrow. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = path.join(root, "dist/cli/bin.js");
const guide = readFileSync(path.join(root, "docs/guide-lost-sector.md"), "utf8");
/** Lines of the guide's shell blocks. */
const lines = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) => (block as string).trim().split("\n"));

let folder: string;
let network: ChildProcess;
let url = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-guide-"));
  const [, ...words] = (lines[0] as string).split(" ");
  expect(words.slice(0, 2)).toEqual(["filigree", "devnet"]);
  network = spawn(process.execPath, [MAIN, ...words.slice(1), "--port", "0", "--json"], { cwd: folder });
  for await (const line of createInterface({ input: network.stdout as NodeJS.ReadableStream })) {
    ({ url } = JSON.parse(line) as { url: string });
    break;
  }
  network.stdout?.resume();
}, 120_000);
afterAll(async () => {
  const gone = new Promise((resolve) => network.once("exit", resolve));
  network.kill("SIGKILL");
  await gone;
  await rm(folder, { recursive: true, force: true });
});

/** Runs a line's command: its exit code, and all that it printed. */
async function run(command: string): Promise<{ readonly code: number; readonly text: string }> {
  const [first, ...words] = command.split(/ +/);
  if (first === "mv") {
    await rename(path.join(folder, words[0] as string), path.join(folder, words[1] as string));
    return { code: 0, text: "" };
  }
  expect([first, words[0]]).toEqual(["npx", "filigree"]);
  const child = spawn(process.execPath, [MAIN, ...words.slice(1)], {
    cwd: folder,
    env: { ...process.env, FILIGREE_RPC: url, NO_COLOR: "1" },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => (text += bytes.toString()));
  const code = await new Promise<number>((resolve) => child.once("close", resolve));
  return { code, text };
}

test("every command of the guide does what stands behind it", async () => {
  expect(lines.length).toBeGreaterThan(12);
  for (const line of lines.slice(1)) {
    const [command = "", note = ""] = line.split(/ +# /);
    const { code, text } = await run(command);
    expect(code, `${command}\n${text}`).toBe(Number(/ends with (\d+)/.exec(note)?.[1] ?? 0));
    const [, said] = /→ (.*)$/.exec(note) ?? [];
    if (said !== undefined) expect(text, command).toContain(said);
  }
}, 900_000);
