/** Running one job on the thread it is called on; workers call this, and so may anyone without workers. */
import { platform } from "#platform";
import { loadProofs, type Proofs } from "../core/proofs.ts";
import { sectorParams } from "../sector/params.ts";
import { PieceHasher } from "../sector/piece/pieces.ts";
import { proveSectorPoSt } from "../sector/post/post-proof.ts";
import type { SealOptions } from "../sector/seal/kit.ts";
import { PAGING_MEMORY_BYTES } from "../sector/seal/paging-plan.ts";
import { writeParents } from "../sector/seal/parent-cache.ts";
import { provePoRep } from "../sector/seal/porep-proof.ts";
import {
  columnWindows,
  MAX_SEALED_BYTES,
  replicaWindows,
  sealLayers,
  sealSector,
  unsealRange,
} from "../sector/seal/seal.ts";
import { MemorySectorStore, UNSEALED_FILE, updateStore } from "../sector/store.ts";
import { proveUpdate, type UpdateStores, updateSector } from "../sector/update/update.ts";
import { directoryStore } from "./directory-store.ts";
import type { CommitSliceJob, Job, JobKind, JobTable, OnProgress, ResultOf, SealInMemoryJob, Source } from "./jobs.ts";
import { JobError } from "./jobs.ts";
import { SNARK_PERFORMERS } from "./snark/perform.ts";

/** Bytes read from a file or blob at a time. */
const READ_BYTES = 8 * 127 * 8192;

/** Pages (64 KiB) that small jobs' shared instance may have: 256 MiB. */
const SHARED_PAGES = 4096;
/** Sectors from here on are labelled in an instance of their own, whose memory goes with it. */
const LARGE_SECTOR_BYTES = 32 * 1024 * 1024;

let loading: Promise<Proofs> | null = null;

/** The thread's own instance of the proof module, loaded once; every job leaves it clean. */
function sharedModule(): Promise<Proofs> {
  loading ??= loadProofs({ maxPages: SHARED_PAGES });
  loading.catch(() => {
    loading = null;
  });
  return loading;
}

/** The instance to label a sector in: labels take twice its size or what paging allows itself, and some windows. */
function moduleFor(sectorBytes: number): Promise<Proofs> {
  if (sectorBytes < LARGE_SECTOR_BYTES) return sharedModule();
  const labelBytes = sectorBytes > MAX_SEALED_BYTES ? PAGING_MEMORY_BYTES : 2 * sectorBytes;
  return loadProofs({ maxPages: Math.ceil(labelBytes / 65536) + SHARED_PAGES });
}

type Performers = { [Kind in JobKind]: (job: JobTable[Kind]["job"], report: OnProgress) => Promise<unknown> };

const PERFORMERS: Performers = {
  ...SNARK_PERFORMERS,
  "commit-slice": commitSlice,
  "seal-in-memory": sealInMemory,
  "parent-windows": async ({ directory, graph, range }, onProgress) =>
    writeParents(await sharedModule(), directoryStore(directory), graph, range, { onProgress }),
  "seal-layers": async ({ directory, identity, parents }, onProgress) => {
    const proofs = await moduleFor(identity.proof.sectorBytes);
    return sealLayers(proofs, directoryStore(directory), identity, optionsOf(onProgress, parents));
  },
  "tree-c-windows": async ({ directory, sectorBytes, range }, onProgress) =>
    columnWindows(await sharedModule(), directoryStore(directory), sectorParams(sectorBytes), range, { onProgress }),
  "replica-windows": async ({ directory, sectorBytes, range }, onProgress) =>
    replicaWindows(await sharedModule(), directoryStore(directory), sectorParams(sectorBytes), range, { onProgress }),
  "unseal-range": async ({ directory, identity, commD, from, length, parents }, onProgress) => {
    const proofs = await moduleFor(identity.proof.sectorBytes);
    const options = optionsOf(onProgress, parents);
    return unsealRange(proofs, directoryStore(directory), { identity, commD, from, length, ...options });
  },
  "prove-porep": async ({ directory, identity, sealed, seed, partition }) =>
    provePoRep(await sharedModule(), directoryStore(directory), { identity, sealed, seed, partition }),
  "update-replica": async ({ directory, sectorBytes, commROld }, onProgress) =>
    updateSector(await sharedModule(), { ...bothReplicas(directory, sectorBytes), commROld, onProgress }),
  "prove-update": async ({ directory, sectorBytes, commRNew, partition }) =>
    proveUpdate(await sharedModule(), { ...bothReplicas(directory, sectorBytes), commRNew, partition }),
  "prove-post": async ({ directory, isUpdate, sectorBytes, sector, challenges }) => {
    const store = isUpdate === true ? updateStore(directoryStore(directory)) : directoryStore(directory);
    return proveSectorPoSt(await sharedModule(), sectorParams(sectorBytes), { ...sector, store }, challenges);
  },
};

/** A sector's first replica and what an update makes of it. */
function bothReplicas(directory: string, sectorBytes: number): UpdateStores {
  const old = directoryStore(directory);
  return { params: sectorParams(sectorBytes), old, next: updateStore(old) };
}

function optionsOf(onProgress: OnProgress, parents: string | undefined): SealOptions {
  return parents === undefined ? { onProgress } : { onProgress, parents: directoryStore(parents) };
}

/** Runs a job. Throws what the job's functions throw, and `UNKNOWN_JOB`. */
export async function perform<J extends Job>(job: J, report: OnProgress = () => undefined): Promise<ResultOf<J>> {
  const performer = PERFORMERS[job.kind] as ((job: J, report: OnProgress) => Promise<unknown>) | undefined;
  if (performer === undefined) throw new JobError({ code: "UNKNOWN_JOB", kind: job.kind }, `unknown job ${job.kind}`);
  return (await performer(job, report)) as ResultOf<J>;
}

async function commitSlice(job: CommitSliceJob, report: OnProgress): Promise<unknown> {
  const hasher = new PieceHasher(await sharedModule());
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

async function sealInMemory({ identity, unsealed }: SealInMemoryJob, onProgress: OnProgress): Promise<unknown> {
  const store = new MemorySectorStore();
  await store.write(UNSEALED_FILE, 0, unsealed);
  const options: SealOptions = { onProgress };
  const sealed = await sealSector(await moduleFor(identity.proof.sectorBytes), store, identity, options);
  return { sealed, files: store.files };
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
