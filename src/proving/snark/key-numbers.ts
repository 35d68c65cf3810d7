/**
 * The numbers of which a Groth16 key holds multiples: a circuit's polynomials at the secret point tau.
 *
 * With L_i the domain's Lagrange polynomials, variable j has A_j = sum over rows i of L_i(tau) times its coefficient in A's row i, B_j and
 * C_j likewise. The key holds A_j, B_j, and (beta A_j + alpha B_j + C_j) over gamma (inputs) or delta (auxiliaries); zeros of A and B are
 * left out. A circuit of many variables is evaluated once for each range of them, so that memory holds a
 * range alone. Source: bellperson groth16/generator.rs.
 */
import type { Proofs } from "../../core/proofs.ts";
import type { OnProgress } from "../source.ts";
import { type CircuitRows, domainBits } from "./circuit.ts";
import type { KeyNumbers, SetupNumbers, VariableRange } from "./jobs.ts";
import { ELEMENT_BYTES, SnarkError, WIDE_BYTES } from "./kernel.ts";

/** Rows whose Lagrange values are held at a time. */
const ROWS = 2 ** 16;
const CODES: Readonly<Record<number, string>> = {
  [-1]: "the terms end inside of a row",
  [-2]: "a term of no variable",
};

/** Numbers of the variables of a range. Errors: `BAD_TERMS`, `UNCONSTRAINED`; faults of memory. */
export async function keyNumbers(
  module: Proofs,
  { counts, blocks }: CircuitRows,
  { first, count }: VariableRange,
  setup: SetupNumbers,
  report: OnProgress = () => undefined,
): Promise<KeyNumbers> {
  const { exports, instance } = module;
  const bits = domainBits(counts.rows);
  const sumBytes = count * WIDE_BYTES;
  const sums = [0, 1, 2].map(() => module.take(sumBytes)) as [number, number, number];
  for (const at of sums) instance.wipe(at, sumBytes);
  const [at, bt, ct] = sums;
  const named = module.take(8 * WIDE_BYTES);
  const place = (index: number): number => named + index * WIDE_BYTES;
  const [alpha, beta, gamma, delta, tau, factor] = [0, 1, 2, 3, 4, 5].map(place) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  [setup.alpha, setup.beta, setup.gamma, setup.delta, setup.tau].forEach((number, i) => {
    instance.write(factor, number);
    if (exports.frSetNumber(place(i), factor) === 0)
      throw new SnarkError(
        { code: "BAD_WITNESS", what: "a number of the setup" },
        "a number of the setup is no element",
      );
  });
  const lagrange = module.take(2 * ROWS * WIDE_BYTES);
  let row = 0;
  for await (const { rows, bytes } of blocks) {
    if (row + rows > counts.rows)
      throw new SnarkError({ code: "BAD_TERMS", what: "too many rows" }, `more than ${counts.rows} rows`);
    const terms = module.take(bytes.length);
    instance.write(terms, bytes);
    let read = 0;
    for (let done = 0; done < rows; done += ROWS) {
      const some = Math.min(ROWS, rows - done);
      exports.lagrangeValues(tau, bits, row + done, some, lagrange, lagrange + ROWS * WIDE_BYTES);
      const taken = exports.addRows(
        terms + read,
        bytes.length - read,
        some,
        counts.inputs,
        counts.aux,
        lagrange,
        first,
        count,
        at,
        bt,
        ct,
      );
      if (taken < 0)
        throw new SnarkError({ code: "BAD_TERMS", what: CODES[taken] ?? "bad" }, CODES[taken] ?? "bad terms");
      read += taken;
    }
    module.give(terms, bytes.length);
    row += rows;
    report({ phase: "evaluate", done: row, total: counts.rows });
  }
  if (row !== counts.rows)
    throw new SnarkError({ code: "BAD_TERMS", what: "too few rows" }, `${row} rows of ${counts.rows}`);
  const dense = (from: number): Uint8Array =>
    module.with(ELEMENT_BYTES * count, (out) =>
      instance.read(out, ELEMENT_BYTES * exports.writeNumbers(from, count, 1, out)),
    );
  // All inputs stand in a, zero or not; by their own rows none of them is zero.
  const a = dense(at);
  const b = dense(bt);
  const joined = (skipped: number, some: number, divisor: number): Uint8Array => {
    const from = skipped * WIDE_BYTES;
    exports.frQuotient(factor, 0, divisor);
    return module.with(ELEMENT_BYTES * some, (out) => {
      exports.joinNumbers(at + from, bt + from, ct + from, some, alpha, beta, factor, out);
      return instance.read(out, ELEMENT_BYTES * some);
    });
  };
  const inputs = Math.max(0, Math.min(count, counts.inputs - first));
  const ic = joined(0, inputs, gamma);
  const l = joined(inputs, count - inputs, delta);
  for (let i = 0; i < l.length; i += ELEMENT_BYTES)
    if (l.subarray(i, i + ELEMENT_BYTES).every((byte) => byte === 0)) {
      const index = first + inputs - counts.inputs + i / ELEMENT_BYTES;
      throw new SnarkError({ code: "UNCONSTRAINED", index }, `auxiliary ${index} occurs in no row`);
    }
  exports.frVanishing(factor, tau, bits);
  exports.frQuotient(factor, factor, delta);
  const hFactor = module.with(ELEMENT_BYTES, (out) => {
    exports.writeNumbers(factor, 1, 0, out);
    return instance.read(out, ELEMENT_BYTES);
  });
  return { ic, l, a, b, hFactor };
}
