/**
 * Making a parameter file from a setup, by windows over a scheduler, straight into its place.
 *
 * For each range of variables (all of them, but in the largest circuits) one job evaluates the circuit at the secret point; then
 * every window of every query is a job. A journal beside the file notes the
 * windows that were written, each with its checksum, so that work which was interrupted goes on: windows whose bytes are still
 * those that were noted are not made again. The same setup and circuit give the same bytes on every runtime, however many workers.
 */
import { concat, equal, toHex, utf8 } from "../../base/bytes.ts";
import { blake2b } from "../../base/digests.ts";
import { loadProofs } from "../../core/proofs.ts";
import type { ProvingOptions } from "../ranges.ts";
import type { Scheduler } from "../scheduler.ts";
import type { CircuitName, Counts } from "./circuit.ts";
import type { KeyNumbers, MultiplesJob, VariableRange } from "./jobs.ts";
import { pointBytes, SnarkError } from "./kernel.ts";
import { frameOf, type KeySizes, type Piece, piecesOf, rangesOf, shapeSizes, sizesOf } from "./key-layout.ts";
import { shapeBy } from "./official.ts";
import { shapeOf } from "./r1cs.ts";
import type { Setup } from "./setup.ts";

/** Where a file grows: written and read by ranges. Reading beyond the end gives fewer bytes. */
export type ParamsSink = {
  read(from: number, length: number): Promise<Uint8Array>;
  write(from: number, bytes: Uint8Array): Promise<void>;
  /** The journal as it was left, empty at first; lines are appended. */
  readJournal(): Promise<Uint8Array>;
  appendJournal(at: number, line: Uint8Array): Promise<void>;
};

/** Points of a job. */
const WINDOW_POINTS = 2 ** 14;
/** Variables of a range: of each, evaluation holds 152 bytes, and 128 more pass on. */
export const RANGE_VARIABLES = 2 ** 23;

export type MakeOptions = ProvingOptions & {
  /** Points of a job, at most 2^14; for tests. */
  readonly windowPoints?: number;
  /** Variables that are evaluated at a time, at most 2^23; for tests. */
  readonly rangeVariables?: number;
};

/** A sink in memory, for pages and tests. */
export function memorySink(): ParamsSink & { readonly bytes: () => Uint8Array } {
  let held = new Uint8Array(0);
  let journal = new Uint8Array(0);
  const put = (old: Uint8Array<ArrayBuffer>, from: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
    const grown = from + bytes.length > old.length ? new Uint8Array(from + bytes.length) : old;
    if (grown !== old) grown.set(old);
    grown.set(bytes, from);
    return grown;
  };
  return {
    read: async (from, length) => held.slice(from, from + length),
    write: async (from, bytes) => {
      held = put(held, from, bytes);
    },
    readJournal: async () => journal.slice(),
    appendJournal: async (at, line) => {
      journal = put(journal, at, line);
    },
    bytes: () => held,
  };
}

/** The windows that were written, noted line by line beside the file. */
class Journal {
  private readonly sink: ParamsSink;
  private at: number;
  private readonly there: ReadonlySet<string>;
  /** Windows are written one after the other, so that lines do not mix. */
  private writing: Promise<void> = Promise.resolve();

  private constructor(sink: ParamsSink, at: number, there: ReadonlySet<string>) {
    this.sink = sink;
    this.at = at;
    this.there = there;
  }

  /** Goes on with the journal whose head is this one, or begins it. */
  static async open(sink: ParamsSink, head: Uint8Array): Promise<Journal> {
    const found = await sink.readJournal();
    if (found.length < head.length || !equal(found.subarray(0, head.length), head)) {
      await sink.appendJournal(0, head);
      return new Journal(sink, head.length, new Set());
    }
    // A line that was cut in the middle is overwritten by the next; what is no text any more is no line, and its window is made again.
    const complete = found.lastIndexOf(10) + 1;
    return new Journal(sink, complete, await written(sink, new TextDecoder().decode(found.subarray(0, complete))));
  }

  has({ from, count, group }: Piece): boolean {
    return this.there.has(`${from} ${count * pointBytes(group)}`);
  }

  /** Writes a window, then its line; `onWritten` is called when both are there. */
  write(from: number, bytes: Uint8Array, onWritten: () => void): Promise<void> {
    this.writing = this.writing.then(async () => {
      await this.sink.write(from, bytes);
      const line = utf8(`${from} ${bytes.length} ${checksum(bytes)}\n`);
      await this.sink.appendJournal(this.at, line);
      this.at += line.length;
      onWritten();
    });
    return this.writing;
  }

  /** Resolves when nothing is being written any more. */
  settled(): Promise<void> {
    return this.writing;
  }
}

