/** Running one job on the thread it is called on; workers call this, and so may anyone without workers. */
import { platform } from "#platform";
import type { PieceExports } from "../core/pieces.ts";
import { PieceHasher } from "../core/pieces.ts";
import { ProofModule } from "../core/proof-module.ts";
import type { CommitSliceJob, Job, JobKind, JobTable, OnProgress, ResultOf, Source } from "./jobs.ts";
import { JobError } from "./jobs.ts";

type Exports = PieceExports;

/** Bytes read from a file or blob at a time. */
const READ_BYTES = 8 * 127 * 8192;

let loading: Promise<ProofModule<Exports>> | null = null;

/** The thread's own instance of the proof module, loaded once; every job leaves it clean. */
function module(): Promise<ProofModule<Exports>> {
  loading ??= ProofModule.load<Exports>();
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

type Performers = { [Kind in JobKind]: (job: JobTable[Kind]["job"], report: OnProgress) => Promise<unknown> };

const PERFORMERS: Performers = { "commit-slice": commitSlice };

/** Runs a job. Throws what the job's functions throw, and `UNKNOWN_JOB`. */
export async function perform<J extends Job>(job: J, report: OnProgress = () => undefined): Promise<ResultOf<J>> {
  const performer = PERFORMERS[job.kind] as ((job: J, report: OnProgress) => Promise<unknown>) | undefined;
  if (performer === undefined) throw new JobError({ code: "UNKNOWN_JOB", kind: job.kind }, `unknown job ${job.kind}`);
  return (await performer(job, report)) as ResultOf<J>;
}

async function commitSlice(job: CommitSliceJob, report: OnProgress): Promise<unknown> {
  const hasher = new PieceHasher(await module());
  try {
    const total = "bytes" in job.source ? job.source.bytes.length : job.source.length;
    for await (const bytes of readSource(job.source)) {
      hasher.update(bytes);
      report({ phase: "commit", done: hasher.payloadSize, total });
    }
    return hasher.digest();
  } finally {
    hasher.discard();
  }
}

async function* readSource(source: Source): AsyncGenerator<Uint8Array> {
  if ("bytes" in source) {
    yield source.bytes;
    return;
  }
  const { from, length } = source;
  for (let at = 0; at < length; at += READ_BYTES) {
    const wanted = Math.min(READ_BYTES, length - at);
    const bytes =
      "file" in source
        ? await platform.readRange(source.file, from + at, wanted)
        : new Uint8Array(await source.blob.slice(from + at, from + at + wanted).arrayBuffer());
    if (bytes.length !== wanted)
      throw new JobError(
        { code: "SHORT_SOURCE", wanted: length, found: at + bytes.length },
        `the source ended after ${at + bytes.length} of ${length} bytes`,
      );
    yield bytes;
  }
}
