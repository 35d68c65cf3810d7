/** The commands of the guide "Pay for a retrieval", as they stand, on the built package. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { filText } from "../../src/types/amount.ts";
import { root } from "../support/examples.ts";

const guide = readFileSync(path.join(root, "docs/guide-pay-for-a-retrieval.md"), "utf8");
const blocks = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code = ""]) => code);
const folder = mkdtempSync(path.join(tmpdir(), "filigree-pay-"));
const main = path.join(root, "dist/cli/main.js");
let network: ChildProcess | null = null;
afterAll(async () => {
  const ended = new Promise((resolve) => network?.once("exit", resolve));
  network?.kill("SIGKILL");
  await ended;
  rmSync(folder, { recursive: true });
});

/** URLs of the nodes that the guide's first block starts, on free ports, once their miner mines. */
function start(args: readonly string[]): Promise<string[]> {
  const child = spawn(process.execPath, [main, ...args, "--port", "0"], { cwd: folder });
  network = child;
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString();
      if (/node 0 {2}epoch \d+/.test(said))
        resolve([...new Set([...said.matchAll(/http:\/\/127\.0\.0\.1:\d+\/rpc\/v1/g)].map(String))]);
    });
    child.once("exit", (code) => reject(new Error(`the network ended with ${code}: ${said}`)));
  });
}

test.skipIf("Deno" in globalThis)(
  "a file comes for payment, every byte and every attoFIL, as the guide says",
  async () => {
    const [first = "", second = ""] = blocks;
    expect(first).toMatch(/^npx filigree devnet .*--port 1234/);
    const urls = await start(first.replace("--port 1234", "").trim().split(/ +/).slice(2));
    expect(urls).toHaveLength(2);
    const script = second
      .replaceAll("npx filigree", `"${process.execPath}" "${main}"`)
      .replace("http://127.0.0.1:1234/rpc/v1", urls[0] as string)
      .replace("http://127.0.0.1:1235/rpc/v1", urls[1] as string);
    const env = { ...process.env, NO_COLOR: "1" };
    const run = promisify(execFile)("bash", ["-c", `set -e\n${script}`], { cwd: folder, env, timeout: 200_000 });
    const { stdout } = await run;
    const [, bytes = "", paid = ""] = /^(\d+) bytes .* from 12D3\S+, (\S+) FIL paid$/m.exec(stdout) ?? [];
    // 0.001 FIL a GiB is rounded up to attoFIL a byte; unsealing costs 1 nanoFIL.
    const price = (10n ** 15n / 2n ** 30n + 1n) * BigInt(bytes) + 10n ** 9n;
    expect(Number(bytes)).toBeGreaterThan(3_000_000);
    expect(paid).toBe(filText(price).replace(" FIL", ""));
    expect(stdout).toMatch(/completed/);
    expect(stdout).toMatch(new RegExp(`^in vouchers +${paid} FIL`, "m"));
  },
  240_000,
);
