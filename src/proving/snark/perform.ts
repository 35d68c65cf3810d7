/** Running the jobs of proving and of making keys; see `../perform.ts`. */
import { loadProofs, type Proofs } from "../../core/proofs.ts";
import type { OnProgress } from "../source.ts";
import { circuitTerms, officialShape, officialWitness } from "./circuits.ts";
import type { CheckRowsJob, KeyNumbersJob, MultiplesJob, SnarkJobTable, SnarkSumJob } from "./jobs.ts";
import { ELEMENT_BYTES, pointBytes, SnarkError, WIDE_BYTES } from "./kernel.ts";
import { keyNumbers } from "./key-numbers.ts";
import { bytesOf } from "./params-file.ts";
import { performQuotient, performWindow } from "./passes.ts";
import { verifyHere } from "./verify-made.ts";

/** Pages that jobs over windows may have: 512 MiB. */
const WINDOW_PAGES = 8192;

let loading: Promise<Proofs> | null = null;

function windowModule(): Promise<Proofs> {
  loading ??= loadProofs({ maxPages: WINDOW_PAGES });
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

type Kind = keyof SnarkJobTable;
type Performers = {
  [K in Kind]: (job: SnarkJobTable[K]["job"], report: OnProgress) => Promise<SnarkJobTable[K]["result"]>;
};

export const SNARK_PERFORMERS: Performers = {
  quotient: async (job) => performQuotient(await windowModule(), job),
  "quotient-window": async (job) => performWindow(await windowModule(), job),
  "snark-sum": sumWindow,
  "snark-check": checkRows,
  "key-multiples": multiples,
  "key-numbers": evaluate,
  "circuit-shape": async ({ circuit }) => officialShape(await loadProofs(), circuit),
  "snark-verify": async (job) => verifyHere(await windowModule(), job),
  "circuit-witness": async ({ circuit, openings }, report) =>
    // Windows of a step may take more than those of sums; the instance goes when the job is done.
    officialWitness(await loadProofs(), circuit, await bytesOf(openings), report),
};

async function sumWindow({ group, points, scalars, packed, query, first }: SnarkSumJob): Promise<Uint8Array> {
  const module = await windowModule();
  const [bases, numbers] = await Promise.all([bytesOf(points), bytesOf(scalars)]);
  const size = pointBytes(group);
  const count = numbers.length / ELEMENT_BYTES;
  if (bases.length !== count * size) throw new RangeError(`${bases.length} bytes of points for ${count} scalars`);
  const { exports, instance } = module;
  const [scratchOf, sum] =
    group === 1 ? [exports.g1SumScratch, exports.g1SumWindow] : [exports.g2SumScratch, exports.g2SumWindow];
  return module.with(bases.length + numbers.length + size, (at) => {
    const [scalarsAt, out] = [at + bases.length, at + bases.length + numbers.length];
    instance.write(at, bases);
    instance.write(scalarsAt, numbers);
    if (packed) exports.unpackElements(scalarsAt, scalarsAt, count);
    const bad = module.with(scratchOf(scalarsAt, count) >>> 0, (scratch) => sum(out, at, scalarsAt, count, scratch));
    if (bad >= 0)
      throw new SnarkError(
        { code: "PARAMS_POINT", query, index: first + bad },
        `point ${first + bad} of ${query} is malformed or neutral: the parameters were changed`,
      );
    return instance.read(out, size);
  });
}

async function checkRows({ a, b, c }: CheckRowsJob): Promise<number> {
  const module = await windowModule();
  return module.with(3 * a.length, (at) => {
    [a, b, c].forEach((rows, i) => {
      module.instance.write(at + i * a.length, rows);
    });
    return module.exports.firstUnsatisfied(at, at + a.length, at + 2 * a.length, a.length / ELEMENT_BYTES);
  });
}

/** A filled table of multiples is kept for the next job of the same point. */
let table: { readonly module: Proofs; readonly key: string; readonly at: number; readonly bytes: number } | null = null;

async function multiples({ group, point, numbers }: MultiplesJob): Promise<Uint8Array> {
  const module = await windowModule();
  const { exports, instance } = module;
  const key = `${group} ${point.join()}`;
  if (table?.key !== key || table.module !== module) {
    if (table !== null) table.module.give(table.at, table.bytes);
    table = null;
    const bytes = (group === 1 ? exports.g1TableBytes() : exports.g2TableBytes()) >>> 0;
    const at = module.take(bytes);
    const filled = module.with(point.length, (encoded) => {
      instance.write(encoded, point);
      return (group === 1 ? exports.g1FillTable : exports.g2FillTable)(at, encoded);
    });
    if (filled === 0) {
      module.give(at, bytes);
      throw new SnarkError({ code: "PARAMS_POINT", query: "generator", index: 0 }, "the generator is no point");
    }
    table = { module, key, at, bytes };
  }
  const tableAt = table.at;
  const count = "bytes" in numbers ? numbers.bytes.length / ELEMENT_BYTES : numbers.count;
  const size = count * pointBytes(group);
  return module.with(size + (count + 4) * WIDE_BYTES, (out) => {
    const scalars = out + size;
    if ("bytes" in numbers) instance.write(scalars, numbers.bytes);
    else {
      const wide = scalars + count * WIDE_BYTES;
      for (const [i, number] of [numbers.base, numbers.factor].entries()) {
        instance.write(scalars, number);
        exports.frSetNumber(wide + i * WIDE_BYTES, scalars);
      }
      exports.powerNumbers(wide, wide + WIDE_BYTES, numbers.first, count, scalars);
    }
    (group === 1 ? exports.g1Multiples : exports.g2Multiples)(tableAt, scalars, count, out);
    return instance.read(out, size);
  });
}

async function evaluate(
  { circuit, variables, setup }: KeyNumbersJob,
  report: OnProgress,
): Promise<SnarkJobTable["key-numbers"]["result"]> {
  const module = await loadProofs();
  return keyNumbers(module, await circuitTerms(circuit), variables, setup, report);
}
