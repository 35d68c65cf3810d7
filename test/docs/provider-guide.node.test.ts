/** The commands of the guide "Be a provider", as they stand, on the built package. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { root } from "../support/examples.ts";

const guide = readFileSync(path.join(root, "docs/guide-be-a-provider.md"), "utf8");
const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code = ""]) => code);
const folder = mkdtempSync(path.join(tmpdir(), "filigree-provider-"));
const main = path.join(root, "dist/cli/main.js");
const command = `"${process.execPath}" "${main}"`;
let network: ChildProcess | null = null;
afterAll(async () => {
  const ended = new Promise((resolve) => network?.once("exit", resolve));
  network?.kill();
  await ended;
  rmSync(folder, { recursive: true });
});

/** URL of the network that the guide's first block starts, on a free port. */
function start(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [main, ...args, "--port", "0"], { cwd: folder });
  network = child;
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      const [url] = /http:\/\/127\.0\.0\.1:\d+\/rpc\/v1/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.once("exit", (code) => reject(new Error(`the network ended with ${code}: ${said}`)));
  });
}

test.skipIf("Deno" in globalThis)(
  "a provider asks, refuses, takes, seals and is found, as the guide says",
  async () => {
    const [first = "", second = ""] = blocks;
    expect(first).toMatch(/^npx filigree devnet .*--block-time 0/);
    const url = await start(first.trim().split(" ").slice(2));
    const script = `set -e\n${second.replaceAll("npx filigree", command)}`;
    const env = { ...process.env, NO_COLOR: "1", FILIGREE_RPC: url };
    const { stdout } = await promisify(execFile)("bash", ["-c", script], { cwd: folder, env, timeout: 200_000 });
    expect(stdout).toMatch(/^price +0.000000002 FIL for a GiB and an epoch$/m);
    expect(stdout).toMatch(/^minStartDelay +600$/m);
    expect(stdout).toMatch(/price: at least 1907 attoFIL an epoch, as the ask says; 7 attoFIL was offered/);
    expect(stdout).toMatch(/^deal 0: Active$/m);
    expect(stdout).toMatch(/Active +0 /);
    expect(stdout).toMatch(/^1 +Proving$/m);
    expect(stdout).toMatch(/^this node {2}t0\d+ {2}\/ip4\/127.0.0.1\/tcp\/\d+\/http {2}ipfs-gateway-http$/m);
    expect(stdout).toMatch(/imported -> Verifying +997 bytes/);
  },
  240_000,
);
