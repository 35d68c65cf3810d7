/** The unrolled kernels against their plain references, compiled side by side in `crypto-test.wasm`. */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Kernels = {
  scratchPtr(): number;
  sha256Start(state: number): void;
  sha256Blocks(state: number, input: number, blocks: number): void;
  sha256BlocksPlain(state: number, input: number, blocks: number): void;
  keccakPermute(state: number): void;
  keccakPermutePlain(state: number): void;
  blake2bStart(state: number, outLength: number, keyLength: number): void;
  blake2bBlock(state: number, block: number, total: bigint, last: bigint): void;
  blake2bBlockPlain(state: number, block: number, total: bigint, last: bigint): void;
};

let core: Instance<Kernels>;
let at: number;
beforeAll(async () => {
  core = await Instance.create<Kernels>(await compileModule("crypto-test.wasm"), { name: "crypto-test.wasm" });
  at = core.exports.scratchPtr();
});

const block = (bytes: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: bytes, maxLength: bytes });

test("sha-256: the kernel and its reference agree on any state and any blocks", () => {
  fc.assert(
    fc.property(block(32), block(192), fc.nat(3), (state, input, blocks) => {
      const results = [core.exports.sha256Blocks, core.exports.sha256BlocksPlain].map((absorb) => {
        core.write(at, state);
        core.write(at + 64, input);
        absorb(at, at + 64, blocks);
        return toHex(core.read(at, 32));
      });
      expect(results[0]).toBe(results[1]);
    }),
    { numRuns: 500 },
  );
});

test("blake2b: the kernel and its reference agree on any state, block, counter and mark", () => {
  const mark = fc.constantFrom(0n, -1n);
  fc.assert(
    fc.property(
      block(64),
      block(128),
      fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      mark,
      (state, input, total, last) => {
        const results = [core.exports.blake2bBlock, core.exports.blake2bBlockPlain].map((absorb) => {
          core.write(at, state);
          core.write(at + 64, input);
          absorb(at, at + 64, total, last);
          return toHex(core.read(at, 64));
        });
        expect(results[0]).toBe(results[1]);
      },
    ),
    { numRuns: 500 },
  );
});

test("keccak: the permutation and its reference agree on any state", () => {
  fc.assert(
    fc.property(block(200), (state) => {
      const results = [core.exports.keccakPermute, core.exports.keccakPermutePlain].map((permute) => {
        core.write(at, state);
        permute(at);
        return toHex(core.read(at, 200));
      });
      expect(results[0]).toBe(results[1]);
    }),
    { numRuns: 300 },
  );
});
