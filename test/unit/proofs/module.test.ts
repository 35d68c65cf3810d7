/** Memory of the proof module: blocks of any size come and go without the instance growing. */
import { expect, test } from "vitest";
import { compileModule } from "../../../src/core/load.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { sha256Of } from "../../../src/sector/kernel.ts";
import { PieceHasher } from "../../../src/sector/piece/pieces.ts";

const MIB = 1 << 20;

test("requests of ever new sizes take no more than the largest", async () => {
  const module = await loadProofs();
  module.with(8 * MIB, () => undefined);
  const before = module.instance.memoryBytes;
  for (let i = 1; i <= 200; i++) module.with(4 * MIB + 16 * i, (at) => module.instance.write(at, new Uint8Array(16)));
  for (let i = 0; i < 300; i++) sha256Of(module, new Uint8Array(1000 * i));
  expect(module.instance.memoryBytes).toBe(before);
});

test("blocks given back out of order are used again, and none twice at once", async () => {
  const module = await loadProofs();
  const held = new Map<number, number>();
  let random = 12345;
  let largest = 0;
  for (let i = 0; i < 4000; i++) {
    random = (Math.imul(random, 1103515245) + 12345) >>> 0;
    const addresses = [...held.keys()];
    if (held.size < 8 && random % 3 !== 0) {
      const bytes = ((random >>> 8) % 64) * 1024 + 32;
      const at = module.take(bytes);
      for (const [other, length] of held) expect(at + bytes <= other || other + length <= at).toBe(true);
      held.set(at, bytes);
    } else if (addresses.length > 0) {
      const at = addresses[(random >>> 8) % addresses.length] as number;
      module.give(at, held.get(at) as number);
      held.delete(at);
    }
    largest = Math.max(largest, module.instance.memoryBytes);
  }
  expect(largest).toBeLessThan(16 * MIB);
});

test("a stream of pieces that are begun, left and ended leaves the memory as it was", async () => {
  const module = await loadProofs();
  const first = new PieceHasher(module);
  new PieceHasher(module).update(new Uint8Array(5)).digest();
  const before = module.instance.memoryBytes;
  for (let i = 0; i < 50; i++) {
    const hasher = new PieceHasher(module).update(new Uint8Array(100 * i));
    if (i % 2 === 0) hasher.digest();
    hasher.discard();
  }
  first.discard();
  expect(module.instance.memoryBytes).toBe(before);
});

test("impossible sizes and memory that runs out are faults that leave the module usable", async () => {
  const module = await loadProofs({ maxPages: 64 });
  for (const bytes of [2 ** 31, 2 ** 32 + 64, Number.NaN, -1, 1.5, 16 * MIB])
    expect(() => module.take(bytes)).toThrowError(expect.objectContaining({ code: "MEMORY_LIMIT" }));
  expect(sha256Of(module, new Uint8Array(3)).length).toBe(32);
  const at = module.take(64);
  module.give(at, 64);
  expect(() => module.give(at, 64)).toThrow(RangeError);
  expect(() => module.give(at + 16, 64)).toThrow(RangeError);
});

test("a module that is not the proof module is refused by the names that it lacks", async () => {
  const loading = loadProofs({ source: await compileModule("crypto.wasm") });
  await expect(loading).rejects.toMatchObject({ data: { code: "LINK_FAILED" }, message: /lacks allocate, release/ });
});
