/**
 * A Groth16 proof from a witness and a parameter file: sums over the five queries, cut into jobs, and the quotient's
 * transforms. The proof is verified before it is handed out.
 *
 * The bytes depend on the witness, the key, r and s alone: each point of a proof is one canonical affine point, whatever
 * the windows and workers were. Source: bellperson groth16/prover/native.rs.
 */
import { platform } from "#platform";
import { checkNumber } from "../../base/options.ts";
import type { Proofs } from "../../core/proofs.ts";
import type { ProvingOptions } from "../ranges.ts";
import type { Scheduler } from "../scheduler.ts";
import { domainBits, gather, partOf, popcount, type Shape, type Witness } from "./circuit.ts";
import type { CheckRowsJob, SnarkSumJob } from "./jobs.ts";
import { ELEMENT_BYTES, type Group, memoryLimit, PROOF_BYTES, SnarkError } from "./kernel.ts";
import { type ParamsFile, pointsOf, type Query, type QueryName } from "./params-file.ts";
import { haveRoom, quotient, quotientBytes } from "./quotient.ts";
import { bPoints } from "./r1cs.ts";
import { verifyHere } from "./verify-made.ts";

export type ProveOptions = ProvingOptions & {
  /** r and s, numbers of 32 bytes, little-endian; by default drawn from the system's generator. Two proofs with one pair betray the witness. */
  readonly blinding?: { readonly r: Uint8Array; readonly s: Uint8Array };
  /** Most bytes that proving may hold in this process besides the witness. Default: no limit. */
  readonly memoryBytes?: number;
  /** Most points of a job; for tests. */
  readonly windowPoints?: number;
  /** What a row is, for errors. */
  readonly rowName?: (row: number) => string;
};

/**
 * `ownsWitness`: the witness is the prover's, which overwrites what of it is not needed any more, and what lies behind its rows up
 * to the domain's length. By default it stays as it is.
 */
type WitnessOptions = ProveOptions & { readonly ownsWitness?: boolean };

/** Most and fewest points of a sum's job. */
const MOST_POINTS = 2 ** 17;
const LEAST_POINTS = 2 ** 12;
/** Rows of a job that checks them. */
const CHECKED_ROWS = 2 ** 18;

/** Throws `WRONG_KEY` unless the key's counts are those of the circuit. */
function checkKey(params: ParamsFile, shape: Shape): void {
  const b = bPoints(shape);
  const expected: Readonly<Record<QueryName, number>> = {
    h: 2 ** domainBits(shape.rows) - 1,
    l: shape.aux,
    a: shape.inputs + popcount(shape.aAux),
    b_g1: b,
    b_g2: b,
  };
  const compare = (what: string, found: number, wanted: number): void => {
    if (found !== wanted)
      throw new SnarkError(
        { code: "WRONG_KEY", what, found, expected: wanted },
        `the key has ${found} points in ${what}, the circuit takes ${wanted}: it is another circuit's key`,
      );
  };
  compare("ic", params.inputs, shape.inputs);
  for (const { name, count } of Object.values(params.queries)) compare(name, count, expected[name]);
}

function checkWitness(shape: Shape, witness: Witness): void {
  const check = (what: keyof Witness, count: number): void => {
    if (witness[what].length !== count * ELEMENT_BYTES)
      throw new SnarkError(
        { code: "BAD_WITNESS", what },
        `${witness[what].length} bytes of ${what}, the circuit has ${count} elements`,
      );
  };
  check("inputs", shape.inputs);
  check("aux", shape.aux);
  for (const part of ["a", "b", "c"] as const) check(part, shape.rows);
}

/** A number below the modulus, as `Fr::random` of blstrs draws it: 255 bits, again if it is too large. */
function drawScalar(module: Proofs): Uint8Array {
  for (;;) {
    const bytes = platform.randomBytes(ELEMENT_BYTES);
    bytes[31] = (bytes[31] as number) & 0x7f;
    const good = module.with(ELEMENT_BYTES, (at) => {
      module.instance.write(at, bytes);
      const read = module.exports.packElements(at, at, 1);
      module.instance.wipe(at, ELEMENT_BYTES);
      return read === 1;
    });
    if (good) return bytes;
  }
}

/** One query and the scalars that go with it, packed or plain. */
type Term = { readonly query: Query; readonly scalars: Uint8Array; readonly packed: boolean };

