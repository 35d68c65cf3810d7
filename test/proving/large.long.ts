/**
 * Proofs of large circuits of 2 KiB sectors, by two workers, with keys made here: bellperson made the same bytes with the same
 * key file, r and s, and what it made verifies. Keys take minutes and up to 1.1 GB each; FILIGREE_PARAMS keeps them. Each proof is
 * a test of its own and tells its end at once, so that after a cut `-t "porep-2048 proof 2"` goes on where it was.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/base/bytes.ts";
import { loadProofs } from "../../src/core/proofs.ts";
import { ProvingPool } from "../../src/proving/pool.ts";
import { makeLocalParams } from "../../src/proving/snark/local-params.ts";
import { proveOpenings } from "../../src/proving/snark/official.ts";
import type { ParamsFile } from "../../src/proving/snark/params-file.ts";
import { contentDigest } from "../../src/proving/snark/params-store.ts";
import { readVerifyingKey } from "../../src/sector/snark/groth16.ts";
import fixture from "../fixtures/proofs/circuit-proofs-large.json" with { type: "json" };
import { type WitnessCase, witnessBytes } from "../unit/proofs/circuit-witness.ts";

const MIB = 2 ** 20;
const WORKERS = Number(process.env["FILIGREE_WORKERS"] ?? "2");
const module = await loadProofs();
let folder: string;
let pool: ProvingPool;

beforeAll(async () => {
  folder = process.env["FILIGREE_PARAMS"] ?? (await mkdtemp(path.join(tmpdir(), "filigree-large-")));
  pool = ProvingPool.open(WORKERS);
});
afterAll(async () => {
  await pool.close();
  if (process.env["FILIGREE_PARAMS"] === undefined) await rm(folder, { recursive: true });
});

const seconds = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const taken = `${((performance.now() - start) / 1000).toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU`;
  const most = `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB resident at most`;
  process.stdout.write(`${what}: ${taken}, ${WORKERS} workers, ${most}\n`);
  return result;
};

for (const circuit of Object.keys(fixture) as (WitnessCase & keyof typeof fixture)[]) {
  const official = fixture[circuit];
  describe(circuit, () => {
    let params: ParamsFile;
    let openings: Uint8Array;
    beforeAll(async () => {
      params = await seconds(`${circuit}, key`, () => makeLocalParams(pool, { circuit, seed: official.seed, folder }));
      openings = await witnessBytes(circuit);
    });

    test("the key is the one that bellperson had", async () => {
      expect(params.size).toBe(official.paramsBytes);
      expect(await contentDigest(module, params.content)).toBe(official.paramsDigest);
    });

    test.each(official.proofs.map((one, i) => ({ ...one, number: i + 1 })))(
      "proof $number is bellperson's, byte by byte",
      async ({ r, s, proof, number }) => {
        const options = { blinding: { r: fromHex(r), s: fromHex(s) }, memoryBytes: 1536 * MIB };
        const made = await seconds(`${circuit}, proof ${number}`, () =>
          proveOpenings(module, pool, { circuit, params, openings }, options),
        );
        const equal = toHex(made) === proof;
        process.stdout.write(`${circuit}, proof ${number}: ${equal ? "equal to bellperson's" : "NOT bellperson's"}\n`);
        expect(toHex(made)).toBe(proof);
      },
    );

    test("bellperson's proof verifies, and no changed one", () => {
      const key = readVerifyingKey(module, params.verifyingKey);
      const inputs = official.inputs.map(fromHex);
      for (const { proof } of official.proofs) expect(key.verify(fromHex(proof), inputs)).toBe("VALID");
      const [first] = official.proofs as [(typeof official.proofs)[0]];
      const other = inputs.map((input, i) => (i === 1 ? (inputs[0] as Uint8Array) : input));
      expect(key.verify(fromHex(first.proof), other)).toBe("INVALID");
    });
  });
}
