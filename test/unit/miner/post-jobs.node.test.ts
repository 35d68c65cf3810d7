/** Proofs of spacetime of sectors in directories, as jobs of the miners' workers. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { sealGenesisSectorIn } from "../../../src/miner/genesis-seal.ts";
import type { HeldMiner, OwnSector } from "../../../src/miner/own-sectors.ts";
import { PostProver } from "../../../src/miner/post-prover.ts";
import { UpdateWork } from "../../../src/miner/sealing/update-work.ts";
import type { ProvedPost } from "../../../src/miner/succinct.ts";
import { directoryStore } from "../../../src/proving/directory-store.ts";
import { inThisThread } from "../../../src/proving/in-thread.ts";
import type { Job } from "../../../src/proving/jobs.ts";
import { JobError } from "../../../src/proving/jobs.ts";
import { MinerWorkers } from "../../../src/proving/miner-workers.ts";
import { PriorityScheduler } from "../../../src/proving/priorities.ts";
import type { Scheduler } from "../../../src/proving/scheduler.ts";
import { sealProof, sectorParams } from "../../../src/sector/params.ts";
import { sealedCid } from "../../../src/sector/piece/cid.ts";
import { P_AUX_FILE, SEALED_FILE, UNSEALED_FILE, updateStore } from "../../../src/sector/store.ts";
import { updateSector } from "../../../src/sector/update/update.ts";
import { Address } from "../../../src/types/address.ts";

const COUNT = 3;
const RANDOM = new Uint8Array(32).fill(7);
/** Network version whose window PoSt is made. */
const VERSION = 22;
let root: string;
let proofs: Proofs;
let miner: HeldMiner;

const directoryOf = (number: number): string => path.join(root, `s-${number}`);
const sectorOf = (number: number): OwnSector => miner.sectors.get(number) as OwnSector;

