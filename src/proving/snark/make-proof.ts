/**
 * The work of a proof: rows checked, sums over the five queries cut into jobs, the quotient's transforms, the three points put
 * together, and the proof verified before anybody has it. Where witness and vectors lie is the caller's (`prove.ts`).
 *
 * Source: bellperson groth16/prover/native.rs.
 */
import { platform } from "#platform";
import type { Proofs } from "../../core/proofs.ts";
import type { ProvingOptions } from "../ranges.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Shape } from "./circuit.ts";
import { type Elements, gatherWindows, heldElements, type WitnessElements, windowsOf } from "./elements.ts";
import type { CheckRowsJob, SnarkSumJob } from "./jobs.ts";
import { ELEMENT_BYTES, type Group, PROOF_BYTES, SnarkError } from "./kernel.ts";
import { type ParamsFile, pointsOf, type Query } from "./params-file.ts";
import { jobsInHand } from "./quotient.ts";
import type { Scratch } from "./scratch.ts";
import { verifyHere } from "./verify-made.ts";

export type ProveOptions = ProvingOptions & {
  /** r and s, numbers of 32 bytes, little-endian; by default drawn from the system's generator. Two proofs with one pair betray the witness. */
  readonly blinding?: { readonly r: Uint8Array; readonly s: Uint8Array };
  /**
   * Most bytes of vectors that proving may hold in this process besides a witness that it was given; workers have some hundred
   * MiB each for the windows that they work on. Default: no limit, 1 GiB with `scratch`.
   */
  readonly memoryBytes?: number;
  /**
   * Where vectors go that the limit has no room for: a folder, or a store. Three times 32 bytes for each element of the domain,
   * and 32 for each auxiliary where the witness is made here.
   */
  readonly scratch?: Scratch;
  /** Most points of a job; for tests. */
  readonly windowPoints?: number;
  /** What a row is, for errors. */
  readonly rowName?: (row: number) => string;
};

/** Most and fewest points of a sum's job. */
const MOST_POINTS = 2 ** 17;
const LEAST_POINTS = 2 ** 12;
/** Most rows of a job that checks them. */
const CHECKED_ROWS = 2 ** 18;
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

/** One query and the scalars that go with it by windows, packed or plain. */
type Term = {
  readonly query: Query;
  readonly scalars: (window: number) => AsyncIterable<Uint8Array>;
  readonly packed: boolean;
};

async function* sumJobs(
  params: ParamsFile,
  { query, scalars, packed }: Term,
  window: number,
): AsyncGenerator<{ readonly job: SnarkSumJob; readonly count: number }> {
  let first = 0;
  for await (const bytes of scalars(window)) {
    const count = bytes.length / ELEMENT_BYTES;
    const points = pointsOf(params, query, first, count);
    const place = { group: query.group, query: query.name, first } as const;
    yield { job: { kind: "snark-sum", points, scalars: { bytes }, packed, ...place }, count };
    first += count;
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
      throw new SnarkError(
        { code: "PARAMS_POINT", query: "sum", index: bad },
        "a sum of the key's points is no point: the parameters were changed",
      );
    return module.instance.read(at, size);
  });
}

/** What a proof is made of, and how its quotient is. */
export type Work = {
  readonly params: ParamsFile;
  readonly shape: Shape;
  readonly witness: WitnessElements;
  /** Coefficients of h. The rows may be gone afterwards. */
  readonly coefficients: (options: {
    readonly signal: AbortSignal;
    readonly onWindow: (done: number, total: number) => void;
  }) => Promise<Elements>;
  /** Whether one worker makes the quotient, so that the others sum meanwhile; a large one takes all, and its memory. */
  readonly early: boolean;
  /** Bytes of memory that jobs in hand may take together. */
  readonly jobBytes: number;
};

/** Elements of a job of so many bytes an element, `most` at most. */
function windowOf(scheduler: Scheduler, jobBytes: number, bytes: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(jobBytes / (jobsInHand(scheduler) * bytes))));
}

