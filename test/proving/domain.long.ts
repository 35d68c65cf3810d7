/**
 * Domains above 2^23, whose vectors lie in files. The quotient: polynomials of few terms, all of whose values are known, and of whose
 * quotient every coefficient is. A proof: squares, so many rows over few variables, with a key made for it. FILIGREE_BITS names other
 * sizes ("27": 12 GiB of disk, and of its key 12 more); FILIGREE_SCRATCH names the folder.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProofs } from "../../src/core/proofs.ts";
import { ProvingPool } from "../../src/proving/pool.ts";
import type { Counts, Terms } from "../../src/proving/snark/circuit.ts";
import { heldElements, storedElements } from "../../src/proving/snark/elements.ts";
import { WIDE_BYTES } from "../../src/proving/snark/kernel.ts";
import { makeStoredParams, openStoredParams } from "../../src/proving/snark/params-store.ts";
import { proveStored } from "../../src/proving/snark/prove.ts";
import { pagedQuotient, pagedQuotientDisk, ROW_FILES } from "../../src/proving/snark/quotient.ts";
import { pack, shapeOf } from "../../src/proving/snark/r1cs.ts";
import { openScratch } from "../../src/proving/snark/scratch.ts";
import { readVerifyingKey } from "../../src/sector/snark/groth16.ts";
import type { SectorStore } from "../../src/sector/store.ts";
import { le, power, R } from "../support/scalars.ts";

const SIZES = (process.env["FILIGREE_BITS"] ?? "24").split(",").map(Number);
const MIB = 2 ** 20;
/** Elements that are written, or looked at, at a time. */
const CHUNK = 2 ** 18;

