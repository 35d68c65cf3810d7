/** What `conformance` and `replay` say of what they did not check. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { replayLines } from "../../../src/cli/commands/replay.ts";
import type { CheckCounts } from "../../../src/conformance/validate.ts";

vi.setConfig({ testTimeout: 120_000 });
const MAIN = fileURLToPath(new URL("../../../dist/cli/bin.js", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "filigree-"));
afterAll(() => rmSync(folder, { recursive: true }));
const filigree = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: "utf8" });

const root = { root_cid: { "/": "bafy2bzaced7pa4mpt5jjdlyxe7yo6yfe6ddo6ktsw3xlmsxqipcjxp2rmiteg" } };
const pre = { state_tree: root, variants: [{ id: "shark", epoch: 1, nv: 17 }] };

test("conformance: nothing that is a vector is an error; what is skipped is counted by reason", () => {
  writeFileSync(path.join(folder, "list.json"), "[]");
  expect(filigree("conformance", "nowhere")).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/no nowhere; .*test-vectors/),
  });
  const none = filigree("conformance", ".");
  expect(none).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/no conformance vector in \.: .*not an object/),
  });
  writeFileSync(
    path.join(folder, "new.json"),
    JSON.stringify({ class: "message", preconditions: pre, postconditions: { state_tree: root } }),
  );
  const skipped = filigree("conformance", ".");
  expect(skipped.stdout).toBe(
    "1 skipped: no conformance vector: not an object\n" +
      "1 skipped: network version 17 needs the main network's actors v9 (--bundles)\n0 passed, 0 failed, 2 skipped\n",
  );
  expect(skipped).toMatchObject({ status: 1, stderr: expect.stringMatching(/nothing was run/) });
  writeFileSync(path.join(folder, "broken.json"), '{"class":"message"}');
  const last = filigree("conformance", ".", "--json").stdout.trim().split("\n").at(-1) as string;
  expect(JSON.parse(last)).toMatchObject({
    ...{ passed: 0, failed: 1, skipped: 2 },
    skips: { "network version 17 needs the main network's actors v9 (--bundles)": 1 },
  });
});

test("replay: proofs that nobody verified are said to be that, in text as in JSON", () => {
  const report = {
    ...{ tipsets: 31, fileTipsets: 33, messages: 213, firstEpoch: 0, lastEpoch: 39, nullRounds: 7, stateRoot: "bafy" },
    checks: { blocks: 48, winningPoSt: { verified: 1, declared: 47 } } as CheckCounts,
  };
  expect(replayLines(report, 2, 1).join("\n")).toMatch(
    /48 blocks checked; of their winning PoSts 1 verified, 47 taken as declared: not verified, no key.*\n2 proofs of messages taken on trust/,
  );
  expect(replayLines({ ...report, checks: null }, 0, 1).join("\n")).not.toMatch(/PoSt|trust/);
  const help = filigree("replay", "--help").stdout.replace(/\s+/g, " ");
  expect(help).toMatch(/winning PoSt only with a --key for it, else it is taken as declared and counted/);
  expect(help).toMatch(/--trust-proofs take proofs that messages submit.*without it they are refused/);
  expect(filigree("replay", "x.car", "--key", "winning-post:2048=x").stderr).toMatch(/ENOENT/);
});
