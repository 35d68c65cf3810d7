import { describe, expect, test } from "vitest";
import { loadProofs } from "../../../src/core/proofs.ts";
import { estimateSeal } from "../../../src/proving/estimate.ts";
import { sectorParams } from "../../../src/sector/params.ts";
import { labelPaged } from "../../../src/sector/seal/paged-labels.ts";
import { planPaging, scratchBytes } from "../../../src/sector/seal/paging-plan.ts";
import { MemorySectorStore } from "../../../src/sector/store.ts";
import { fixture, prng } from "../proofs/fixture.ts";
import { caseOf, type FixtureSector, sealAgain } from "../proofs/sectors.ts";

const proofs = await loadProofs();
const GIB = 2 ** 30;

/** A clock that runs `ms` between any two looks. */
function clockOf(ms: number): () => number {
  let now = 0;
  return () => {
    now += ms;
    return now;
  };
}

describe("the estimate of a seal", () => {
  test("grows with the sector, the clock's rates and fewer workers", () => {
    const [slow, fast] = [32, 64].map((size) => estimateSeal(proofs, sectorParams(size * GIB), 1, clockOf(1)));
    if (slow === undefined || fast === undefined) throw new Error("no estimates");
    // At 1 ms for 1024 labels, 512 SHA-256 nodes, 64 columns, 64 nodes of tree C.
    expect(slow.labelSeconds).toBeCloseTo(2 ** 30 * ((11 * 2) / 1024 + 1 / 512) * 1e-3, 0);
    expect(slow.treeSeconds).toBeCloseTo((2 ** 30 / 64) * (1 + 2 / 7) * 1e-3, 0);
    expect(fast.labelSeconds / slow.labelSeconds).toBeCloseTo(2);
    const twice = estimateSeal(proofs, sectorParams(32 * GIB), 4, clockOf(2));
    expect(twice.labelSeconds / slow.labelSeconds).toBeCloseTo(2);
    expect(twice.treeSeconds / slow.treeSeconds).toBeCloseTo(0.5);
  });

  test("kept bytes are those of a sealed sector's files", async () => {
    const sector = (await fixture<FixtureSector[]>("porep-shapes.json")).at(-1)!;
    const one = caseOf(sector);
    const { store } = await sealAgain(
      proofs,
      one,
      sector.dataSeed,
      sector.pieces.map(({ unpadded }) => unpadded),
    );
    const bytes = [...store.files.values()].reduce((sum, file) => sum + file.length, 0);
    const { keptBytes } = estimateSeal(proofs, one.params, 1, clockOf(1));
    expect(keptBytes / bytes).toBeGreaterThan(0.97);
    expect(keptBytes / bytes).toBeLessThan(1.03);
  });

  test("scratch bytes are not less than those of the scratch files, nor twice as many", async () => {
    let peak = 0;
    const store = new (class extends MemorySectorStore {
      override async write(name: string, from: number, bytes: Uint8Array): Promise<void> {
        await super.write(name, from, bytes);
        const scratch = [...this.files].filter(([file]) => file.endsWith(".tmp"));
        peak = Math.max(
          peak,
          scratch.reduce((sum, [, file]) => sum + file.length, 0),
        );
      }
    })();
    const params = { ...sectorParams(2048), nodes: 2 ** 15, sectorBytes: 2 ** 20 };
    const paging = { windowNodes: 2 ** 9 };
    const identity = { replicaId: prng(1, 32), porepId: prng(2, 32), legacy: false };
    await labelPaged(proofs, store, params, identity, { paging });
    const expected = scratchBytes(planPaging(params, paging));
    expect(peak).toBeLessThanOrEqual(expected);
    expect(peak).toBeGreaterThan(expected / 2);
  });

  test("a 32 GiB sector is labelled in the memory it is given", () => {
    for (const size of [32, 64]) {
      const { slotBytes, window, windows, baseCapacity } = planPaging(sectorParams(size * GIB));
      expect(window * windows).toBe(size * 2 ** 25);
      expect(slotBytes + window * (3.5 * 32 + 56) + windows * baseCapacity * 36).toBeLessThan(384 * 2 ** 20);
      expect(baseCapacity).toBeGreaterThan(256);
    }
  });
});
