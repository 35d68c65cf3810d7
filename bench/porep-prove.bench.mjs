/**
 * A proof of replication of a 2 KiB sector as Groth16, by two workers, by the clock, and the most memory of this process, in which
 * both workers are. The key (1.1 GB) is made here, in minutes, unless FILIGREE_PARAMS has it. The second proof has its vectors in
 * files, with 128 MiB of them in memory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import {
  loadProofs,
  MemorySectorStore,
  makeLocalParams,
  ProvingPool,
  provePoRep,
  proverId,
  sealProof,
  snarkPoRep,
} from "../dist/proofs.js";
import { sealSector } from "../dist/sector/seal/seal.js";
import { UNSEALED_FILE } from "../dist/sector/store.js";

export const title = "A proof of replication as Groth16";

const MIB = 2 ** 20;

/** Most MiB resident at a time while `work` runs, looked at ten times a second; the system's own figure is of the whole life. */
async function watched(work) {
  let most = 0;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss() / MIB);
  };
  const timer = setInterval(look, 100);
  const [start, before] = [performance.now(), process.cpuUsage()];
  try {
    const result = await work();
    look();
    const { user, system } = process.cpuUsage(before);
    return { result, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, most };
  } finally {
    clearInterval(timer);
  }
}

export async function facts() {
  const made = mkdtempSync(path.join(tmpdir(), "filigree-"));
  const folder = process.env.FILIGREE_PARAMS ?? made;
  const proofs = await loadProofs();
  const pool = ProvingPool.open(2);
  try {
    const params = await makeLocalParams(pool, { circuit: "porep-2048", seed: "filigree devnet", folder });
    const store = new MemorySectorStore();
    await store.write(UNSEALED_FILE, 0, new Uint8Array(2048).fill(7, 0, 31));
    const proof = sealProof(5);
    const identity = { proof, proverId: proverId(1000n), sectorNumber: 1, ticket: new Uint8Array(32) };
    const sealed = await sealSector(proofs, store, identity);
    const partition = await provePoRep(proofs, store, {
      identity,
      sealed,
      seed: new Uint8Array(32).fill(1),
      partition: 0,
    });
    const request = { proof, sealed, partitions: [partition], params };
    const blinding = { r: new Uint8Array(32).fill(2, 0, 31), s: new Uint8Array(32).fill(3, 0, 31) };
    const paged = { blinding, scratch: made, memoryBytes: 128 * MIB };
    const inFiles = await watched(() => snarkPoRep(proofs, pool, request, paged));
    const inMemory = await watched(() => snarkPoRep(proofs, pool, request, { blinding }));
    if (Buffer.compare(Buffer.from(inFiles.result), Buffer.from(inMemory.result)) !== 0)
      throw new Error("the proof depends on where its vectors lie");
    return [
      { name: "PoRep of 2 KiB, two workers, by the clock", value: inMemory.seconds, unit: "s", most: 240 },
      { name: "its CPU time", value: inMemory.cpu, unit: "s" },
      { name: "its memory, process and both workers", value: inMemory.most, unit: "MiB", most: 2 * 1536 },
      { name: "vectors in files, by the clock", value: inFiles.seconds, unit: "s" },
      { name: "its CPU time", value: inFiles.cpu, unit: "s" },
      { name: "its memory, process and both workers", value: inFiles.most, unit: "MiB" },
    ];
  } finally {
    await pool.close();
    rmSync(made, { recursive: true });
  }
}