const module = await loadProofs();
let pool: ProvingPool;
let folder: string;
beforeAll(async () => {
  pool = ProvingPool.open(2);
  folder = await mkdtemp(path.join(process.env["FILIGREE_SCRATCH"] ?? tmpdir(), "filigree-domain-"));
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

/** A polynomial: the coefficient of each power that it has. */
type Polynomial = ReadonlyMap<number, bigint>;

/**
 * Writes values on the domain of a, b and c = a b, packed: rows are powers of w, of order n = 2^bits. The powers of b are
 * multiples of n / CHUNK, so that its values come again after CHUNK rows.
 */
async function writeValues(store: SectorStore, a: Polynomial, b: Polynomial, bits: number): Promise<void> {
  const { exports, instance } = module;
  const root = power(power(7n, (R - 1n) >> 32n), 1n << BigInt(32 - bits));
  const bytes = 32 * CHUNK;
  const [ofA, ofB, ofC, term, ones, numbers] = [bytes, bytes, bytes, bytes, bytes, 2 * WIDE_BYTES].map((size) =>
    module.take(size),
  ) as [number, number, number, number, number, number];
  for (let i = 0; i < CHUNK; i++) instance.write(ones + 32 * i, le(1n));
  exports.packElements(ones, ones, CHUNK);
  const set = (at: number, number: bigint): void => {
    instance.write(term, le(number));
    exports.frSetNumber(at, term);
  };
  const values = (polynomial: Polynomial, first: number, sum: number): void => {
    instance.wipe(sum, bytes);
    let left = polynomial.size;
    for (const [exponent, coefficient] of polynomial) {
      set(numbers, power(root, BigInt(exponent)));
      // What was summed changes its sign at every step.
      set(numbers + WIDE_BYTES, left-- % 2 === 1 ? coefficient : R - coefficient);
      exports.powerNumbers(numbers, numbers + WIDE_BYTES, first, CHUNK, term);
      exports.packElements(term, term, CHUNK);
      exports.quotientJoin(ones, term, sum, sum, CHUNK);
    }
  };
  values(b, 0, ofB);
  for (let first = 0; first < 2 ** bits; first += CHUNK) {
    values(a, first, ofA);
    instance.wipe(term, bytes);
    exports.quotientJoin(ofA, ofB, term, ofC, CHUNK);
    for (const [i, at] of [ofA, ofB, ofC].entries())
      await store.write(ROW_FILES[i] as string, 32 * first, instance.read(at, bytes));
  }
}

/** h of a b = h (x^n - 1) + c. */
function quotientOf(a: Polynomial, b: Polynomial, n: number): Polynomial {
  const h = new Map<number, bigint>();
  for (const [i, x] of a)
    for (const [j, y] of b) if (i + j >= n) h.set(i + j - n, ((h.get(i + j - n) ?? 0n) + x * y) % R);
  return h;
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;

test.each(SIZES)("2^%i: every coefficient of the quotient is that of the polynomials", async (bits) => {
  const n = 2 ** bits;
  const a: Polynomial = new Map([
    [n - 1, 5n],
    [n / 2 + 77, power(3n, 1000n)],
  ]);
  const b: Polynomial = new Map([
    [n - n / CHUNK, 7n],
    [n / 2, power(11n, 500n)],
    [12345 * (n / CHUNK), R - 1n],
  ]);
  const h = quotientOf(a, b, n);
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { store, close } = await openScratch(folder, pagedQuotientDisk(bits));
  try {
    await writeValues(store, a, b, bits);
    process.stdout.write(`2^${bits}: values after ${seconds(start)}\n`);
    const onWindow = (done: number, total: number): void => {
      process.stdout.write(`2^${bits}: pass ${done} of ${total} after ${seconds(start)}\n`);
    };
    const made = await pagedQuotient(pool, store, null, bits, { memoryBytes: 256 * MIB, onWindow });
    expect(made.length).toBe(32 * n);
    const zeros = new Uint8Array(32 * CHUNK);
    for (let first = 0; first < n; first += CHUNK) {
      const found = await made.part(32 * first, 32 * (first + CHUNK));
      const expected = zeros.slice();
      for (const [power, coefficient] of h)
        if (power >= first && power < first + CHUNK) expected.set(le(coefficient), 32 * (power - first));
      if (Buffer.compare(found, expected) !== 0) throw new Error(`coefficients from ${first} on are others`);
    }
    // There is something to be found, in both halves of the domain.
    expect([...h.keys()].filter((power) => power > n / 2).length).toBeGreaterThan(0);
    expect(h.size).toBeGreaterThan(2);
  } finally {
    await close();
  }
  const { user, system } = process.cpuUsage(cpu);
  const most = `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB resident at most`;
  process.stdout.write(`2^${bits}: ${seconds(start)}, ${((user + system) / 1e6).toFixed(0)} s of CPU, ${most}\n`);
});

/** Steps of the chain: x, x^2, x^4 and so on. */
const STEPS = 2 ** 14;
const AUX = 0x80000000;

/** `rows` rows over a chain of squares, the last of which is public: its steps are asked for again and again. */
function squares(rows: number): { readonly counts: Counts; readonly terms: Terms[]; readonly values: bigint[] } {
  const values = [1n, 0n, 3n];
  for (let i = 0; i < STEPS; i++) values.push((values.at(-1) as bigint) ** 2n % R);
  values[1] = values.at(-1) as bigint;
  const counts = { inputs: 2, aux: STEPS + 1, rows };
  const block = (list: readonly number[][]): Terms => ({
    rows: list.length,
    bytes: new Uint8Array(Uint32Array.from(list.flat()).buffer),
  });
  const step = (i: number): number[] => [1, AUX + i, 1, 1, AUX + i, 1, 1, AUX + i + 1, 1];
  const all = Array.from({ length: STEPS }, (_, i) => step(i));
  // The last square is the input; then the inputs' own rows.
  const ends = [
    [1, AUX + STEPS, 1, 1, 0, 1, 1, 1, 1],
    [1, 0, 1, 0, 0],
    [1, 1, 1, 0, 0],
  ];
  const whole = block(all);
  const terms: Terms[] = Array.from({ length: Math.floor((rows - ends.length) / STEPS) }, () => whole);
  terms.push(block([...all.slice(0, (rows - ends.length) % STEPS), ...ends]));
  return { counts, terms, values };
}

test.each(SIZES)("2^%i rows are proved, and no other output", async (bits) => {
  const { counts, terms, values } = squares(2 ** bits);
  const start = performance.now();
  const told = (what: string): void => {
    process.stdout.write(`2^${bits} rows: ${what} after ${seconds(start)}\n`);
  };
  const cpuSeconds = (since: NodeJS.CpuUsage): string => {
    const { user, system } = process.cpuUsage(since);
    return `${((user + system) / 1e6).toFixed(0)} s of CPU`;
  };
  const making = process.cpuUsage();
  const circuit = { name: `squares-${bits}`, counts, source: { kind: "plain", counts, terms } } as const;
  const { name } = await makeStoredParams(module, pool, process.env["FILIGREE_PARAMS"] ?? folder, circuit, "squares");
  const params = await openStoredParams(module, process.env["FILIGREE_PARAMS"] ?? folder, name);
  told(`key of ${Math.round(params.size / MIB)} MiB, ${cpuSeconds(making)},`);
  const cpu = process.cpuUsage();
  const { store, close } = await openScratch(folder, pagedQuotientDisk(bits));
  try {
    const [inputs, aux] = [pack(module, values.slice(0, 2)), pack(module, values.slice(2))];
    let row = 0;
    let whole: Uint8Array[] | null = null;
    for (const block of terms) {
      const made: Uint8Array[] = block === terms[0] && whole !== null ? whole : valuesOf(block, counts, inputs, aux);
      if (block === terms[0]) whole = made;
      for (const [i, bytes] of made.entries()) await store.write(ROW_FILES[i] as string, 32 * row, bytes);
      row += block.rows;
    }
    const rows = (name: string) => storedElements(store, name, 32 * counts.rows);
    const witness = { inputs, aux: heldElements(aux), a: rows("a"), b: rows("b"), c: rows("c") };
    const shape = shapeOf(module, counts, ...terms);
    told("witness");
    const made = await proveStored(
      module,
      pool,
      { params, shape, witness, store },
      {
        memoryBytes: 256 * MIB,
        onProgress: ({ phase, done, total }) => phase === "transform" && told(`pass ${done} of ${total}`),
      },
    );
    const key = readVerifyingKey(module, params.verifyingKey);
    expect(key.verify(made, [le(values[1] as bigint)])).toBe("VALID");
    expect(key.verify(made, [le(4n)])).toBe("INVALID");
  } finally {
    await close();
  }
  const most = `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB resident at most`;
  told(`proof, ${cpuSeconds(cpu)}, ${most},`);
});

/** Values of a block's rows in A, B and C, packed. */
function valuesOf({ rows, bytes }: Terms, counts: Counts, inputs: Uint8Array, aux: Uint8Array): Uint8Array[] {
  return module.with(bytes.length + inputs.length + aux.length + 96 * rows, (at) => {
    const inputsAt = at + bytes.length;
    const auxAt = inputsAt + inputs.length;
    const out = [0, 1, 2].map((i) => auxAt + aux.length + 32 * rows * i) as [number, number, number];
    for (const [place, part] of [
      [at, bytes],
      [inputsAt, inputs],
      [auxAt, aux],
    ] as const)
      module.instance.write(place, part);
    const read = module.exports.rowValues(at, bytes.length, rows, inputsAt, counts.inputs, auxAt, counts.aux, ...out);
    expect(read).toBe(bytes.length);
    return out.map((place) => module.instance.read(place, 32 * rows));
  });
}
