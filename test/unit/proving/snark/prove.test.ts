/** Keys and proofs against bellperson's, byte by byte, and what must be refused. */

import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../../src/base/bytes.ts";
import { loadProofs } from "../../../../src/core/proofs.ts";
import { inThisThread } from "../../../../src/proving/in-thread.ts";
import type { PlainCircuit, Shape, Terms, Witness } from "../../../../src/proving/snark/circuit.ts";
import { makeParams, memorySink } from "../../../../src/proving/snark/make-params.ts";
import { openParams, type ParamsFile } from "../../../../src/proving/snark/params-file.ts";
import { proveWitness } from "../../../../src/proving/snark/prove.ts";
import { countsOf, shapeOf, termsOf, witnessOf } from "../../../../src/proving/snark/r1cs.ts";
import { type Setup, setupOf } from "../../../../src/proving/snark/setup.ts";
import { readVerifyingKey } from "../../../../src/sector/snark/groth16.ts";
import fixture from "../../../fixtures/proofs/groth16-prove.json" with { type: "json" };
import { chainCircuit } from "./chain-circuit.ts";

const module = await loadProofs();
const { setup: s } = fixture;
const setup: Setup = {
  numbers: {
    alpha: fromHex(s.alpha),
    beta: fromHex(s.beta),
    gamma: fromHex(s.gamma),
    delta: fromHex(s.delta),
    tau: fromHex(s.tau),
  },
  g1: fromHex(s.g1),
  g2: fromHex(s.g2),
};
const le = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

describe.each(fixture.circuits)("a circuit of $steps steps", ({ steps, size, sha256: digest, proofs, ...counts }) => {
  const plain = chainCircuit(steps);
  const terms: Terms = termsOf(plain);
  const circuit: PlainCircuit = { kind: "plain", counts: countsOf(plain), terms: [terms] };
  const scheduler = inThisThread();
  const sink = memorySink();
  let shape: Shape;
  let witness: Witness;
  let params: ParamsFile;

  beforeAll(async () => {
    await makeParams(scheduler, circuit, circuit.counts, setup, sink);
    shape = shapeOf(module, circuit.counts, terms);
    witness = witnessOf(module, circuit.counts, terms, plain.values);
    params = await openParams({ bytes: sink.bytes() });
  });

  test("the key is bellperson's for the same secrets", () => {
    expect(sink.bytes().length).toBe(size);
    expect(toHex(sha256(sink.bytes()))).toBe(digest);
    const { h, l, a, b_g1, b_g2 } = params.queries;
    expect({ h: h.count, l: l.count, a: a.count, b: b_g1.count }).toEqual(counts);
    expect(b_g2.count).toBe(counts.b);
  });

  test("it is the same by ranges of variables, whatever their length", async () => {
    const { inputs, aux } = circuit.counts;
    // Ranges that end among the inputs, and one that holds all but the last variable.
    for (const rangeVariables of steps < 100 ? [inputs + aux - 1, 3] : [Math.ceil(aux / 3)]) {
      const ranged = memorySink();
      const progress: number[] = [];
      await makeParams(scheduler, circuit, circuit.counts, setup, ranged, {
        rangeVariables,
        onProgress: ({ phase, done, total }) => phase === "multiples" && progress.push(done / total),
      });
      expect(toHex(sha256(ranged.bytes()))).toBe(digest);
      expect(progress).toEqual([...progress].sort((x, y) => x - y));
      expect(progress.at(-1)).toBe(1);
    }
  });

  test("proofs are bellperson's for the same r and s, whatever the windows", async () => {
    for (const [i, { r, s, proof }] of proofs.entries()) {
      const blinding = { r: le(BigInt(r)), s: le(BigInt(s)) };
      const windowPoints = [2 ** 17, 40, 1000][i] as number;
      const made = await proveWitness(module, scheduler, params, shape, witness, { blinding, windowPoints });
      expect(toHex(made)).toBe(proof);
    }
  });

  test("a proof with drawn r and s verifies and is no other's", async () => {
    const made = [1, 2].map(() => proveWitness(module, scheduler, params, shape, witness));
    const [one, two] = (await Promise.all(made)) as [Uint8Array, Uint8Array];
    expect(toHex(one)).not.toBe(toHex(two));
    const key = readVerifyingKey(module, params.verifyingKey);
    const inputs = plain.values.slice(1, plain.inputs).map(le);
    expect(key.verify(one, inputs)).toBe("VALID");
    expect(key.verify(one, [le(1n), ...inputs.slice(1)])).toBe("INVALID");
    key.release();
  });
});

