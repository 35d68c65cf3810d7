/** Parameters in a folder: made, found again, taken up after an interruption, and refused when they were changed. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadProofs } from "../../../../src/core/proofs.ts";
import { inThisThread } from "../../../../src/proving/in-thread.ts";
import { ProvingPool } from "../../../../src/proving/pool.ts";
import type { Scheduler } from "../../../../src/proving/scheduler.ts";
import type { MultiplesJob } from "../../../../src/proving/snark/jobs.ts";
import {
  contentDigest,
  estimateParams,
  localParamsName,
  makeStoredParams,
  openStoredParams,
  readParamsRecord,
} from "../../../../src/proving/snark/params-store.ts";
import { countsOf, termsOf } from "../../../../src/proving/snark/r1cs.ts";
import { chainCircuit } from "./chain-circuit.ts";

const proofs = await loadProofs();
const folder = await mkdtemp(path.join(tmpdir(), "filigree-params-"));
afterAll(() => rm(folder, { recursive: true }));

const plain = chainCircuit(300);
/** So that queries are cut into several windows. */
const small = { windowPoints: 256 };
const counts = countsOf(plain);
const circuit = { name: "chain", counts, source: { kind: "plain", counts, terms: [termsOf(plain)] } } as const;
const name = localParamsName("chain", "seed");
const file = path.join(folder, `${name}.params`);

/** A scheduler that counts windows, and fails after `most` of them. */
function counting(most = Number.POSITIVE_INFINITY): { scheduler: Scheduler; made: () => number } {
  const inner = inThisThread();
  let count = 0;
  const scheduler: Scheduler = {
    ...inner,
    runAll: (jobs, options) => {
      function* counted(): Generator<never> {
        for (const job of jobs as Iterable<MultiplesJob>) {
          if (++count > most) throw new Error("cut off");
          yield job as never;
        }
      }
      return inner.runAll(counted(), options as never) as never;
    },
  };
  return { scheduler, made: () => count };
}

test("made, interrupted, taken up, found, and the same bytes from a pool", async () => {
  const cut = counting(9);
  await expect(makeStoredParams(proofs, cut.scheduler, folder, circuit, "seed", small)).rejects.toThrow("cut off");
  expect(await readParamsRecord(folder, name)).toBeNull();
  await expect(openStoredParams(proofs, folder, name)).rejects.toMatchObject({ data: { code: "PARAMS_MISSING" } });
  // A window that was damaged meanwhile, and a line of the journal that was cut.
  const damaged = await readFile(file);
  damaged[700] = (damaged[700] as number) ^ 1;
  await writeFile(file, damaged);
  const journal = path.join(folder, `${name}.journal`);
  await truncate(journal, (await readFile(journal)).length - 5);
  // And one of whose bytes is none of a text.
  const lines = await readFile(journal);
  lines[lines.indexOf(10) + 3] = 0xff;
  await writeFile(journal, lines);
  const rest = counting();
  const record = await makeStoredParams(proofs, rest.scheduler, folder, circuit, "seed", small);
  const all = counting();
  const other = path.join(folder, "other");
  const whole = await makeStoredParams(proofs, all.scheduler, other, circuit, "seed", small);
  expect(record).toEqual(whole);
  // Nine were made; one of them was damaged, and the lines of two.
  expect(rest.made()).toBe(all.made() - 6);
  expect((await readFile(file)).equals(await readFile(path.join(other, `${name}.params`)))).toBe(true);
  expect((await readdir(folder)).filter((entry) => entry.endsWith(".journal"))).toEqual([]);
  const again = counting();
  expect(await makeStoredParams(proofs, again.scheduler, folder, circuit, "seed", small)).toEqual(record);
  expect(again.made()).toBe(0);
  const pool = ProvingPool.open(2);
  try {
    expect(await makeStoredParams(proofs, pool, path.join(folder, "pool"), circuit, "seed", small)).toEqual(record);
  } finally {
    await pool.close();
  }
});

test("a key made by ranges goes on after an interruption; ranges that are whole are not evaluated again", async () => {
  const ranged = { ...small, rangeVariables: 320 };
  const ranges = Math.ceil((counts.inputs + counts.aux) / 320);
  expect(ranges).toBeGreaterThan(2);
  const evaluations = (inner: Scheduler): { scheduler: Scheduler; made: () => number } => {
    let made = 0;
    const run: Scheduler["run"] = (job, options) => {
      if (job.kind === "key-numbers") made++;
      return inner.run(job, options);
    };
    return { scheduler: { ...inner, run }, made: () => made };
  };
  const directory = path.join(folder, "ranges");
  const all = counting();
  const whole = await makeStoredParams(proofs, all.scheduler, path.join(folder, "at-once"), circuit, "seed", ranged);
  // What is missing at the end is in the last range.
  const cut = counting(all.made() - 1);
  await expect(makeStoredParams(proofs, cut.scheduler, directory, circuit, "seed", ranged)).rejects.toThrow("cut off");
  const rest = evaluations(inThisThread());
  expect(await makeStoredParams(proofs, rest.scheduler, directory, circuit, "seed", ranged)).toEqual(whole);
  expect(rest.made()).toBe(2);
  expect(whole.digest).toBe((await readParamsRecord(folder, name))?.digest);
});

