/**
 * Parameters kept in a folder: those made here, under names that say so, and official ones as they come.
 *
 *   local-<circuit>-<id of the setup>.params, .vk    the files
 *   ….json                                             what they are; written last, so that a file with it is whole
 *   ….journal                                         windows written so far, while they are being made
 *   ….making                                           a folder that whoever makes them has locked; it stays
 *
 * A digest is the first 16 bytes of BLAKE2b-512 in hexadecimal, as the network's `parameters.json` has it.
 */
import { platform } from "#platform";
import { fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import { sleepFor } from "../../base/sleep.ts";
import type { Proofs } from "../../core/proofs.ts";
import type { ProvingOptions } from "../ranges.ts";
import type { Scheduler } from "../scheduler.ts";
import type { CircuitName, Counts } from "./circuit.ts";
import { SnarkError } from "./kernel.ts";
import { type MakeOptions, makeParams, type ParamsSink, RANGE_VARIABLES } from "./make-params.ts";
import { bytesOf, type Content, contentSize, openParams, type ParamsFile, rangeOf } from "./params-file.ts";
import { setupId, setupOf } from "./setup.ts";

/** What stands in the `.json` beside parameters. */
export type ParamsRecord = {
  readonly format: 1;
  readonly name: string;
  readonly circuit: string;
  /** Tells setups apart; "local" setups come from one person's seed. */
  readonly setup: string;
  readonly warning: string;
  readonly counts: Counts;
  readonly size: number;
  readonly digest: string;
  readonly verifyingKeyDigest: string;
};

export const LOCAL_WARNING =
  "one person's setup: whoever knows the seed can forge proofs; for local networks and tests only";

/** Bytes of a file that can be a record, and of one that can be a verifying key. */
const MOST_RECORD_BYTES = 2 ** 16;
const MOST_KEY_BYTES = 2 ** 20;
/** Bytes digested, or read, at a time. */
const CHUNK = 2 ** 22;
const BLAKE2B_CONTEXT = 208;

/** Name of the files of a circuit under a seed's setup. */
export function localParamsName(circuit: string, seed: string): string {
  return `local-${circuit}-${setupId(seed)}`;
}

/** Digest of a whole content, read by ranges. */
export async function contentDigest(
  proofs: Proofs,
  content: Content,
  { signal, onProgress }: ProvingOptions = {},
): Promise<string> {
  const size = await contentSize(content);
  const context = proofs.take(BLAKE2B_CONTEXT);
  try {
    proofs.exports.blake2bInit(context, 64);
    for (let from = 0; from < size; from += CHUNK) {
      signal?.throwIfAborted();
      const bytes = await bytesOf(rangeOf(content, from, Math.min(CHUNK, size - from)));
      proofs.with(bytes.length, (at) => {
        proofs.instance.write(at, bytes);
        proofs.exports.blake2bUpdate(context, at, bytes.length);
      });
      onProgress?.({ phase: "check", done: from + bytes.length, total: size });
    }
    return proofs.with(64, (out) => {
      proofs.exports.blake2bFinal(context, out);
      return toHex(proofs.instance.read(out, 16));
    });
  } finally {
    proofs.give(context, BLAKE2B_CONTEXT);
  }
}

function fileSink(path: string, journal: string): ParamsSink {
  const read = async (file: string, from: number, length: number): Promise<Uint8Array> => {
    const size = await platform.fileSize(file);
    return size === null || from >= size ? new Uint8Array(0) : platform.readRange(file, from, length);
  };
  return {
    read: (from, length) => read(path, from, length),
    write: (from, bytes) => platform.writeRange(path, from, bytes),
    readJournal: async () => read(journal, 0, (await platform.fileSize(journal)) ?? 0),
    appendJournal: async (at, line) => {
      if (at === 0) await platform.removeFile(journal);
      await platform.writeRange(journal, at, line);
    },
  };
}

const pathOf = (directory: string, name: string, ending: string): string => `${directory}/${name}.${ending}`;

/** The record of parameters in a folder; null if there are none, or they are not whole yet. */
export async function readParamsRecord(directory: string, name: string): Promise<ParamsRecord | null> {
  const path = pathOf(directory, name, "json");
  const size = await platform.fileSize(path);
  if (size === null) return null;
  const record = size > MOST_RECORD_BYTES ? null : recordIn(await platform.readRange(path, 0, size));
  if (record !== null) return record;
  throw new SnarkError(
    { code: "PARAMS_HEADER", what: "record" },
    `${path} is no record of parameters: remove it, and make them again`,
  );
}

/** What bytes record; null for what is none, or was changed. */
function recordIn(bytes: Uint8Array): ParamsRecord | null {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(bytes));
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  const { format, name, size, digest, verifyingKeyDigest } = json as Partial<ParamsRecord>;
  const areTexts = [name, digest, verifyingKeyDigest].every((one) => typeof one === "string");
  return format === 1 && typeof size === "number" && areTexts ? (json as ParamsRecord) : null;
}