function* sumJobs(
  params: ParamsFile,
  { query, scalars, packed }: Term,
  window: number,
): Generator<{ readonly job: SnarkSumJob; readonly count: number }> {
  for (let first = 0; first < query.count; first += window) {
    const count = Math.min(window, query.count - first);
    const job = {
      kind: "snark-sum",
      group: query.group,
      points: pointsOf(params, query, first, count),
      scalars: { bytes: partOf(scalars, first * ELEMENT_BYTES, (first + count) * ELEMENT_BYTES) },
      packed,
      query: query.name,
      first,
    } as const;
    yield { job, count };
  }
}

/** Adds up encoded points; none make the neutral point. */
function addPoints(module: Proofs, group: 1 | 2, points: readonly Uint8Array[]): Uint8Array {
  const size = 96 * group;
  return module.with(size * (points.length + 1), (at) => {
    points.forEach((point, i) => {
      module.instance.write(at + size * (i + 1), point);
    });
    const sum = group === 1 ? module.exports.g1SumPoints : module.exports.g2SumPoints;
    const bad = sum(at, at + size, points.length);
    // A job's answer that is no point: its key's points were none.
    if (bad >= 0)
      throw new SnarkError({ code: "PARAMS_POINT", query: "sum", index: bad }, "a sum of the key's points is no point");
    return module.instance.read(at, size);
  });
}

/**
 * Makes and verifies a proof: 192 bytes. The witness's arrays may lie in shared memory, then workers of this machine do not copy them.
 *
 * Errors: `UNSATISFIED` (before anything is summed), `WRONG_KEY`, `BAD_WITNESS`, `PARAMS_POINT`, `PROOF_INVALID`, `MEMORY_LIMIT`, those
 * of jobs; the signal's reason.
 */
export async function proveWitness(
  module: Proofs,
  scheduler: Scheduler,
  params: ParamsFile,
  shape: Shape,
  witness: Witness,
  options: WitnessOptions = {},
): Promise<Uint8Array> {
  const { signal, onProgress, memoryBytes = Number.POSITIVE_INFINITY } = options;
  checkNumber("memoryBytes", memoryBytes, [0, Number.POSITIVE_INFINITY]);
  checkKey(params, shape);
  checkWitness(shape, witness);
  const bits = domainBits(shape.rows);
  const { h, l, a, b_g1, b_g2 } = params.queries;
  const rows = [witness.a, witness.b, witness.c] as const;
  const ownsRows = options.ownsWitness === true;
  const needed =
    quotientBytes(bits, ownsRows && haveRoom(rows, bits)) + ELEMENT_BYTES * (2 ** bits + a.count + b_g1.count);
  if (needed > memoryBytes) throw memoryLimit(needed, memoryBytes);
  const failed = new AbortController();
  const limits = { signal: signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]) };
  await checkRows(scheduler, shape, witness, options);

  const total = h.count + l.count + a.count + b_g1.count + 3 * b_g2.count;
  let done = 0;
  const sums = async (terms: readonly Term[]): Promise<Uint8Array[]> => {
    const groupOf = (index: number): Group => (terms[index] as Term).query.group;
    // The long ones first: the last to end is then a short one.
    const order = terms.map((_, i) => i).sort((x, y) => groupOf(y) - groupOf(x));
    const handed: { readonly term: number; readonly count: number }[] = [];
    function* jobs(): Generator<SnarkSumJob> {
      for (const index of order) {
        const term = terms[index] as Term;
        const share = Math.ceil(term.query.count / scheduler.size);
        const window = options.windowPoints ?? Math.min(MOST_POINTS, Math.max(LEAST_POINTS, share));
        for (const { job, count } of sumJobs(params, term, window)) {
          handed.push({ term: index, count });
          yield job;
        }
      }
    }
    const points: Uint8Array[][] = terms.map(() => []);
    const onResult = (index: number, point: Uint8Array): void => {
      const { term, count } = handed[index] as (typeof handed)[number];
      (points[term] as Uint8Array[]).push(point);
      done += (groupOf(term) === 2 ? 3 : 1) * count;
      onProgress?.({ phase: "sum", done, total });
    };
    await scheduler.runAll(jobs(), { ...limits, onResult });
    return terms.map((term, i) => addPoints(module, term.query.group, points[i] as Uint8Array[]));
  };
  const witnessSums = async (): Promise<Uint8Array[]> => {
    const all = new Uint8Array((shape.inputs + 7) >> 3).fill(0xff);
    all[all.length - 1] = 0xff >> (8 * all.length - shape.inputs);
    const ofA = await gather([
      { elements: witness.inputs, bitmap: all },
      { elements: witness.aux, bitmap: shape.aAux },
    ]);
    const ofB = await gather([
      { elements: witness.inputs, bitmap: shape.bInputs },
      { elements: witness.aux, bitmap: shape.bAux },
    ]);
    return sums([
      { query: l, scalars: witness.aux, packed: true },
      { query: a, scalars: ofA, packed: true },
      { query: b_g1, scalars: ofB, packed: true },
      { query: b_g2, scalars: ofB, packed: true },
    ]);
  };
  const coefficients = (): Promise<Uint8Array> =>
    quotient(scheduler, rows, bits, {
      ...limits,
      ownsRows,
      onWindow: (pass, passes) => onProgress?.({ phase: "transform", done: pass, total: passes }),
    });
  // A small quotient is one worker's job, so the others sum meanwhile; a large one takes all, and its memory.
  const small = bits <= 16;
  const early = small ? coefficients() : null;
  // Whichever fails first ends the other: nothing of this proof runs any more once it has failed.
  early?.catch((error: unknown) => failed.abort(error));
  const [sumL, sumA, sumB1, sumB2] = (await witnessSums().catch(async (error: unknown) => {
    failed.abort(error);
    await early?.catch(() => undefined);
    throw error;
  })) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const hScalars = await (early ?? coefficients());
  const [sumH] = (await sums([{ query: h, scalars: hScalars, packed: false }])) as [Uint8Array];

  const proof = assemble(module, params, [sumA, sumB1, sumH, sumL, sumB2], options.blinding);
  await verifyMade(module, scheduler, params, witness, proof);
  return proof;
}