test("opened after comparing the digest; a changed byte or length is refused", async () => {
  const params = await openStoredParams(proofs, folder, name);
  expect(params.queries.l.count).toBe(counts.aux);
  const good = await readFile(file);
  const changed = Buffer.from(good);
  changed[good.length - 1] = (changed[good.length - 1] as number) ^ 1;
  await writeFile(file, changed);
  await expect(openStoredParams(proofs, folder, name)).rejects.toMatchObject({ data: { code: "PARAMS_CHANGED" } });
  await writeFile(file, good.subarray(0, good.length - 96));
  await expect(openStoredParams(proofs, folder, name)).rejects.toMatchObject({ data: { code: "PARAMS_LENGTH" } });
  await writeFile(file, good);
  await openStoredParams(proofs, folder, name);
});

test("a verifying key's file that was changed, or is gone, is refused, and written again where keys are made", async () => {
  const file = path.join(folder, `${name}.vk`);
  const good = await readFile(file);
  const changed = Buffer.from(good);
  changed[100] = (changed[100] as number) ^ 1;
  for (const bad of [changed, good.subarray(1), null]) {
    await (bad === null ? rm(file) : writeFile(file, bad));
    await expect(openStoredParams(proofs, folder, name)).rejects.toMatchObject({
      data: { code: "PARAMS_CHANGED" },
      message: expect.stringContaining(`${name}.vk`),
    });
    const { scheduler, made } = counting();
    await makeStoredParams(proofs, scheduler, folder, circuit, "seed", small);
    expect([made(), (await readFile(file)).equals(good)]).toEqual([0, true]);
    await openStoredParams(proofs, folder, name);
  }
});

test("a record that was changed is refused by its name and with the next step, and what is made anew replaces it", async () => {
  const file = path.join(folder, `${name}.json`);
  const good = await readFile(file, "utf8");
  const { scheduler, made } = counting();
  for (const bad of [
    "",
    good.slice(0, 40),
    "null",
    "[]",
    good.replace("digest", "digset"),
    " ".repeat(70_000) + good,
  ]) {
    await writeFile(file, bad);
    const refused = { data: { code: "PARAMS_HEADER" }, message: expect.stringMatching(/json is no record.*remove it/) };
    await expect(readParamsRecord(folder, name)).rejects.toMatchObject(refused);
    await expect(makeStoredParams(proofs, scheduler, folder, circuit, "seed", small)).rejects.toMatchObject(refused);
  }
  await rm(file);
  const record = await makeStoredParams(proofs, scheduler, folder, circuit, "seed", small);
  expect(JSON.parse(good)).toEqual(record);
  expect(made()).toBeGreaterThan(0);
});

test("digests are those of the network's list: BLAKE2b-512, cut to 16 bytes", async () => {
  // BLAKE2b-512 of "abc", RFC 7693 appendix A.
  const digest = await contentDigest(proofs, { bytes: new TextEncoder().encode("abc") });
  expect(digest).toBe("ba80a53f981c4d0d6a2797b69f12f6e9");
});

test("an estimate bounds the size", async () => {
  const { bytes, seconds } = estimateParams(proofs, counts, { a: counts.aux, b: counts.aux }, 1);
  expect(bytes).toBeGreaterThanOrEqual((await readFile(file)).length);
  expect(seconds).toBeGreaterThan(0);
});

test("two who make one key at once: one makes it, the other waits, is told so, and finds it", async () => {
  const directory = path.join(folder, "at-once-by-two");
  const [first, second] = [counting(), counting()];
  const phases: string[] = [];
  const waiting = { ...small, onProgress: ({ phase }: { phase: string }) => void phases.push(phase) };
  const [one, other] = await Promise.all([
    makeStoredParams(proofs, first.scheduler, directory, circuit, "two", small),
    makeStoredParams(proofs, second.scheduler, directory, circuit, "two", waiting),
  ]);
  expect(one).toEqual(other);
  expect(Math.min(first.made(), second.made())).toBe(0);
  expect(Math.max(first.made(), second.made())).toBeGreaterThan(0);
  await openStoredParams(proofs, directory, localParamsName("chain", "two"));
  if (second.made() === 0) expect(phases).toContain("wait for who makes it");
});

test("who waits for a key can be ended, and whoever fails lets go of its name", async () => {
  const directory = path.join(folder, "given-up");
  const abort = new AbortController();
  let enter = (): void => {};
  const begun = new Promise<void>((resolve) => {
    enter = resolve;
  });
  let leave = (): void => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const inner = inThisThread();
  const held: Scheduler = {
    ...inner,
    runAll: async () => {
      enter();
      await left;
      throw new Error("cut off");
    },
  };
  const making = expect(makeStoredParams(proofs, held, directory, circuit, "held", small)).rejects.toThrow("cut off");
  await begun;
  const waiting = makeStoredParams(proofs, inner, directory, circuit, "held", {
    ...small,
    signal: abort.signal,
    onProgress: () => abort.abort(new Error("enough")),
  });
  await expect(waiting).rejects.toThrow("enough");
  leave();
  await making;
  await makeStoredParams(proofs, inner, directory, circuit, "held", small);
});