async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("what is refused", () => {
  const plain = chainCircuit(20);
  const terms = termsOf(plain);
  const counts = countsOf(plain);
  const scheduler = inThisThread();
  const shape = shapeOf(module, counts, terms);
  const witness = witnessOf(module, counts, terms, plain.values);
  let file: Uint8Array;

  beforeAll(async () => {
    const sink = memorySink();
    await makeParams(scheduler, { kind: "plain", counts, terms: [terms] }, counts, setupOf("a test"), sink);
    file = sink.bytes();
  });

  const prove = async (bytes: Uint8Array, of: Witness = witness, form: Shape = shape, memoryBytes = 2 ** 30) =>
    proveWitness(module, scheduler, await openParams({ bytes }), form, of, { memoryBytes });

  test("a witness that does not satisfy, by the row and its name", async () => {
    const values = [...plain.values];
    values[10] = (values[10] as bigint) + 1n;
    const bad = witnessOf(module, counts, terms, values);
    const params = await openParams({ bytes: file });
    await expect(
      proveWitness(module, scheduler, params, shape, bad, { rowName: (row) => `step ${row}` }),
    ).rejects.toMatchObject({ data: { code: "UNSATISFIED", row: 5, where: "step 5" } });
  });

  test("a proof that fails leaves no job behind", async () => {
    let ended: unknown = null;
    const failing = {
      ...scheduler,
      // The quotient goes on until it is told to stop; the sums fail.
      run: (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            ended = signal.reason;
            reject(signal.reason);
          });
        }),
      runAll: async (jobs: AsyncIterable<{ kind: string }>, options: never) => {
        const all = await listOf(jobs);
        if (all[0]?.kind === "snark-sum") throw new Error("no sums");
        return scheduler.runAll(all as never, options);
      },
    };
    const params = await openParams({ bytes: file });
    await expect(proveWitness(module, failing as never, params, shape, witness)).rejects.toThrow("no sums");
    expect(String(ended)).toContain("no sums");
  });

  test("a quotient that fails ends the sums, and is what is told", async () => {
    let ended: unknown;
    const failing = {
      size: 1,
      run: () => Promise.reject(new Error("no quotient")),
      runAll: async (jobs: AsyncIterable<{ kind: string }>, options: { signal: AbortSignal }) => {
        const all = await listOf(jobs);
        if (all[0]?.kind !== "snark-sum") return scheduler.runAll(all as never, options as never);
        return new Promise((_, reject) => {
          const { signal } = options;
          const end = (): void => {
            ended = signal.reason;
            reject(signal.reason);
          };
          if (signal.aborted) end();
          else signal.addEventListener("abort", end);
        });
      },
    };
    const params = await openParams({ bytes: file });
    await expect(proveWitness(module, failing as never, params, shape, witness)).rejects.toThrow("no quotient");
    expect(String(ended)).toContain("no quotient");
  });

  test("each changed element of the witness makes no proof", async () => {
    for (const part of ["aux", "inputs", "a", "b", "c"] as const)
      for (const at of [0, 32, witness[part].length - 32]) {
        const bytes = witness[part].slice();
        bytes[at] = (bytes[at] as number) ^ 1;
        await expect(prove(file, { ...witness, [part]: bytes })).rejects.toMatchObject({
          data: { code: expect.stringMatching(/^(UNSATISFIED|PROOF_INVALID)$/) },
        });
      }
  });

  test("a file that was cut, goes on, or is another circuit's", async () => {
    for (const length of [0, 3, 867, 868, 1000, file.length - 1])
      await expect(prove(file.subarray(0, length))).rejects.toMatchObject({ data: { code: "PARAMS_LENGTH" } });
    const longer = new Uint8Array(file.length + 1);
    longer.set(file);
    await expect(prove(longer)).rejects.toMatchObject({ data: { code: "PARAMS_LENGTH" } });
    await expect(prove(file, witness, { ...shape, aux: shape.aux + 1 })).rejects.toMatchObject({
      data: { code: "WRONG_KEY", what: "l" },
    });
    await expect(prove(new Uint8Array(2000))).rejects.toMatchObject({ data: { code: "PARAMS_HEADER" } });
    const huge = file.slice();
    huge.fill(0xff, 864, 868);
    await expect(prove(huge)).rejects.toMatchObject({ data: { code: "PARAMS_HEADER" } });
  });

  test("a changed byte anywhere hands out no proof", async () => {
    const { queries } = await openParams({ bytes: file });
    const places = [5, 100, 200, 700, 900, ...Object.values(queries).map(({ from }) => from + 5)];
    for (const place of places) {
      const changed = file.slice();
      changed[place] = (changed[place] as number) ^ 1;
      const code = await prove(changed).then(
        () => "handed out",
        (error) => error.data.code,
      );
      expect(code, `byte ${place}`).toMatch(/^(PROOF_INVALID|PARAMS_POINT|BAD_KEY_POINT)$/);
    }
  });

  test("queries that were swapped", async () => {
    const { queries } = await openParams({ bytes: file });
    const swapped = file.slice();
    const [l, h] = [queries.l.from, queries.h.from];
    swapped.set(file.subarray(l, l + 960), h);
    swapped.set(file.subarray(h, h + 960), l);
    await expect(prove(swapped)).rejects.toMatchObject({ data: { code: "PROOF_INVALID" } });
  });

  test("a point with flags, beyond the modulus, or neutral", async () => {
    const { queries } = await openParams({ bytes: file });
    for (const first of [0x40, 0x80, 0x1b]) {
      const changed = file.slice();
      changed[queries.h.from + 96 * 3] = first;
      await expect(prove(changed)).rejects.toMatchObject({ data: { code: "PARAMS_POINT", query: "h", index: 3 } });
    }
  });

  test("more memory than is allowed", async () => {
    await expect(prove(file, witness, shape, 1000)).rejects.toMatchObject({ data: { code: "MEMORY_LIMIT" } });
  });

  test("a window that cannot be written ends the making of the rest", async () => {
    const circuit = { kind: "plain", counts, terms: [terms] } as const;
    let windows = 0;
    const counting = {
      ...scheduler,
      runAll: (jobs: Iterable<never>, options: never) => {
        function* counted(): Generator<never> {
          for (const job of jobs) {
            windows++;
            yield job;
          }
        }
        return scheduler.runAll(counted(), options);
      },
    };
    const make = (sink: ReturnType<typeof memorySink>) =>
      makeParams(counting as never, circuit, counts, setupOf("a test"), sink, { windowPoints: 1 });
    await make(memorySink());
    const all = windows;
    windows = 0;
    const full = {
      ...memorySink(),
      appendJournal: async (at: number) => at > 0 && Promise.reject(new Error("disk full")),
    };
    await expect(make(full as never)).rejects.toThrow("disk full");
    expect(windows).toBeLessThan(all / 2);
  });

  test("a range whose terms cancel one another has not the points that its rows say", async () => {
    const row = (...words: number[]): Terms => ({ rows: 1, bytes: new Uint8Array(Uint32Array.from(words).buffer) });
    const aux = 0x80000000;
    // 0 * 0 = x; (x - x) * 0 = 0, of which a key has no point; the constant's own row.
    const rows = [row(0, 0, 1, aux, 1), row(2, aux, 1, aux, 0xffffffff, 0, 0), row(1, 0, 1, 0, 0)];
    const cancelling = { kind: "plain", counts: { inputs: 1, aux: 1, rows: 3 }, terms: rows } as const;
    const made = (rangeVariables: number): Promise<number> =>
      makeParams(scheduler, cancelling, cancelling.counts, setupOf("a test"), memorySink(), { rangeVariables });
    expect(await made(2)).toBeGreaterThan(0);
    await expect(made(1)).rejects.toMatchObject({ data: { code: "BAD_TERMS", what: "a" } });
  });

  test("an auxiliary that occurs in no row has no key", async () => {
    const loose = { ...plain, aux: plain.aux + 1 };
    const one = termsOf(loose);
    const circuit = { kind: "plain", counts: countsOf(loose), terms: [one] } as const;
    await expect(makeParams(scheduler, circuit, circuit.counts, setupOf("a test"), memorySink())).rejects.toMatchObject(
      { data: { code: "UNCONSTRAINED", index: plain.aux } },
    );
  });
});