async function filesOf(directory: string): Promise<Map<string, Uint8Array>> {
  const names = await readdir(directory);
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, new Uint8Array(await readFile(path.join(directory, name)))] as const),
    ),
  );
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "filigree-post-jobs-"));
  proofs = await loadProofs();
  miner = { address: Address.id(1000n), sectorBytes: 2048, sectors: new Map() };
  for (let number = 0; number < COUNT; number++) {
    const spec = { seed: "post jobs", miner: 1000n, number, proof: 0 };
    const store = directoryStore(directoryOf(number));
    const sector = await sealGenesisSectorIn(store, proofs, spec);
    miner.sectors.set(number, { ...sector, directory: async () => directoryOf(number) });
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A prover whose proofs are looked at; `run` does its jobs, null: it has no workers. */
function prover(run: ((job: Job, inner: Scheduler) => Promise<unknown>) | null) {
  const made: ProvedPost[] = [];
  const ran: string[] = [];
  const inner = inThisThread();
  const scheduler = {
    ...inner,
    run: (job: Job) => {
      ran.push(job.kind === "prove-post" ? `${job.sector.sectorNumber}` : job.kind);
      return run?.(job, inner);
    },
  } as Scheduler;
  const jobs = run === null ? null : new PriorityScheduler(scheduler);
  const succinct = async (proved: ProvedPost) => {
    made.push(proved);
    return new Uint8Array(192);
  };
  return { made, ran, prover: new PostProver(proofs, succinct, () => jobs) };
}
/** None of these sectors was updated: nobody has to know which replica counts. */
const known = () => Promise.reject(new Error("not asked for"));
const asTold = (job: Job, inner: Scheduler): Promise<unknown> => inner.run(job);

test("the same proof as in this thread, one job for each sector", async () => {
  const [here, there] = [prover(null), prover(asTold)];
  for (const one of [here, there]) {
    await one.prover.window(miner, RANDOM, [0, 1, 2], VERSION, known);
    await one.prover.winning(miner, RANDOM, 1, (miner.sectors.get(1) as OwnSector).sealedCid);
  }
  expect(there.ran).toEqual(["0", "1", "2", "1"]);
  expect(there.made.map(({ partitions }) => partitions)).toEqual(here.made.map(({ partitions }) => partitions));
  expect(there.made[0]?.partitions.length).toBe(2);
});

test("of a sector that is being updated the replica is proven that the chain has, here and by jobs", async () => {
  const [old, params] = [sectorOf(1), sectorParams(2048)];
  const next = updateStore(old.store);
  await next.write(UNSEALED_FILE, 0, new Uint8Array(2048).fill(5));
  const { commDNew, commRNew } = await updateSector(proofs, { params, old: old.store, next, commROld: old.commR });
  const work = new UpdateWork(proofs, new PriorityScheduler(inThisThread()), async () => new Uint8Array(192));
  const files = { store: old.store, directory: directoryOf(1) };
  const { signal } = new AbortController();
  const commitments = { commROld: old.commR, commDNew };
  expect((await work.update(files, 2048, commitments, signal)).commRNew).toEqual(commRNew);
  const wrong = { ...commitments, commDNew: old.commR };
  await expect(work.update(files, 2048, wrong, signal)).rejects.toMatchObject({ data: { code: "FILES" } });
  const proof = await work.prove(files, sealProof(0), { ...commitments, commRNew }, signal);
  expect(proof).toHaveLength(192);
  const updated = { commR: commRNew, sealedCid: sealedCid(commRNew), store: next, isUpdate: true };
  const both = { ...old, updated: { ...updated, directory: async () => directoryOf(1) } };
  const held = { ...miner, sectors: new Map([[1, both] as const]) };
  const replicas = [null, old.sealedCid, updated.sealedCid, old.sealedCid];
  const wanted = [old, old, updated, old].map(({ commR }) => commR);
  const proven: unknown[] = [];
  for (const run of [null, asTold]) {
    const one = prover(run);
    for (const sealed of replicas) await one.prover.window(held, RANDOM, [1], VERSION, async () => sealed);
    await one.prover.winning(held, RANDOM, 1, updated.sealedCid);
    expect(one.made.map(({ sectors }) => sectors[0]?.commR)).toEqual([...wanted, commRNew]);
    proven.push(one.made.map(({ partitions }) => partitions));
  }
  expect(proven[1]).toEqual(proven[0]);
  // One of them is lost: what the chain has decides whether that matters.
  await next.remove(SEALED_FILE);
  const { prover: there } = prover(asTold);
  expect(await there.failing(held, [1], 1, async () => old.sealedCid)).toEqual([]);
  expect(await there.failing(held, [1], 1, async () => updated.sealedCid)).toEqual([1]);
  for (const name of await readdir(directoryOf(1)))
    if (name.startsWith("update-")) await rm(path.join(directoryOf(1), name));
});

test("what fails is named, wherever its files are read", async () => {
  const { prover: there, ran } = prover(asTold);
  const hidden = { ...sectorOf(0), directory: async () => null };
  const absent = { ...sectorOf(1), directory: async () => directoryOf(99) };
  const changed = directoryStore(directoryOf(2));
  const sealed = await changed.read(SEALED_FILE, 0, 2048);
  await changed.write(
    SEALED_FILE,
    0,
    sealed.map((byte) => byte ^ 1),
  );
  const faulty = { ...miner, sectors: new Map([...miner.sectors, [0, hidden] as const, [1, absent] as const]) };
  await expect(there.window(faulty, RANDOM, [0, 1, 2, 5], VERSION, known)).rejects.toMatchObject({
    data: { code: "FAULTY_SECTORS", sectors: [1, 2, 5] },
  });
  expect(ran).toEqual(["1", "2"]);
  expect(await there.failing(faulty, [0, 1, 2], 1, known)).toEqual([1, 2]);
  await changed.write(SEALED_FILE, 0, sealed);
});

test("a file that was cut, exchanged, or is of another sector: its sector alone is named, here and by jobs", async () => {
  const damages: readonly (readonly [string, (files: Map<string, Uint8Array>) => void])[] = [
    ["cut", (files) => void files.set(SEALED_FILE, (files.get(SEALED_FILE) as Uint8Array).subarray(0, 1000))],
    ["empty", (files) => void files.set(SEALED_FILE, new Uint8Array(0))],
    ["another sector's", (files) => void files.set(SEALED_FILE, others.get(SEALED_FILE) as Uint8Array)],
    ["all of another sector", (files) => void [...others].forEach(([name, bytes]) => void files.set(name, bytes))],
    ["exchanged", (files) => void files.set(P_AUX_FILE, others.get(P_AUX_FILE) as Uint8Array)],
  ];
  const others = await filesOf(directoryOf(1));
  for (const [name, damage] of damages) {
    const files = await filesOf(directoryOf(0));
    damage(files);
    const directory = path.join(root, name);
    await mkdir(directory);
    for (const [file, bytes] of files) await writeFile(path.join(directory, file), bytes);
    const sector = { ...sectorOf(0), store: directoryStore(directory), directory: async () => directory };
    const held = { ...miner, sectors: new Map([...miner.sectors, [0, sector] as const]) };
    for (const one of [prover(null), prover(asTold)]) {
      await expect(one.prover.window(held, RANDOM, [0, 1, 2], VERSION, known), name).rejects.toMatchObject({
        data: { code: "FAULTY_SECTORS", sectors: [0] },
      });
      await one.prover.window(held, RANDOM, [1, 2], VERSION, known);
      expect(one.made).toHaveLength(1);
    }
  }
});

test("workers that die leave the proof to this thread; other failures of theirs are told", async () => {
  const dead = prover(async () => {
    throw new JobError({ code: "WORKER_LOST", attempts: 3 }, "its workers died");
  });
  await dead.prover.window(miner, RANDOM, [0, 1], VERSION, known);
  expect(dead.made).toHaveLength(1);
  const broken = prover(async () => {
    throw new JobError({ code: "UNKNOWN_JOB", kind: "prove-post" }, "unknown job");
  });
  await expect(broken.prover.window(miner, RANDOM, [0], VERSION, known)).rejects.toThrow("unknown job");
});

test("the pool begins with a job of a larger sector, and ends with the last part that uses it", async () => {
  const small = new MinerWorkers(2048, () => {
    throw new Error("small sectors need no workers");
  });
  const releaseSmall = small.lease();
  expect(small.forPosts()).toBeNull();
  await releaseSmall();

  const opened: number[] = [];
  let closed = 0;
  const workers = new MinerWorkers(8 << 20, (size) => {
    opened.push(size);
    return { ...inThisThread(), close: async () => void closed++ };
  });
  const job = {
    kind: "prove-post",
    directory: directoryOf(0),
    sectorBytes: 2048,
    sector: { sectorNumber: 0, commR: sectorOf(0).commR },
    challenges: [1],
  } as const;
  expect(workers.forPosts()).toBeNull();
  await expect(workers.jobs.at("seal").run(job)).rejects.toMatchObject({ data: { code: "WORKER_LOST" } });
  const [first, second] = [workers.lease(), workers.lease()];
  expect(opened).toEqual([]);
  expect((await workers.forPosts()?.at("window").run(job))?.sectorNumber).toBe(0);
  expect(opened).toHaveLength(1);
  await first();
  await first();
  expect([closed, workers.forPosts() === null]).toEqual([0, false]);
  await second();
  expect([closed, workers.forPosts()]).toEqual([1, null]);
});