/** Windows that are there already, as "offset length": those of the journal's lines whose bytes are as they were noted. */
async function written(sink: ParamsSink, journal: string): Promise<Set<string>> {
  const good = new Set<string>();
  for (const line of journal.split("\n").slice(1)) {
    const match = /^(\d{1,15}) (\d{1,9}) ([0-9a-f]{32})$/.exec(line);
    if (match === null) continue;
    const [from, length] = [Number(match[1]), Number(match[2])];
    if (length > WINDOW_POINTS * 192) continue;
    const bytes = await sink.read(from, length);
    if (bytes.length === length && checksum(bytes) === match[3]) good.add(`${from} ${length}`);
  }
  return good;
}

function checksum(bytes: Uint8Array): string {
  return toHex(blake2b(bytes, 16));
}

/** What ranges will give, by where the circuit's variables occur. */
async function rangeSizes(
  scheduler: Scheduler,
  circuit: CircuitName,
  counts: Counts,
  ranges: readonly VariableRange[],
  signal?: AbortSignal,
): Promise<KeySizes[]> {
  const shape =
    circuit.kind === "official"
      ? await shapeBy(scheduler, circuit.name, signal)
      : shapeOf(await loadProofs(), counts, ...circuit.terms);
  return ranges.map((range) => shapeSizes(shape, range));
}

function checkSizes(found: KeySizes, expected: KeySizes): void {
  const wrong = (["ic", "l", "a", "b"] as const).find((query) => found[query] !== expected[query]);
  if (wrong === undefined) return;
  throw new SnarkError(
    { code: "BAD_TERMS", what: wrong },
    `a range gives ${found[wrong]} points of ${wrong}, by the circuit's rows ${expected[wrong]}: terms cancel one another`,
  );
}

/** Makes the parameters of a circuit. Returns the file's size. Errors: those of `keyNumbers`, of jobs and of the sink, the signal's reason. */
export async function makeParams(
  scheduler: Scheduler,
  circuit: CircuitName,
  counts: Counts,
  setup: Setup,
  sink: ParamsSink,
  options: MakeOptions = {},
): Promise<number> {
  const { signal, onProgress, windowPoints = WINDOW_POINTS, rangeVariables = RANGE_VARIABLES } = options;
  const limits = signal === undefined ? {} : { signal };
  const report = onProgress === undefined ? limits : { ...limits, onProgress };
  const evaluate = (variables: VariableRange): Promise<KeyNumbers> =>
    scheduler.run({ kind: "key-numbers", circuit, variables, setup: setup.numbers }, report);
  const ranges = rangesOf(counts, rangeVariables);
  let key = await evaluate(ranges[0] as VariableRange);
  const sizes = ranges.length === 1 ? [sizesOf(key)] : await rangeSizes(scheduler, circuit, counts, ranges, signal);
  const frame = frameOf(counts, sizes);
  // What a journal must begin with to be about these bytes.
  const about = checksum(concat(key.ic, key.l.subarray(0, 4096), key.hFactor));
  const journal = await Journal.open(sink, utf8(`filigree parameters 1 ${about} ${frame.size}\n`));
  for (const [at, bytes] of frame.counted) await sink.write(at, bytes);
  let done = 0;
  const advance = (points: number): void => {
    done += points;
    onProgress?.({ phase: "multiples", done, total: frame.points });
  };
  for (const [i, range] of ranges.entries()) {
    const pieces = piecesOf(frame, i, setup, windowPoints);
    const open = pieces.filter((piece) => !journal.has(piece));
    advance(pointsOf(pieces) - pointsOf(open));
    if (open.length === 0) continue;
    if (i > 0) key = await evaluate(range);
    checkSizes(sizesOf(key), sizes[i] as KeySizes);
    await makePieces(scheduler, open, key, setup, { journal, signal, onWritten: advance });
  }
  return frame.size;
}

const pointsOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { count }) => sum + count, 0);

/** Makes a range's windows. One that cannot be written ends the rest. */
async function makePieces(
  scheduler: Scheduler,
  pieces: readonly Piece[],
  key: KeyNumbers,
  setup: Setup,
  {
    journal,
    signal,
    onWritten,
  }: {
    readonly journal: Journal;
    readonly signal: AbortSignal | undefined;
    readonly onWritten: (points: number) => void;
  },
): Promise<void> {
  function* jobs(): Generator<MultiplesJob> {
    for (const { group, numbers } of pieces)
      yield { kind: "key-multiples", group, point: group === 1 ? setup.g1 : setup.g2, numbers: numbers(key) };
  }
  const failed = new AbortController();
  try {
    await scheduler.runAll(jobs(), {
      signal: signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]),
      onResult: (index, bytes) => {
        const { from, count } = pieces[index] as Piece;
        journal.write(from, bytes, () => onWritten(count)).catch((error: unknown) => failed.abort(error));
      },
    });
  } finally {
    // Also after an interruption: what was made stays made, and nothing is written any more once this has ended.
    await journal.settled();
  }
}
