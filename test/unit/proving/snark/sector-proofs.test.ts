/** From a vanilla proof to the circuit's witness: which circuit, which openings, and what is never handed on. */
import { expect, test } from "vitest";
import { loadProofs } from "../../../../src/core/proofs.ts";
import type { Job } from "../../../../src/proving/jobs.ts";
import type { Scheduler } from "../../../../src/proving/scheduler.ts";
import type { ParamsFile } from "../../../../src/proving/snark/params-file.ts";
import { snarkPoRep, snarkUpdate } from "../../../../src/proving/snark/sector-proofs.ts";
import { sectorParams } from "../../../../src/sector/params.ts";
import { stagePieces } from "../../../../src/sector/piece/stage.ts";
import { provePoRep } from "../../../../src/sector/seal/porep-proof.ts";
import { MemorySectorStore } from "../../../../src/sector/store.ts";
import { proveUpdate, updateSector } from "../../../../src/sector/update/update.ts";
import fixture from "../../../fixtures/proofs/circuits.json" with { type: "json" };
import { sealCircuitSector, witnessOfPoRep, witnessOfUpdate } from "../../proofs/circuits.ts";
import { prng } from "../../proofs/fixture.ts";

const proofs = await loadProofs();
const sealedAgain = await sealCircuitSector(proofs, fixture.sectors[0] as (typeof fixture.sectors)[0]);
const { identity, store, sealed } = sealedAgain;
const params = {} as ParamsFile;

/** Takes down what is asked for, and ends at the witness. */
function listening(): { readonly scheduler: Scheduler; readonly asked: Job[] } {
  const asked: Job[] = [];
  const run = (async (job: Job) => {
    asked.push(job);
    if (job.kind !== "circuit-shape") throw new Error("enough");
    return { inputs: 1, aux: 0, rows: 1, aAux: new Uint8Array(0), bAux: new Uint8Array(0), bInputs: new Uint8Array(1) };
  }) as Scheduler["run"];
  return { asked, scheduler: { size: 1, isLocal: true, run, runAll: async () => [] } };
}

async function askedFor(work: (scheduler: Scheduler) => Promise<unknown>): Promise<unknown> {
  const { scheduler, asked } = listening();
  await expect(work(scheduler)).rejects.toThrow("enough");
  return asked.at(-1);
}

test("an update goes to its circuit with the openings of its partition", async () => {
  const { newDataSeed } = fixture.witnesses["update-2048"];
  const next = new MemorySectorStore();
  await stagePieces(proofs, next, sectorParams(2048), [{ payloadSize: 2032, bytes: [prng(newDataSeed, 2032)] }]);
  const commROld = sealed.commR;
  const shape = sectorParams(2048);
  const { commDNew, commRNew } = await updateSector(proofs, { params: shape, old: store, next, commROld });
  const partition = await proveUpdate(proofs, { params: shape, old: store, next, commRNew, partition: 0 });
  const statement = { commROld, commDNew, commRNew };
  const request = { sectorBytes: 2048, statement, partitions: [partition], params };
  expect(await askedFor((scheduler) => snarkUpdate(proofs, scheduler, request))).toEqual({
    kind: "circuit-witness",
    circuit: "update-2048",
    openings: { bytes: await witnessOfUpdate(proofs, sealedAgain, newDataSeed) },
  });
  // There is one partition only.
  const more = { ...request, partitions: [partition, partition] };
  await expect(snarkUpdate(proofs, listening().scheduler, more)).rejects.toThrow(/no partition 1/);
});

test("a PoRep goes to its circuit; a non-interactive one is an aggregate, which is refused", async () => {
  const { seedSeed } = fixture.witnesses["porep-2048"];
  const partition = await provePoRep(proofs, store, { identity, sealed, seed: prng(seedSeed, 32), partition: 0 });
  const request = { proof: identity.proof, sealed, partitions: [partition], params };
  expect(await askedFor((scheduler) => snarkPoRep(proofs, scheduler, request))).toEqual({
    kind: "circuit-witness",
    circuit: "porep-2048",
    openings: { bytes: await witnessOfPoRep(proofs, sealedAgain, seedSeed) },
  });
  const other = { ...identity.proof, feature: "non-interactive" as const };
  await expect(snarkPoRep(proofs, listening().scheduler, { ...request, proof: other })).rejects.toThrow(/aggregate/);
});
