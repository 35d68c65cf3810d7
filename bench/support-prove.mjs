/** A circuit of any size, its key in our layout and in snarkjs', and witnesses for both. */

import { inThisThread } from "../dist/proving/in-thread.js";
import { makeParams, memorySink } from "../dist/proving/snark/make-params.js";
import { openParams } from "../dist/proving/snark/params-file.js";
import { countsOf, shapeOf, termsOf, witnessOf } from "../dist/proving/snark/r1cs.js";
import { setupOf } from "../dist/proving/snark/setup.js";

const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
const Q = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;
const le = (value, length) => {
  const out = new Uint8Array(length);
  for (let i = 0, rest = value; i < length; i++, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
};
const u32 = (...values) => new Uint8Array(Uint32Array.from(values).buffer);

/** Rows x' = x (x + i), `bits` bits of each x' checked to be bits in between. */
export function benchCircuit(rows, bits = 1) {
  const inputs = 2;
  const values = [1n, 0n];
  const list = [];
  const alloc = (value) => values.push(value % R) - 1;
  let value = 3n;
  let x = alloc(value);
  for (let i = 0; list.length + bits + 1 + 1 + inputs <= rows; i++) {
    const factor = value + BigInt(i);
    value = (value * factor) % R;
    const next = alloc(value);
    list.push([
      new Map([[x, 1n]]),
      new Map([
        [x, 1n],
        [0, BigInt(i)],
      ]),
      new Map([[next, 1n]]),
    ]);
    x = next;
    for (let j = 0; j < bits; j++) {
      const bit = alloc((value >> BigInt(j)) & 1n);
      list.push([
        new Map([
          [0, 1n],
          [bit, -1n],
        ]),
        new Map([[bit, 1n]]),
        new Map(),
      ]);
    }
  }
  values[1] = value;
  list.push([new Map([[x, 1n]]), new Map([[0, 1n]]), new Map([[1, 1n]])]);
  return { inputs, aux: values.length - inputs, rows: list, values };
}

/** Everything that our prover takes, for a circuit. */
export async function ourSide(proofs, circuit, scheduler = inThisThread()) {
  const terms = termsOf(circuit);
  const counts = countsOf(circuit);
  const sink = memorySink();
  await makeParams(scheduler, { kind: "plain", counts, terms: [terms] }, counts, setupOf("bench"), sink);
  return {
    params: await openParams({ bytes: sink.bytes() }),
    shape: shapeOf(proofs, counts, terms),
    witness: witnessOf(proofs, counts, terms, circuit.values),
    counts,
    terms,
  };
}

/** The key of the same setup as a `.zkey` of snarkjs, and the witness as its `.wtns`. */
export async function snarkjsSide(proofs, curve, circuit, { params, counts }) {
  const setup = setupOf("bench");
  const variables = counts.inputs + counts.aux;
  const bits = Math.ceil(Math.log2(counts.rows));
  const file = params.content.bytes;
  const [g1, g2] = [await lem(curve.G1, 96), await lem(curve.G2, 192)];
  const queryOf = (name) => {
    const { from, count, group } = params.queries[name];
    return file.subarray(from, from + count * 96 * group);
  };
  /** A query with the points that ours leaves out as zeros; which ones they are, the numbers that are not zero tell. */
  const spread = (points, size, dense) => {
    const out = new Uint8Array(variables * size);
    let next = 0;
    for (let i = 0; i < variables; i++) if (dense[i]) out.set(points.subarray(size * next, size * ++next), i * size);
    return out;
  };
  const dense = [new Uint8Array(variables), new Uint8Array(variables)];
  circuit.rows.forEach((row) => {
    for (const part of [0, 1]) for (const variable of row[part].keys()) dense[part][variable] = 1;
  });
  for (let i = 0; i < circuit.inputs; i++) dense[0][i] = 1;
  const head = (from, length) => file.subarray(from, from + length);
  const sections = new Map();
  sections.set(1, u32(1));
  sections.set(
    2,
    join([
      u32(48),
      le(Q, 48),
      u32(32),
      le(R, 32),
      u32(variables, counts.inputs - 1, 2 ** bits),
      await g1(head(0, 96)),
      await g1(head(96, 96)),
      await g2(head(192, 192)),
      await g2(head(384, 192)),
      await g1(head(576, 96)),
      await g2(head(672, 192)),
    ]),
  );
  sections.set(3, await g1(head(868, 96 * counts.inputs)));
  // The peer's root of unity is another generator's: ours to the power of `turn`. Rows move to where they are the same points.
  const turn = exponentOf(curve.Fr.toObject(curve.Fr.w[bits + 1]), bits + 1);
  const place = inverseOf(turn, bits);
  const square = (1n << 512n) % R;
  const entries = [];
  const put = (part, row, variable, value) =>
    entries.push(
      u32(part, Number((BigInt(row) * place) % 2n ** BigInt(bits)), variable),
      le((((value % R) + R) * square) % R, 32),
    );
  circuit.rows.forEach((row, i) => {
    for (const part of [0, 1]) for (const [variable, value] of row[part]) put(part, i, variable, value);
  });
  for (let i = 0; i < circuit.inputs; i++) put(0, circuit.rows.length + i, i, 1n);
  sections.set(4, join([u32(entries.length / 2), ...entries]));
  sections.set(5, spread(await g1(queryOf("a")), 96, dense[0]));
  sections.set(6, spread(await g1(queryOf("b_g1")), 96, dense[1]));
  sections.set(7, spread(await g2(queryOf("b_g2")), 192, dense[1]));
  sections.set(8, await g1(queryOf("l")));
  sections.set(9, await g1(oddLagrange(proofs, setup, bits, turn)));
  sections.set(10, join([new Uint8Array(64), u32(0)]));
  const wtns = new Map();
  wtns.set(1, join([u32(32), le(R, 32), u32(variables)]));
  wtns.set(2, join(circuit.values.map((value) => le(value, 32))));
  return {
    zkey: { type: "mem", data: container("zkey", 1, sections) },
    wtns: { type: "mem", data: container("wtns", 2, wtns) },
  };
}

const power = (base, exponent) => {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % R) if (e & 1n) result = (result * b) % R;
  return result;
};

