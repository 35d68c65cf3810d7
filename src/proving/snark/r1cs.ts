/**
 * Plain constraint systems (R1CS): rows A·z × B·z = C·z as lists of terms, in memory. The circuit of tests and benches, and of
 * whoever brings rows of another tool.
 */
import type { Proofs } from "../../core/proofs.ts";
import { type Counts, popcount, type Shape, type Terms, type Witness } from "./circuit.ts";
import { ELEMENT_BYTES, SnarkError } from "./kernel.ts";

/** Variables by number: inputs first (0 is the constant 1), then auxiliaries. */
export type LinearCombination = ReadonlyMap<number, bigint>;
export type Row = readonly [LinearCombination, LinearCombination, LinearCombination];
export type R1cs = { readonly inputs: number; readonly aux: number; readonly rows: readonly Row[] };

const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
/** R of packed elements: 2^261. */
const RADIX = (1n << 261n) % MODULUS;
const AUX = 0x80000000;

/** The circuit's counts, with the rows of inputs that every circuit ends with. */
export function countsOf({ inputs, aux, rows }: R1cs): Counts {
  return { inputs, aux, rows: rows.length + inputs };
}

/** The rows as terms, those of inputs included. */
export function termsOf(circuit: R1cs): Terms {
  const words: number[] = [];
  const put = (combination: LinearCombination): void => {
    const terms = [...combination]
      .map(([variable, value]) => [variable, ((value % MODULUS) + MODULUS) % MODULUS] as const)
      .filter(([, value]) => value !== 0n)
      .sort(([x], [y]) => x - y);
    words.push(terms.length);
    for (const [variable, value] of terms) {
      words.push(variable < circuit.inputs ? variable : AUX + variable - circuit.inputs);
      if (value === 1n) words.push(1);
      else if (value === MODULUS - 1n) words.push(0xffffffff);
      else {
        words.push(0);
        for (let i = 0, packed = (value * RADIX) % MODULUS; i < 8; i++, packed >>= 32n)
          words.push(Number(packed & 0xffffffffn));
      }
    }
  };
  const none: LinearCombination = new Map();
  for (const row of circuit.rows) for (const part of row) put(part);
  for (let i = 0; i < circuit.inputs; i++) for (const part of [new Map([[i, 1n]]), none, none]) put(part);
  return { rows: countsOf(circuit).rows, bytes: new Uint8Array(Uint32Array.from(words).buffer) };
}

function checked(code: number): void {
  if (code < 0) throw new SnarkError({ code: "BAD_TERMS", what: String(code) }, "rows' terms cannot be read");
}

/** Which variables occur where, in rows that may come in several blocks. */
export function shapeOf(module: Proofs, counts: Counts, ...blocks: readonly Terms[]): Shape {
  const bitmap = (count: number): number => (count + 7) >> 3;
  const [inputBytes, auxBytes] = [bitmap(counts.inputs), bitmap(counts.aux)];
  return module.with(inputBytes + 2 * auxBytes, (inputs) => {
    const [a, b] = [inputs + inputBytes, inputs + inputBytes + auxBytes];
    const { exports, instance } = module;
    instance.wipe(inputs, inputBytes + 2 * auxBytes);
    for (const { rows, bytes } of blocks)
      module.with(bytes.length, (at) => {
        instance.write(at, bytes);
        checked(exports.rowDensities(at, bytes.length, rows, counts.inputs, counts.aux, inputs, a, b));
      });
    const read = (from: number, length: number): Uint8Array => instance.read(from, length);
    return { ...counts, bInputs: read(inputs, inputBytes), aAux: read(a, auxBytes), bAux: read(b, auxBytes) };
  });
}

/** Numbers of 32 bytes, little-endian, as packed elements. Throws `BAD_WITNESS`. */
export function pack(module: Proofs, values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(ELEMENT_BYTES * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    for (let word = 0, rest = value; word < 4; word++, rest >>= 64n)
      view.setBigUint64(32 * i + 8 * word, rest & 0xffffffffffffffffn, true);
  });
  return module.with(bytes.length, (at) => {
    module.instance.write(at, bytes);
    const good = module.exports.packElements(at, at, values.length);
    if (good !== values.length)
      throw new SnarkError({ code: "BAD_WITNESS", what: `value ${good}` }, `value ${good} is not below the modulus`);
    return module.instance.read(at, bytes.length);
  });
}

/** The witness of an assignment: all values, inputs (with the constant 1) first. */
export function witnessOf(module: Proofs, counts: Counts, terms: Terms, values: readonly bigint[]): Witness {
  if (values.length !== counts.inputs + counts.aux || values[0] !== 1n)
    throw new SnarkError(
      { code: "BAD_WITNESS", what: "values" },
      `${values.length} values, beginning with ${values[0]}`,
    );
  const inputs = pack(module, values.slice(0, counts.inputs));
  const aux = pack(module, values.slice(counts.inputs));
  const bytes = ELEMENT_BYTES * terms.rows;
  const { exports, instance } = module;
  const head = (terms.bytes.length + inputs.length + aux.length + 15) & ~15;
  return module.with(head + 3 * bytes, (at) => {
    const inputsAt = at + terms.bytes.length;
    const auxAt = inputsAt + inputs.length;
    const rows = [0, 1, 2].map((part) => at + head + part * bytes) as [number, number, number];
    instance.write(at, terms.bytes);
    instance.write(inputsAt, inputs);
    instance.write(auxAt, aux);
    checked(exports.rowValues(at, terms.bytes.length, terms.rows, inputsAt, counts.inputs, auxAt, counts.aux, ...rows));
    const [a, b, c] = rows.map((from) => instance.read(from, bytes)) as [Uint8Array, Uint8Array, Uint8Array];
    return { inputs, aux, a, b, c };
  });
}

/** Points of b's queries. */
export function bPoints(shape: Shape): number {
  return popcount(shape.bInputs) + popcount(shape.bAux);
}
