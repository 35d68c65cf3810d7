/**
 * Making a parameter file from a setup, by windows over a scheduler, straight into its place.
 *
 * One job evaluates the circuit at the secret point; then every window of every query is a job. A journal beside the file notes the
 * windows that were written, each with its checksum, so that work which was interrupted goes on: windows whose bytes are still
 * those that were noted are not made again. The same setup and circuit give the same bytes on every runtime, however many workers.
 */
import { blake2b } from "@noble/hashes/blake2.js";
import { concat, equal, fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import type { ProvingOptions } from "../ranges.ts";
import type { Scheduler } from "../scheduler.ts";
import { type CircuitName, type Counts, domainBits } from "./circuit.ts";
import type { KeyNumbers, MultiplesJob, Numbers } from "./jobs.ts";
import { ELEMENT_BYTES, type Group, pointBytes } from "./kernel.ts";
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

export type MakeOptions = ProvingOptions & {
  /** Points of a job, at most 2^14; for tests. */
  readonly windowPoints?: number;
};

/** A run of the file: `count` multiples of a generator. */
type Piece = { readonly from: number; readonly group: Group; readonly numbers: Numbers };

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

function scalarsOf(numbers: Numbers): number {
  return "bytes" in numbers ? numbers.bytes.length / ELEMENT_BYTES : numbers.count;
}

/** Cuts a query's numbers into windows. */
function* cut(from: number, group: Group, numbers: Numbers, window: number): Generator<Piece> {
  const total = scalarsOf(numbers);
  for (let first = 0; first < total; first += window) {
    const count = Math.min(window, total - first);
    const part: Numbers =
      "bytes" in numbers
        ? { bytes: numbers.bytes.subarray(first * ELEMENT_BYTES, (first + count) * ELEMENT_BYTES) }
        : { ...numbers, first: numbers.first + first, count };
    yield { from: from + first * pointBytes(group), group, numbers: part };
  }
}

function u32BytesBE(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

/** The file's pieces and its counts' bytes. */
function layout(key: KeyNumbers, setup: Setup, rows: number, window: number) {
  const one = (number: Uint8Array): Numbers => ({ bytes: number });
  const { alpha, beta, gamma, delta, tau } = setup.numbers;
  const heads: (readonly [number, Group, Uint8Array])[] = [
    [0, 1, alpha],
    [96, 1, beta],
    [192, 2, beta],
    [384, 2, gamma],
    [576, 1, delta],
    [672, 2, delta],
  ];
  const pieces: Piece[] = heads.map(([from, group, number]) => ({ from, group, numbers: one(number) }));
  const counted: (readonly [number, Uint8Array])[] = [];
  let at = 864;
  const query = (group: Group, numbers: Numbers): void => {
    const count = scalarsOf(numbers);
    counted.push([at, u32BytesBE(count)]);
    pieces.push(...cut(at + 4, group, numbers, window));
    at += 4 + count * pointBytes(group);
  };
  query(1, one(key.ic));
  query(1, { base: tau, factor: key.hFactor, first: 0, count: 2 ** domainBits(rows) - 1 });
  query(1, one(key.l));
  query(1, one(key.a));
  query(1, one(key.b));
  query(2, one(key.b));
  return { pieces, counted, size: at };
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
  return toHex(blake2b(bytes, { dkLen: 16 }));
}

/** Makes the parameters of a circuit. Returns the file's size. Errors: those of `keyNumbers`, of jobs and of the sink, the signal's reason. */
export async function makeParams(
  scheduler: Scheduler,
  circuit: CircuitName,
  counts: Counts,
  setup: Setup,
  sink: ParamsSink,
  { signal, onProgress, windowPoints = WINDOW_POINTS }: MakeOptions = {},
): Promise<number> {
  const limits = signal === undefined ? {} : { signal };
  const report = onProgress === undefined ? limits : { ...limits, onProgress };
  const key = await scheduler.run({ kind: "key-numbers", circuit, setup: setup.numbers }, report);
  const { pieces, counted, size } = layout(key, setup, counts.rows, windowPoints);
  // What a journal must begin with to be about these bytes.
  const head = utf8(
    `filigree parameters 1 ${checksum(concat(key.ic, key.l.subarray(0, 4096), key.hFactor))} ${size}\n`,
  );
  let journal = await sink.readJournal();
  const fresh = journal.length < head.length || !equal(journal.subarray(0, head.length), head);
  if (fresh) journal = head;
  // A line that was cut in the middle is overwritten by the next.
  const complete = fresh ? head.length : journal.lastIndexOf(10) + 1;
  const there = fresh ? new Set<string>() : await written(sink, fromUtf8(journal.subarray(0, complete)));
  let journalAt = complete;
  if (fresh) await sink.appendJournal(0, head);
  for (const [at, bytes] of counted) await sink.write(at, bytes);
  const open = pieces.filter(
    (piece) => !there.has(`${piece.from} ${scalarsOf(piece.numbers) * pointBytes(piece.group)}`),
  );
  const total = pieces.reduce((sum, piece) => sum + scalarsOf(piece.numbers), 0);
  let done = total - open.reduce((sum, piece) => sum + scalarsOf(piece.numbers), 0);
  onProgress?.({ phase: "multiples", done, total });
  function* jobs(): Generator<MultiplesJob> {
    for (const { group, numbers } of open)
      yield { kind: "key-multiples", group, point: group === 1 ? setup.g1 : setup.g2, numbers };
  }
  // Windows are written one after the other, so that the journal's lines do not mix. One that cannot be written ends the rest.
  const failed = new AbortController();
  let writing: Promise<void> = Promise.resolve();
  try {
    await scheduler.runAll(jobs(), {
      signal: signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]),
      onResult: (index, bytes) => {
        const { from, numbers } = open[index] as Piece;
        writing = writing.then(async () => {
          await sink.write(from, bytes);
          const line = utf8(`${from} ${bytes.length} ${checksum(bytes)}\n`);
          await sink.appendJournal(journalAt, line);
          journalAt += line.length;
          done += scalarsOf(numbers);
          onProgress?.({ phase: "multiples", done, total });
        });
        writing.catch((error: unknown) => failed.abort(error));
      },
    });
  } finally {
    // Also after an interruption: what was made stays made, and nothing is written any more once this has ended.
    await writing;
  }
  return size;
}
