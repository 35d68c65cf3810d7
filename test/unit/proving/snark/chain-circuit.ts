/** A small circuit with every kind of term, of any length; the fixtures of bellperson were made from the same rows. */
import type { R1cs, Row } from "../../../../src/proving/snark/r1cs.ts";

const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const BIG = 123456789012345678901234567890n;

/** Steps x -> 8 (x + i)(x - 3) + bit BIG, the end and its square public, and an input that only its own rows bind. */
export function chainCircuit(steps: number): R1cs & { readonly values: readonly bigint[] } {
  const rows: Row[] = [];
  const inputs = 4;
  const values = [1n, 0n, 0n, 5n];
  const alloc = (value: bigint): number => values.push(((value % R) + R) % R) - 1;
  const combination = (...terms: (readonly [number, bigint])[]): Map<number, bigint> => new Map(terms);
  const one = combination([0, 1n]);
  let value = 7n;
  let x = alloc(value);
  for (let i = 0; i < steps; i++) {
    const bit = BigInt(i % 2);
    const product = ((value + BigInt(i)) * (value - 3n)) % R;
    const s = alloc(product);
    rows.push([combination([x, 1n], [0, BigInt(i)]), combination([x, 1n], [0, -3n]), combination([s, 1n])]);
    const b = alloc(bit);
    rows.push([combination([0, 1n], [b, -1n]), combination([b, 1n]), combination()]);
    value = (product * 8n + bit * BIG) % R;
    x = alloc(value);
    rows.push([combination([s, 8n], [b, BIG]), one, combination([x, 1n])]);
  }
  values[1] = value;
  rows.push([combination([x, 1n]), one, combination([1, 1n])]);
  values[2] = (value * value) % R;
  rows.push([combination([x, 1n]), combination([1, 1n]), combination([2, 1n])]);
  rows.push([combination([3, 2n]), one, combination([0, 10n])]);
  return { inputs, aux: values.length - inputs, rows, values };
}