/** Paths of the files of a name. */
export function paramsPaths(
  directory: string,
  name: string,
): { readonly params: string; readonly verifyingKey: string } {
  return { params: pathOf(directory, name, "params"), verifyingKey: pathOf(directory, name, "vk") };
}

/**
 * Opens parameters by name; `check` compares the whole content with the record's digest first (about a second a GiB).
 * Errors: `PARAMS_MISSING`, `PARAMS_CHANGED`, those of `openParams`.
 */
export async function openStoredParams(
  proofs: Proofs,
  directory: string,
  name: string,
  { check = true, ...options }: ProvingOptions & { readonly check?: boolean } = {},
): Promise<ParamsFile> {
  const record = await readParamsRecord(directory, name);
  if (record === null)
    throw new SnarkError({ code: "PARAMS_MISSING", name }, `no parameters ${name} in ${directory}: make them first`);
  const content = { file: paramsPaths(directory, name).params };
  const params = await openParams(content);
  const isChanged = (file: string): SnarkError =>
    new SnarkError({ code: "PARAMS_CHANGED", name }, `${file} is not what was made: remove it and make it anew`);
  if (params.size !== record.size || (check && (await contentDigest(proofs, content, options)) !== record.digest))
    throw isChanged(content.file);
  if (check && !(await hasVerifyingKey(proofs, directory, name, record)))
    throw isChanged(paramsPaths(directory, name).verifyingKey);
  return params;
}

/** Whether the file of the verifying key alone is what the record says. */
async function hasVerifyingKey(
  proofs: Proofs,
  directory: string,
  name: string,
  { verifyingKeyDigest }: ParamsRecord,
): Promise<boolean> {
  const file = paramsPaths(directory, name).verifyingKey;
  const size = await platform.fileSize(file);
  // The largest of the network's circuits has 33 kB.
  if (size === null || size > MOST_KEY_BYTES) return false;
  return (await contentDigest(proofs, { file })) === verifyingKeyDigest;
}

/** Writes the file of a verifying key again that is gone or was changed: the parameters have it, too. */
async function mendVerifyingKey(proofs: Proofs, directory: string, record: ParamsRecord): Promise<void> {
  if (await hasVerifyingKey(proofs, directory, record.name, record)) return;
  const { params, verifyingKey: file } = paramsPaths(directory, record.name);
  const { verifyingKey } = await openParams({ file: params });
  // Parameters that are damaged themselves are named when they are opened.
  if ((await contentDigest(proofs, { bytes: verifyingKey })) !== record.verifyingKeyDigest) return;
  await platform.replaceFile(file, verifyingKey);
}

type MadeCircuit = { readonly name: string; readonly source: CircuitName; readonly counts: Counts };

/** Between looks whether another process, or this one, has come to the end of the same parameters. */
const LOCKED_MS = 500;

/** Takes a name for whoever makes its parameters; waits for who has it. Rejects with the signal's reason. */
async function takeName(directory: string, name: string, { signal, onProgress }: MakeOptions) {
  const { folders } = platform;
  // Where there are no folders, writing files is refused by name.
  if (folders === null) return async () => undefined;
  const place = pathOf(directory, name, "making");
  await folders.make(place);
  for (;;) {
    signal?.throwIfAborted();
    const release = await folders.lock(place);
    if (release !== null) return release;
    onProgress?.({ phase: "wait for who makes it", done: 0, total: 1 });
    await sleepFor(LOCKED_MS, signal ?? new AbortController().signal);
  }
}

/**
 * Makes the parameters of a circuit from a seed in `directory`, goes on with making them, or finds them there. One at a time makes those
 * of a name; others wait, and find them. Errors: those of `makeParams`.
 */
