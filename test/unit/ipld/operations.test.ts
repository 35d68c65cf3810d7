/** The collections against the reference libraries: same roots, same block accesses in the same order, same answers. */
import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";
import { readFixtureJson } from "../../support/files.ts";

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

const cases = await readFixtureJson<Case[]>("ipld/operations.json");
const PROGRAMS = ["HAMT", "AMT", "bitfield", "balance table", "multimap"];

let probe: Instance<Probe>;

beforeAll(async () => {
  probe = await Instance.create<Probe>(await compileModule("probe.wasm"), { name: "probe" });
});

function run(item: Case): Case {
  const [program = 0, seed = 0, version = 0, width = 0, steps = 0, a = 0, b = 0] = item.case;
  const at = probe.exports.probeIpldRun(program, seed, version, width, steps, a, b);
  const out = probe.read(at, 72);
  const numbers = new DataView(out.buffer);
  const from = probe.exports.probeIpldTrace();
  const trace = probe.read(from, probe.exports.probeIpldTraceLength());
  const digest = toHex(sha256(trace)).slice(0, 24);
  const root = item.root === undefined ? {} : { root: toHex(out.subarray(14, 46)) };
  probe.exports.__collect();
  return {
    case: item.case,
    ...root,
    gets: numbers.getUint32(0, true),
    puts: numbers.getUint32(4, true),
    trace: digest,
  };
}

describe.each(PROGRAMS.map((name, program) => ({ name, program })))("$name", ({ program }) => {
  test.each(cases.filter((item) => item.case[0] === program).map((item) => ({ item, name: item.case.join(" ") })))(
    "case $name gives the reference's root and accesses",
    ({ item }) => {
      expect(run(item)).toEqual(item);
    },
  );
});