/** e with `root` = (our root of order 2^bits)^e. */
function exponentOf(root, bits) {
  const ours = power(7n, (R - 1n) >> BigInt(bits));
  let e = 0;
  for (let x = 1n; x !== root; x = (x * ours) % R) e++;
  return e;
}

/** 1 / odd modulo 2^bits. */
function inverseOf(odd, bits) {
  let x = 1n;
  for (let i = 0; i < 6; i++) x = (x * (2n - BigInt(odd) * x)) % 2n ** BigInt(bits);
  return ((x % 2n ** BigInt(bits)) + 2n ** BigInt(bits)) % 2n ** BigInt(bits);
}

/** Multiples of G1 by the odd Lagrange values of the double domain over delta: snarkjs' form of the query h. */
function oddLagrange(proofs, setup, bits, turn) {
  const { exports, instance } = proofs;
  const count = 2 ** (bits + 1);
  const wide = 40;
  const table = proofs.take(exports.g1TableBytes() >>> 0);
  const at = proofs.take(2 * count * wide + 4 * wide);
  const named = at + 2 * count * wide;
  instance.write(at, setup.numbers.tau);
  exports.frSetNumber(named, at);
  instance.write(at, setup.numbers.delta);
  exports.frSetNumber(named + wide, at);
  exports.frQuotient(named + 2 * wide, 0, named + wide);
  exports.lagrangeValues(named, bits + 1, 0, count, at, at + count * wide);
  const half = count / 2;
  const numbers = new Uint8Array(half * 32);
  for (let i = 0; i < half; i++) {
    const odd = at + ((turn * (2 * i + 1)) % count) * wide;
    exports.joinNumbers(odd, odd, odd, 1, zeroAt(proofs, named + 3 * wide), named + 3 * wide, named + 2 * wide, at);
    numbers.set(instance.read(at, 32), 32 * i);
  }
  const out = proofs.take(half * (96 + 32));
  instance.write(out, setup.g1);
  exports.g1FillTable(table, out);
  instance.write(out + half * 96, numbers);
  exports.g1Multiples(table, out + half * 96, half, out);
  return instance.read(out, half * 96);
}

function zeroAt({ instance }, at) {
  instance.wipe(at, 40);
  return at;
}

/** Uncompressed points in snarkjs' form: affine, Montgomery, little-endian. */
async function lem(group, size) {
  return async (points) => group.batchUtoLEM(points.slice(), size);
}

/** Takes a list: there may be more parts than a call takes arguments. */
const join = (parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** iden3's file of sections. */
function container(magic, version, sections) {
  const parts = [new TextEncoder().encode(magic), u32(version, sections.size)];
  for (const [id, data] of sections)
    parts.push(u32(id), new Uint8Array(BigUint64Array.of(BigInt(data.length)).buffer), data);
  return join(parts);
}
