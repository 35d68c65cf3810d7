import { describe, expect, test } from "vitest";
import { describeError, isFilError } from "../../../src/base/errors.ts";
import { CRYPTO_SIMD_WASM, CRYPTO_WASM } from "../../../src/core/assets/crypto.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { EngineFault } from "../../../src/core/errors.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule, useWasm } from "../../../src/core/load.ts";
import { chooseBuild } from "../../../src/core/simd.ts";

/** (module (import "env" "memory" (memory 1)) (func (export "grow") (param i32) (result i32) memory.grow)) */
const IMPORTS_MEMORY = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 6, 1, 96, 1, 127, 1, 127],
  ...[2, 15, 1, 3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2, 0, 1],
  ...[3, 2, 1, 0],
  ...[7, 8, 1, 4, 103, 114, 111, 119, 0, 0],
  ...[10, 8, 1, 6, 0, 32, 0, 64, 0, 11],
);

/** (module (import "env" "seed" (func (result f64))) (memory (export "memory") 1)) */
const IMPORTS_SEED = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 124],
  ...[2, 12, 1, 3, 101, 110, 118, 4, 115, 101, 101, 100, 0, 0],
  ...[5, 3, 1, 0, 1],
  ...[7, 10, 1, 6, 109, 101, 109, 111, 114, 121, 2, 0],
);

/** A module whose export "go" calls env.abort(12345, 0, 1, 2): at 12345 there is no text. */
const ABORTS_WITHOUT_TEXT = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 11, 2, 96, 4, 127, 127, 127, 127, 0, 96, 0, 0],
  ...[2, 13, 1, 3, 101, 110, 118, 5, 97, 98, 111, 114, 116, 0, 0],
  ...[3, 2, 1, 1],
  ...[5, 3, 1, 0, 1],
  ...[7, 15, 2, 6, 109, 101, 109, 111, 114, 121, 2, 0, 2, 103, 111, 0, 1],
  ...[10, 16, 1, 14, 0, 65, 185, 224, 0, 65, 0, 65, 1, 65, 2, 16, 0, 11],
);

const codeOf = async (promise: Promise<unknown>): Promise<string | null> =>
  promise.then(
    () => null,
    (error: unknown) => (error instanceof EngineFault ? error.code : "not a fault"),
  );

describe("loading a module", () => {
  test("an asset is compiled once", async () => {
    expect(await compileModule("crypto.wasm")).toBe(await compileModule("crypto.wasm"));
  });

  test("a missing asset is a fault that names it and keeps the cause", async () => {
    const error: unknown = await compileModule("no-such.wasm").catch((thrown: unknown) => thrown);
    expect(isFilError(error, "ASSET_MISSING")).toBe(true);
    expect((error as EngineFault).data).toEqual({ code: "ASSET_MISSING", asset: "no-such.wasm" });
    expect((error as EngineFault).cause).toBeDefined();
    expect(describeError(error)).toContain("no-such.wasm");
  });

  test("where only the build without SIMD is given, it is the one that is loaded", async () => {
    const [plain, simd] = [await compileModule("crypto.wasm"), await compileModule("crypto-simd.wasm")];
    const builds = { plain: CRYPTO_WASM, simd: CRYPTO_SIMD_WASM };
    try {
      for (const [files, name] of [
        [undefined, "crypto-simd.wasm"],
        [{ "crypto.wasm": plain }, "crypto.wasm"],
        [{ "crypto-simd.wasm": simd }, "crypto-simd.wasm"],
        [{ "crypto.wasm": plain, "crypto-simd.wasm": simd }, "crypto-simd.wasm"],
      ] as const) {
        useWasm(files === undefined ? {} : { files });
        expect(chooseBuild(builds).name).toBe(name);
      }
      expect(chooseBuild(builds, false).name).toBe("crypto.wasm");
    } finally {
      useWasm({});
    }
  });

  test("bytes that are no module are a fault", async () => {
    expect(await codeOf(compileModule("x", Uint8Array.of(1, 2, 3)))).toBe("COMPILE_FAILED");
  });

  test("a caller may bring the module compiled", async () => {
    const module = await compileModule("crypto.wasm");
    const crypto = await loadCrypto({ source: module });
    expect(crypto.sha256(new Uint8Array(0))).toHaveLength(32);
  });

  test("a module that lacks what the face needs is a fault", async () => {
    expect(await codeOf(loadCrypto({ source: IMPORTS_MEMORY }))).toBe("LINK_FAILED");
  });
});

describe("an instance", () => {
  type Growing = { grow(pages: number): number };
  const create = async (maxPages: number): Promise<Instance<Growing>> =>
    Instance.create<Growing>(await compileModule("growing", IMPORTS_MEMORY), { name: "growing", maxPages }, ["grow"]);

  test("cannot grow an imported memory past its bound", async () => {
    const instance = await create(3);
    expect(instance.exports.grow(2)).toBe(1);
    expect(instance.exports.grow(1)).toBe(-1);
    expect(instance.memoryBytes).toBe(3 * 65536);
  });

  test("sees memory that grew after the last view", async () => {
    const instance = await create(4);
    instance.write(0, Uint8Array.of(7));
    instance.exports.grow(1);
    expect(instance.read(0, 1)).toEqual(Uint8Array.of(7));
    instance.write(65536, Uint8Array.of(9));
    expect(instance.view(65536, 1)[0]).toBe(9);
    instance.wipe(65536, 1);
    expect(instance.view(65536, 1)[0]).toBe(0);
  });

  test("refuses ranges outside of its memory", async () => {
    const instance = await create(1);
    expect(() => instance.read(65530, 7)).toThrow(RangeError);
    expect(() => instance.view(-4, 4)).toThrow(RangeError);
    expect(() => instance.write(65535, new Uint8Array(2))).toThrow(RangeError);
    expect(() => instance.wipe(65536, 1)).toThrow(RangeError);
  });

  test("a module whose own memory is larger than allowed is refused", async () => {
    const module = await compileModule("crypto.wasm");
    expect(await codeOf(Instance.create(module, { name: "crypto.wasm", maxPages: 1 }))).toBe("MEMORY_LIMIT");
  });

  test("is not made of a module that asks for more than was given, be it only a seed", async () => {
    const module = await compileModule("seed", IMPORTS_SEED);
    expect(await codeOf(Instance.create(module, { name: "seed" }))).toBe("LINK_FAILED");
    const seed = (): number => 1;
    await expect(Instance.create(module, { name: "seed", imports: { env: { seed } } })).resolves.toBeInstanceOf(
      Instance,
    );
  });

  test("an abort whose text cannot be read is still a fault with its place", async () => {
    const module = await compileModule("abort", ABORTS_WITHOUT_TEXT);
    const instance = await Instance.create<{ go(): void }>(module, { name: "abort" }, ["go"]);
    expect(() => instance.exports.go()).toThrow("abort: assertion failed (:1:2)");
  });

  test("turns a failed assertion of the core into a fault with its place", async () => {
    const module = await compileModule("crypto-test.wasm");
    type Failing = { failingAssertion(): void };
    const instance = await Instance.create<Failing>(module, { name: "crypto-test.wasm" }, ["failingAssertion"]);
    let caught: unknown;
    try {
      instance.exports.failingAssertion();
    } catch (error) {
      caught = instance.faultOf(error);
    }
    expect(isFilError(caught, "CORE_ABORT")).toBe(true);
    expect((caught as EngineFault).message).toContain("fails on purpose");
    expect((caught as EngineFault).message).toContain("crypto-test.ts");
  });
});
