/**
 * Keys and proofs of winning and window PoSt of 2 KiB sectors, by one worker, in CPU time. The key is made in memory. PoRep and
 * updates take minutes: `npm run test:proving` prints their figures.
 */
import process from "node:process";
import {
  inThisThread,
  loadProofs,
  MemorySectorStore,
  makeLocalParams,
  provePoSt,
  proverId,
  sealProof,
  sectorParams,
  snarkPoSt,
} from "../dist/proofs.js";
import { sealSector } from "../dist/sector/seal/seal.js";
import { UNSEALED_FILE } from "../dist/sector/store.js";

export const title = "Proofs of spacetime as Groth16";

const cpuSeconds = async (work) => {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return [(user + system) / 1e6, result];
};

export async function facts() {
  const proofs = await loadProofs();
  const scheduler = inThisThread();
  const params = sectorParams(2048);
  const sectors = [];
  for (const sectorNumber of [1, 2]) {
    const store = new MemorySectorStore();
    await store.write(UNSEALED_FILE, 0, new Uint8Array(2048).fill(sectorNumber, 0, 31));
    const identity = { proof: sealProof(5), proverId: proverId(1000n), sectorNumber, ticket: new Uint8Array(32) };
    const { commR } = await sealSector(proofs, store, identity);
    sectors.push({ sectorNumber, commR, store });
  }
  const found = [];
  for (const [kind, proved, aim] of [
    ["window", sectors, 2],
    ["winning", sectors.slice(0, 1), 6],
  ]) {
    const circuit = `${kind}-2048`;
    const [making, key] = await cpuSeconds(() => makeLocalParams(scheduler, { circuit, seed: "a bench" }));
    const times = [];
    for (let round = 0; round < 4; round++) {
      const [seconds] = await cpuSeconds(async () => {
        const statement = { params, kind, randomness: new Uint8Array(32).fill(round) };
        const partitions = await provePoSt(proofs, { ...statement, sectors: proved });
        return snarkPoSt(proofs, scheduler, { sectorBytes: 2048, kind, sectors: proved, partitions, params: key });
      });
      times.push(seconds);
    }
    // The first proof counts the circuit and compiles.
    const best = times.slice(1).sort((a, b) => a - b);
    found.push(
      { name: `${kind} PoSt of 2 KiB, openings and SNARK, one worker`, value: best[1], unit: "s of CPU", most: aim },
      { name: `its key, one worker (${(key.size / 1e6).toFixed(0)} MB)`, value: making, unit: "s of CPU" },
    );
  }
  return found;
}
