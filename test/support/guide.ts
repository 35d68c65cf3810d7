/** The shell blocks of a guide, run as they stand on the built package, in a folder of their own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll } from "vitest";
import { root } from "./examples.ts";

const MAIN = path.join(root, "dist/cli/bin.js");

export type Guide = {
  readonly blocks: readonly string[];
  /** Starts the network of a block on free ports; resolves when `ready` finds in what it printed what is waited for. */
  start<Found>(args: readonly string[], ready: (said: string) => Found | null): Promise<Found>;
  /** Runs a block, which may take so many milliseconds; gives what it printed. */
  run(block: string, env: Readonly<Record<string, string>>, timeout: number): Promise<string>;
};

/** The guide of `docs/<page>`; its network and folder go when the file's tests have ended. */
export function openGuide(page: string): Guide {
  const text = readFileSync(path.join(root, "docs", page), "utf8");
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-guide-"));
  let network: ChildProcess | null = null;
  afterAll(async () => {
    const ended = new Promise((resolve) => network?.once("exit", resolve));
    network?.kill("SIGKILL");
    if (network !== null) await ended;
    rmSync(folder, { recursive: true });
  });
  return {
    blocks: [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code = ""]) => code),
    start: (args, ready) => {
      const child = spawn(process.execPath, [MAIN, ...args, "--port", "0"], { cwd: folder });
      network = child;
      return new Promise((resolve, reject) => {
        let said = "";
        child.stdout.on("data", (bytes: Buffer) => {
          said += bytes.toString();
          const found = ready(said);
          if (found !== null) resolve(found);
        });
        child.once("exit", (code) => reject(new Error(`the network ended with ${code}: ${said}`)));
      });
    },
    run: async (block, env, timeout) => {
      const script = `set -e\n${block.replaceAll("npx filigree", `"${process.execPath}" "${MAIN}"`)}`;
      const options = { cwd: folder, env: { ...process.env, NO_COLOR: "1", ...env }, timeout };
      return (await promisify(execFile)("bash", ["-c", script], options)).stdout;
    },
  };
}

/** The address of the first node, when it is told. */
export const firstUrl = (said: string): string | null => /http:\/\/127\.0\.0\.1:\d+\/rpc\/v1/.exec(said)?.[0] ?? null;
