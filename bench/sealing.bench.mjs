/**
 * One sector of 8 MiB through the machine that miners seal with, from nothing to proven, in a folder on a disk: time and the most
 * memory of each state, work done in this thread as on a local network. The chain is a stand-in that passes epochs at once.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { loadProofs } from "../dist/core/proofs.js";
import { DiskFolder } from "../dist/miner/folders/disk-folder.js";
import { SectorFolders } from "../dist/miner/folders/folders.js";
import { SectorMachine } from "../dist/miner/sealing/machine.js";
import { SectorRecords } from "../dist/miner/sealing/records.js";
import { SealingWork } from "../dist/miner/sealing/work.js";
import { inThisThread } from "../dist/proving/in-thread.js";
import { PriorityScheduler } from "../dist/proving/priorities.js";
import { proverId, sectorParams } from "../dist/sector/params.js";
import { provePoSt } from "../dist/sector/post/post-proof.js";
import { MemoryStore } from "../dist/storage/memory.js";

export const title = "Sealing 8 MiB, state by state";

const SEAL_PROOF = 1;
const SECTOR_BYTES = 8 << 20;
const MINER = 1000n;
const SAMPLE_MS = 20;

/** A chain on which every message is executed as it is sent. */
class QuickChain {
  epoch = 1000;
  listeners = new Set();
  preCommits = new Map();
  sectors = new Map();
  keys = new Set();

  head = async () => ({ epoch: this.epoch, networkVersion: 5 });
  onHeadChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  need(epoch) {
    this.epoch = Math.max(this.epoch, epoch);
    setTimeout(() => this.listeners.forEach((listener) => void listener()), 0);
  }
  ticket = async () => new Uint8Array(32).fill(1);
  seed = async () => new Uint8Array(32).fill(2);
  preCommit = async (sector) => this.preCommits.get(sector) ?? null;
  sector = async (sector) => this.sectors.get(sector) ?? null;
  isAllocated = async () => false;
  conditions = async (sectors) => new Map(sectors.map((sector) => [sector, "healthy"]));
  sent = async (key) => (this.keys.has(key) ? key : null);
  async sendPreCommit(key, { number, sealedCid, expiration }) {
    this.keys.add(key);
    this.preCommits.set(number, { epoch: this.epoch, sealedCid, deposit: 0n, expiration });
    return key;
  }
  async sendProveCommit(key, sector) {
    this.keys.add(key);
    const { sealedCid, expiration } = this.preCommits.get(sector);
    this.sectors.set(sector, { activation: this.epoch, expiration, sealedCid });
    return key;
  }
  sendTermination = async (key) => key;
  executed = async () => ({ exitCode: 0, epoch: this.epoch });
}

export async function facts() {
  const root = await mkdtemp(path.join(tmpdir(), "filigree-bench-"));
  const folder = await DiskFolder.open(path.join(root, "sectors"), { create: true });
  const folders = new SectorFolders([folder]);
  const proofs = await loadProofs();
  const steps = [];
  let most = 0;
  const sample = () => {
    most = Math.max(most, process.memoryUsage().rss);
  };
  const sampler = setInterval(sample, SAMPLE_MS);
  let since = performance.now();
  let state = null;
  let finish;
  const done = new Promise((resolve, reject) => {
    finish = { resolve, reject };
  });
  const machine = new SectorMachine({
    chain: new QuickChain(),
    records: await SectorRecords.open(new MemoryStore(), MINER, Date.now),
    ...{ folders, miner: MINER, proverId: proverId(MINER), sealProof: SEAL_PROOF, now: Date.now },
    work: new SealingWork(proofs, new PriorityScheduler(inThisThread()), async () => new Uint8Array(192)),
    ...{ challengeDelay: 10, dealsDelay: 60_000, startBuffer: 480, retryMs: 1 },
    onState(record) {
      sample();
      const now = performance.now();
      if (state !== null) steps.push({ state, ms: now - since, mib: most / 2 ** 20 });
      [state, since, most] = [record.state, now, 0];
      if (record.state === "Proving") finish.resolve(record);
      else if (record.error !== null) finish.reject(new Error(`${record.state}: ${record.error.text}`));
    },
  });
  try {
    machine.start();
    await machine.pledge();
    const { number, sealed } = await done;
    const { store } = await folders.files({ miner: MINER, number }, folder.id);
    const begun = performance.now();
    await provePoSt(proofs, {
      ...{ params: sectorParams(SECTOR_BYTES), kind: "window-legacy", randomness: new Uint8Array(32) },
      sectors: [{ sectorNumber: number, commR: sealed.commR, store }],
    });
    steps.push({
      state: "window PoSt, vanilla",
      ms: performance.now() - begun,
      mib: process.memoryUsage().rss / 2 ** 20,
    });
  } finally {
    clearInterval(sampler);
    await machine.stop();
    await folders.close();
    await rm(root, { recursive: true, force: true });
  }
  return steps.flatMap(({ state: name, ms, mib }) => [
    { name, value: ms, unit: "ms" },
    { name: `${name}: memory of the process`, value: mib, unit: "MiB" },
  ]);
}
