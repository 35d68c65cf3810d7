/** A miner's sectors on a chain of the tests' own, sealed for real in memory. */
import { loadProofs, type Proofs } from "../../src/core/proofs.ts";
import type { SectorFolder } from "../../src/miner/folders/folder.ts";
import { SectorFolders } from "../../src/miner/folders/folders.ts";
import { MemoryFolder } from "../../src/miner/folders/memory-folder.ts";
import { type MachineOptions, SectorMachine } from "../../src/miner/sealing/machine.ts";
import { type RecordStore, SectorRecords } from "../../src/miner/sealing/records.ts";
import { UpdateWork } from "../../src/miner/sealing/update-work.ts";
import { SealingWork } from "../../src/miner/sealing/work.ts";
import { inThisThread } from "../../src/proving/in-thread.ts";
import { PriorityScheduler } from "../../src/proving/priorities.ts";
import { proverId } from "../../src/sector/params.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { TestChain } from "./sealing-chain.ts";

export const MINER = 1000n;
export const CHALLENGE_DELAY = 10;

export type Sealing = {
  readonly proofs: Proofs;
  readonly chain: TestChain;
  readonly store: RecordStore;
  readonly folders: SectorFolders;
  readonly records: SectorRecords;
  readonly work: SealingWork;
  readonly machine: SectorMachine;
};

/** Opens a machine over what is given, or over new things. */
export async function openSealing(
  given: Partial<Pick<Sealing, "chain" | "store" | "folders" | "work">> & {
    readonly folder?: SectorFolder;
    readonly options?: Partial<MachineOptions>;
  } = {},
): Promise<Sealing> {
  const proofs = await loadProofs();
  const chain = given.chain ?? new TestChain();
  const store = given.store ?? new MemoryStore();
  const folders = given.folders ?? new SectorFolders([given.folder ?? new MemoryFolder()]);
  const jobs = new PriorityScheduler(inThisThread());
  const work = given.work ?? new SealingWork(proofs, jobs, async () => new Uint8Array(192));
  const updates = new UpdateWork(proofs, jobs, async () => new Uint8Array(192));
  const records = await SectorRecords.open(store, MINER, Date.now);
  const machine = new SectorMachine({
    chain,
    records,
    folders,
    work,
    updates,
    miner: MINER,
    proverId: proverId(MINER),
    challengeDelay: CHALLENGE_DELAY,
    dealsDelay: 60_000,
    startBuffer: 480,
    sealProof: 0,
    retryMs: 1,
    now: Date.now,
    ...given.options,
  });
  return { proofs, chain, store, folders, records, work, machine };
}