async function checkRows(scheduler: Scheduler, shape: Shape, witness: Witness, options: ProveOptions): Promise<void> {
  function* jobs(): Generator<CheckRowsJob> {
    for (let first = 0; first < shape.rows; first += CHECKED_ROWS) {
      const [a, b, c] = [witness.a, witness.b, witness.c].map((rows) =>
        partOf(rows, first * ELEMENT_BYTES, Math.min(shape.rows, first + CHECKED_ROWS) * ELEMENT_BYTES),
      ) as [Uint8Array, Uint8Array, Uint8Array];
      yield { kind: "snark-check", a, b, c };
    }
  }
  const found = await scheduler.runAll(jobs(), options.signal === undefined ? {} : { signal: options.signal });
  const window = found.findIndex((row) => row >= 0);
  if (window < 0) return;
  const row = window * CHECKED_ROWS + (found[window] as number);
  const where = options.rowName?.(row);
  throw new SnarkError(
    { code: "UNSATISFIED", row, ...(where === undefined ? {} : { where }) },
    `the witness does not satisfy constraint ${row}${where === undefined ? "" : ` (${where})`}`,
  );
}

/** The proof from the sums of a, b in G1, h, l, b in G2; draws r and s anew in the freak case of a neutral point. */
function assemble(
  module: Proofs,
  params: ParamsFile,
  sums: readonly Uint8Array[],
  blinding: ProveOptions["blinding"],
): Uint8Array {
  const head = params.verifyingKey.subarray(0, 864);
  for (;;) {
    const { r, s } = blinding ?? { r: drawScalar(module), s: drawScalar(module) };
    const parts = [head, ...sums, r, s];
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const result = module.with(bytes + PROOF_BYTES, (at) => {
      let to = at;
      for (const part of parts) {
        module.instance.write(to, part);
        to += part.length;
      }
      const scalars = at + bytes - 2 * ELEMENT_BYTES;
      const code = module.exports.assembleProof(to, at, at + head.length, scalars);
      module.instance.wipe(scalars, 2 * ELEMENT_BYTES);
      return { code, proof: module.instance.read(to, PROOF_BYTES) };
    });
    if (result.code === 0) return result.proof;
    if (result.code === 3 && blinding === undefined) continue;
    if (result.code === 2) throw new SnarkError({ code: "BAD_WITNESS", what: "r or s" }, "r or s is no element");
    throw new SnarkError({ code: "PARAMS_POINT", query: "key", index: 0 }, "the key's own points cannot be read");
  }
}

/**
 * Throws `PROOF_INVALID` unless the proof verifies under the file's own verifying key: in a worker of this process, or here
 * where workers are others' and their word is not enough.
 */
async function verifyMade(
  module: Proofs,
  scheduler: Scheduler,
  params: ParamsFile,
  witness: Witness,
  proof: Uint8Array,
): Promise<void> {
  const job = { kind: "snark-verify", verifyingKey: params.verifyingKey, inputs: witness.inputs, proof } as const;
  const verdict = scheduler.isLocal ? await scheduler.run(job) : verifyHere(module, job);
  if (verdict !== "VALID")
    throw new SnarkError(
      { code: "PROOF_INVALID", verdict },
      `the proof that was made does not verify (${verdict}): the parameters were changed, or are another circuit's`,
    );
}
