/** The arithmetic that actors rest on, against the official Go modules. */
import * as dagCbor from "@ipld/dag-cbor";
import { beforeAll, describe, expect, test } from "vitest";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";
import { bigToBytes, bytesToBig } from "../../../src/types/amount.ts";
import { readFixtureJson } from "../../support/files.ts";

type Vector = { readonly op: string; readonly args: readonly string[]; readonly out: readonly string[] };
type Probe = {
  __collect(): void;
  probeAnswer(): number;
  probeArguments(): number;
  probeMath(op: number, length: number): number;
};

/** In the order of the probe's operations. */
const RULES = {
  expNeg: "e^-x is the reference's ratio of polynomials",
  ln: "ln(x) is the reference's ratio of polynomials",
  pow: "powers by squaring round down at every product",
  nextEstimate: "an alpha-beta filter steps as the reference's, in both directions of time",
  cumulativeRatio: "the extrapolated sum of a ratio of filters equals the reference's, also for a still denominator",
  mint: "minting from genesis on equals the reward actor's, under each network version",
  amountLocked: "a multisig's locked amount rounds as its generation does",
  pledge: "fault fees, deposit and initial pledge follow each network version's periods",
  termination: "a termination fee counts age, and replaced capacity, as its network version does",
  quality: "a sector's quality-adjusted power floors in the reference's order",
  reporter: "the reporter's share grows with age up to its cap",
  vesting: "locked funds vest on the proving period's grid, and are taken in the order of epochs",
};

const vectors = await readFixtureJson<Vector[]>("actors/arithmetic.json");
let probe: Instance<Probe>;

beforeAll(async () => {
  probe = await Instance.create<Probe>(await compileModule("probe.wasm"), { name: "probe" });
});

function compute(op: number, args: readonly string[]): string[] {
  const bytes = dagCbor.encode(args.map((text) => bigToBytes(BigInt(text))));
  probe.write(probe.exports.probeArguments(), bytes);
  const length = probe.exports.probeMath(op, bytes.length);
  const answer = dagCbor.decode(probe.read(probe.exports.probeAnswer(), length)) as Uint8Array[];
  probe.exports.__collect();
  return answer.map((item) => bytesToBig(item).toString());
}

describe.each(Object.entries(RULES).map(([name, rule], op) => ({ name, rule, op })))("$name", ({ name, rule, op }) => {
  test(rule, () => {
    const mine = vectors.filter((vector) => vector.op === name);
    expect(mine.length).toBeGreaterThan(10);
    for (const vector of mine) expect(compute(op, vector.args)).toEqual(vector.out);
  });
});
