/**
 * A page of Chromium that seals a 2 KiB sector and makes and verifies a winning PoSt of it in its workers, as Groth16: how long
 * the page's own thread is busy meanwhile. The key (47 MB) is made here, unless FILIGREE_PARAMS has it, and read by ranges of a
 * `Blob`. What the page proved is verified here, too.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import {
  loadProofs,
  makeLocalParams,
  ProvingPool,
  readVerifyingKey,
  sectorParams,
  verifyPoStProof,
} from "../dist/proofs.js";
import { onPage, traced, WATCH } from "./support-page.mjs";

export const title = "A page that proves a winning PoSt";

const PAGE = `<!doctype html><title>prove</title><script type="module">
import {
  loadProofs, MemorySectorStore, openParams, provePoSt, proverId, ProvingPool, readVerifyingKey, sealProof, sectorParams,
  snarkPoSt, verifyPoStProof,
} from "/dist/proofs.js";
${WATCH}
const proofs = await loadProofs();
const pool = ProvingPool.open();
const blob = await (await fetch("/winning.params")).blob();
const params = await openParams({ blob });
const entropy = crypto.getRandomValues(new Uint8Array(32));
const turn = () => new Promise((done) => setTimeout(done, 0));
window.prove = () => watched(async () => {
  const identity = { proof: sealProof(5), proverId: proverId(1000n), sectorNumber: 7, ticket: new Uint8Array(32).fill(3) };
  const { sealed, files } = await pool.run({ kind: "seal-in-memory", identity, unsealed: new Uint8Array(2048) });
  const store = new MemorySectorStore();
  for (const [name, bytes] of files) await store.write(name, 0, bytes);
  const { commR } = sealed;
  const statement = { params: sectorParams(2048), kind: "winning", randomness: new Uint8Array(32).fill(9) };
  await turn();
  const partitions = await provePoSt(proofs, { ...statement, sectors: [{ sectorNumber: 7, commR, store }] });
  await turn();
  const sectors = [{ sectorNumber: 7, commR }];
  const started = performance.now();
  const proof = await snarkPoSt(proofs, pool, { sectorBytes: 2048, kind: "winning", sectors, partitions, params });
  const seconds = (performance.now() - started) / 1000;
  await turn();
  const key = readVerifyingKey(proofs, params.verifyingKey);
  await turn();
  const verdict = verifyPoStProof(proofs, { ...statement, sectors, key, proof, entropy });
  return { verdict, seconds, proof: [...proof], commR: [...commR] };
});
window.workers = pool.size;
window.ready = true;
</script>`;

export async function facts() {
  const made = process.env.FILIGREE_PARAMS === undefined ? mkdtempSync(path.join(tmpdir(), "filigree-")) : null;
  const folder = process.env.FILIGREE_PARAMS ?? made;
  const pool = ProvingPool.open();
  try {
    const params = await makeLocalParams(pool, { circuit: "winning-2048", seed: "filigree devnet", folder });
    const found = await onPage(PAGE, { "/winning.params": params.content.file }, async (page) => {
      // The first proof compiles and warms.
      await page.evaluate("window.prove()");
      const { result, ...task } = await traced(page, () => page.evaluate("window.prove()"));
      return { ...result, task, workers: await page.evaluate("window.workers") };
    });
    if (found === null) return [];
    const { verdict, seconds, proof, commR } = found.result;
    const proofs = await loadProofs();
    const here = verifyPoStProof(proofs, {
      key: readVerifyingKey(proofs, params.verifyingKey),
      ...{ params: sectorParams(2048), kind: "winning", randomness: new Uint8Array(32).fill(9) },
      sectors: [{ sectorNumber: 7, commR: Uint8Array.from(commR) }],
      ...{ proof: Uint8Array.from(proof), entropy: new Uint8Array(32).fill(1) },
    });
    if (verdict !== "VALID" || here !== "VALID") throw new Error(`the page's proof is ${verdict}, here ${here}`);
    return [
      { name: "longest task of the page's thread, its own part", value: found.task.ownMs, unit: "ms", most: 50 },
      { name: "longest by the clock (idle machine: 50)", value: found.task.wallMs, unit: "ms" },
      { name: "longest pause between two turns of its loop", value: found.pause, unit: "ms" },
      { name: "turns of its loop meanwhile", value: found.turns, unit: "turns" },
      { name: `a winning PoSt of 2 KiB, ${found.workers} workers`, value: seconds, unit: "s" },
      { name: "with sealing, openings and verification", value: found.ms / 1000, unit: "s" },
    ];
  } finally {
    await pool.close();
    if (made !== null) rmSync(made, { recursive: true });
  }
}