/** Makes and verifies a proof. Errors: those of `proveWitness` that the work itself can have. */
export async function makeProof(
  module: Proofs,
  scheduler: Scheduler,
  { params, shape, witness, coefficients, early: isEarly, jobBytes }: Work,
  options: ProveOptions,
): Promise<Uint8Array> {
  const { signal, onProgress } = options;
  const { h, l, a, b_g1, b_g2 } = params.queries;
  const failed = new AbortController();
  const limits = { signal: signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]) };
  await checkRows(scheduler, { shape, witness, jobBytes }, options);

  const total = h.count + l.count + a.count + b_g1.count + 3 * b_g2.count;
  const mostPoints = windowOf(scheduler, jobBytes, ELEMENT_BYTES, MOST_POINTS);
  let done = 0;
  const sums = async (terms: readonly Term[]): Promise<Uint8Array[]> => {
    const groupOf = (index: number): Group => (terms[index] as Term).query.group;
    // The long ones first: the last to end is then a short one.
    const order = terms.map((_, i) => i).sort((x, y) => groupOf(y) - groupOf(x));
    const handed: { readonly term: number; readonly count: number }[] = [];
    async function* jobs(): AsyncGenerator<SnarkSumJob> {
      for (const index of order) {
        const term = terms[index] as Term;
        const share = Math.ceil(term.query.count / scheduler.size);
        const window = options.windowPoints ?? Math.min(mostPoints, Math.max(LEAST_POINTS, share));
        for await (const { job, count } of sumJobs(params, term, window)) {
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
  const all = new Uint8Array((shape.inputs + 7) >> 3).fill(0xff);
  all[all.length - 1] = 0xff >> (8 * all.length - shape.inputs);
  const inputs = heldElements(witness.inputs);
  const chosen = (ofInputs: Uint8Array, ofAux: Uint8Array) => (window: number) =>
    gatherWindows(
      [
        { elements: inputs, bitmap: ofInputs },
        { elements: witness.aux, bitmap: ofAux },
      ],
      window,
    );
  const [ofA, ofB] = [chosen(all, shape.aAux), chosen(shape.bInputs, shape.bAux)];
  const quotientMade = (): Promise<Elements> =>
    coefficients({
      ...limits,
      onWindow: (pass, passes) => onProgress?.({ phase: "transform", done: pass, total: passes }),
    });
  const early = isEarly ? quotientMade() : null;
  // Whichever fails first ends the other: nothing of this proof runs any more once it has failed.
  early?.catch((error: unknown) => failed.abort(error));
  const witnessSums = sums([
    { query: l, scalars: (window) => windowsOf(witness.aux, window), packed: true },
    { query: a, scalars: ofA, packed: true },
    { query: b_g1, scalars: ofB, packed: true },
    { query: b_g2, scalars: ofB, packed: true },
  ]);
  const [sumL, sumA, sumB1, sumB2] = (await witnessSums.catch(async (error: unknown) => {
    failed.abort(error);
    await early?.catch(() => undefined);
    throw error;
  })) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const ofH = await (early ?? quotientMade());
  // The last coefficient is zero and has no point.
  const hScalars = { length: h.count * ELEMENT_BYTES, part: ofH.part };
  const [sumH] = (await sums([{ query: h, scalars: (window) => windowsOf(hScalars, window), packed: false }])) as [
    Uint8Array,
  ];

  const proof = assemble(module, params, [sumA, sumB1, sumH, sumL, sumB2], options.blinding);
  await verifyMade(module, scheduler, params, witness.inputs, proof);
  return proof;
}

/** Bytes that the job which checks rows takes for each. */
const ROW_BYTES = 3 * ELEMENT_BYTES;

async function checkRows(
  scheduler: Scheduler,
  { shape, witness, jobBytes }: Pick<Work, "shape" | "witness" | "jobBytes">,
  options: ProveOptions,
): Promise<void> {
  const rowsOfJob = windowOf(scheduler, jobBytes, ROW_BYTES, CHECKED_ROWS);
  const rows = [witness.a, witness.b, witness.c];
  async function* jobs(): AsyncGenerator<CheckRowsJob> {
    for (let first = 0; first < shape.rows; first += rowsOfJob) {
      const end = Math.min(shape.rows, first + rowsOfJob);
      const taken: Uint8Array[] = [];
      for (const part of rows) taken.push(await part.part(first * ELEMENT_BYTES, end * ELEMENT_BYTES));
      const [a, b, c] = taken as [Uint8Array, Uint8Array, Uint8Array];
      yield { kind: "snark-check", a, b, c };
    }
  }
  const found = await scheduler.runAll(jobs(), options.signal === undefined ? {} : { signal: options.signal });
  const window = found.findIndex((row) => row >= 0);
  if (window < 0) return;
  const row = window * rowsOfJob + (found[window] as number);
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
  inputs: Uint8Array,
  proof: Uint8Array,
): Promise<void> {
  const job = { kind: "snark-verify", verifyingKey: params.verifyingKey, inputs, proof } as const;
  const verdict = scheduler.isLocal ? await scheduler.run(job) : verifyHere(module, job);
  if (verdict !== "VALID")
    throw new SnarkError(
      { code: "PROOF_INVALID", verdict },
      `the proof that was made does not verify (${verdict}): the parameters were changed, or are another circuit's`,
    );
}
