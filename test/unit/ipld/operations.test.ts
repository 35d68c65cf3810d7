/** The collections against the reference libraries: same roots, same block accesses in the same order, same answers. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Case = { case: number[]; root?: string; gets: number; puts: number; trace: string };

type Probe = {
  __collect(): void;
  probeIpldRun(
    program: number,
    seed: number,
    version: number,
    width: number,
    steps: number,
    a: number,
    b: number,
  ): number;
  probeIpldTrace(): number;
  probeIpldTraceLength(): number;
};

const file = process.env["IPLD_OPERATIONS"] ?? new URL("../../fixtures/ipld/operations.json", import.meta.url);
const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];
const PROGRAMS = ["HAMT", "AMT", "bitfield", "balance table", "multimap"];

let probe: Instance<Probe>;

beforeAll(async () => {
  probe = await Instance.create<Probe>(await compileModule("probe.wasm"), { name: "probe" });
});

function run(item: Case): Case {
  const [program = 0, seed = 0, version = 0, width = 0, steps = 0, a = 0, b = 0] = item.case;
  const at = probe.exports.probeIpldRun(program, seed, version, width, steps, a, b);
  const out = Buffer.from(probe.read(at, 72));
  const from = probe.exports.probeIpldTrace();
  const trace = probe.read(from, probe.exports.probeIpldTraceLength());
  const digest = createHash("sha256").update(trace).digest("hex").slice(0, 24);
  const root = item.root === undefined ? {} : { root: out.subarray(14, 46).toString("hex") };
  probe.exports.__collect();
  return { case: item.case, ...root, gets: out.readUInt32LE(0), puts: out.readUInt32LE(4), trace: digest };
}

describe.each(PROGRAMS.map((name, program) => ({ name, program })))("$name", ({ program }) => {
  test.each(cases.filter((item) => item.case[0] === program).map((item) => ({ item, name: item.case.join(" ") })))(
    "case $name gives the reference's root and accesses",
    ({ item }) => {
      expect(run(item)).toEqual(item);
    },
  );
});