export async function makeStoredParams(
  proofs: Proofs,
  scheduler: Scheduler,
  directory: string,
  circuit: MadeCircuit,
  seed: string,
  options: MakeOptions = {},
): Promise<ParamsRecord> {
  const name = localParamsName(circuit.name, seed);
  const there = await wholeParams(proofs, directory, name);
  if (there !== null) return there;
  const release = await takeName(directory, name, options);
  try {
    // Until the name was taken another process may have made them.
    const ended = await wholeParams(proofs, directory, name);
    return ended ?? (await makeUnderName(proofs, scheduler, directory, circuit, seed, options));
  } finally {
    await release();
  }
}

/** The record of parameters that are whole; the file of their verifying key is there then. */
async function wholeParams(proofs: Proofs, directory: string, name: string): Promise<ParamsRecord | null> {
  const made = await readParamsRecord(directory, name);
  if (made === null || (await platform.fileSize(paramsPaths(directory, name).params)) !== made.size) return null;
  await mendVerifyingKey(proofs, directory, made);
  return made;
}

/** For whoever has taken the name. */
async function makeUnderName(
  proofs: Proofs,
  scheduler: Scheduler,
  directory: string,
  circuit: MadeCircuit,
  seed: string,
  options: MakeOptions,
): Promise<ParamsRecord> {
  const name = localParamsName(circuit.name, seed);
  const paths = paramsPaths(directory, name);
  const journal = pathOf(directory, name, "journal");
  const sink = fileSink(paths.params, journal);
  await makeParams(scheduler, circuit.source, circuit.counts, setupOf(seed), sink, options);
  const { verifyingKey, size } = await openParams({ file: paths.params });
  await platform.replaceFile(paths.verifyingKey, verifyingKey);
  const record: ParamsRecord = {
    format: 1,
    name,
    circuit: circuit.name,
    setup: setupId(seed),
    warning: LOCAL_WARNING,
    counts: circuit.counts,
    size,
    digest: await contentDigest(proofs, { file: paths.params }, options),
    verifyingKeyDigest: await contentDigest(proofs, { bytes: verifyingKey }),
  };
  await platform.replaceFile(pathOf(directory, name, "json"), utf8(`${JSON.stringify(record, null, 2)}\n`));
  await platform.removeFile(journal);
  return record;
}

/** Seconds of one multiple in G1 and in G2 on this machine, timed in a fraction of a second. */
function multipleSeconds(proofs: Proofs, clock: () => number): readonly [number, number] {
  const { exports, instance } = proofs;
  const count = 512;
  const setup = setupOf("an estimate");
  const time = (group: 1 | 2): number => {
    const bytes = (group === 1 ? exports.g1TableBytes() : exports.g2TableBytes()) >>> 0;
    const encoded = 96 * group;
    return proofs.with(bytes + count * (32 + encoded), (table) => {
      const [scalars, out] = [table + bytes, table + bytes + 32 * count];
      instance.write(out, group === 1 ? setup.g1 : setup.g2);
      (group === 1 ? exports.g1FillTable : exports.g2FillTable)(table, out);
      for (let i = 0; i < count; i++) instance.write(scalars + 32 * i, setup.numbers.tau);
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3; round++) {
        const start = clock();
        (group === 1 ? exports.g1Multiples : exports.g2Multiples)(table, scalars, count, out);
        best = Math.min(best, clock() - start);
      }
      return best / 1000 / count;
    });
  };
  return [time(1), time(2)];
}

/** Seconds and bytes that making parameters will take at most, with `workers` threads that have a core each. */
export function estimateParams(
  proofs: Proofs,
  counts: Counts,
  dense: { readonly a: number; readonly b: number },
  workers: number,
  clock: () => number = () => performance.now(),
): { readonly seconds: number; readonly bytes: number } {
  const [g1, g2] = multipleSeconds(proofs, clock);
  const bits = Math.ceil(Math.log2(counts.rows));
  const inG1 = counts.inputs + 2 ** bits + counts.aux + dense.a + dense.b;
  const bytes = 888 + 96 * inG1 + 192 * dense.b;
  // The circuit is evaluated once for each range of its variables.
  const evaluations = Math.ceil((counts.inputs + counts.aux) / RANGE_VARIABLES);
  return { seconds: (inG1 * g1 + dense.b * g2) / workers + evaluations * counts.rows * ROW_SECONDS, bytes };
}

/** Evaluating one row of a circuit, measured: it is little beside the multiples. */
const ROW_SECONDS = 4e-6;
