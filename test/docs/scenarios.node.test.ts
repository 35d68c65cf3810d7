/** The commands of the guide of scenarios, as they stand: every example is run, and ends well; a long one by `npm run test:lab` alone. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { root } from "../support/examples.ts";

vi.setConfig({ testTimeout: 300_000 });

const guide = readFileSync(path.join(root, "docs/guide-scenarios.md"), "utf8");
const commands = [...guide.matchAll(/^npx filigree (scenario run .*)$/gm)].map(([, line = ""]) => line.split(" "));

/** Examples that take seconds of a processor each time. */
const LONG = ["docs/examples/scenarios/aged.json"];
const isLab = process.env["FILIGREE_LONG_EXAMPLES"] === "1";

function filigree(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(root, "dist/cli/bin.js"), ...args], { cwd: root }, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
  });
}

test("the guide runs every example", () => {
  const run = commands.flat().filter((word) => word.startsWith("docs/examples/scenarios/"));
  const all = readdirSync(path.join(root, "docs/examples/scenarios")).map((file) => `docs/examples/scenarios/${file}`);
  expect(run.sort()).toEqual(all.sort());
});

for (const command of commands) {
  const isLong = command.some((word) => LONG.includes(word));
  test.skipIf(isLong !== isLab)(`filigree ${command.join(" ")}${isLong ? " (npm run test:lab)" : ""}`, async () => {
    const { code, out, err } = await filigree(command);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const count = command.filter((word) => word.startsWith("docs/")).length;
    expect(out.split("\n").filter((line) => /^ok {4}|"ok":true/.test(line))).toHaveLength(count);
  });
}
