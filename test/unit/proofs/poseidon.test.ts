import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { merkleTag, poseidon, UPDATE_TAG } from "../../../src/core/poseidon.ts";
import { poseidonAny } from "../../../src/core/poseidon-any.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { hasSimd } from "../../../src/core/simd.ts";
import { fixture, prngFr } from "./fixture.ts";

type Case = { inputs?: "zero" | "index" | "r-1"; seed?: number; digest: string };
type Set = {
  arity: number;
  domainTag: string;
  fullRounds: number;
  partialRounds: number;
  roundConstants: { count: number; sha256: string };
  mds: { sha256: string };
  optimised: { compressedRoundConstants: { count: number; sha256: string } };
  cases: Case[];
  chain1000: string | { digest: string };
};
const ARITIES = [2, 4, 8, 11];
const published = (await fixture<{ sets: Set[] }>("poseidon.json")).sets;
const sets = published.filter((set) => ARITIES.includes(set.arity));

const MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
function element(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
/** Elements at limits of values and limbs. */
const special = [0n, 1n, MODULUS - 1n, MODULUS - 2n, (1n << 247n) - 1n, (1n << 254n) - 1n, (1n << 26n) - 1n, 1n << 26n];
const tagOf = (set: Set): bigint => BigInt(`0x${toHex(fromHex(set.domainTag).reverse())}`);

function elementsOf({ arity }: Set, { inputs, seed }: Omit<Case, "digest">): Uint8Array[] {
  return Array.from({ length: arity }, (_, i) =>
    seed !== undefined
      ? prngFr(seed + i)
      : element(inputs === "zero" ? 0n : inputs === "index" ? BigInt(i) : MODULUS - 1n),
  );
}

const builds = [{ name: "plain", module: await loadProofs({ simd: false }) }];
if (hasSimd()) builds.push({ name: "simd", module: await loadProofs({ simd: true }) });

describe.each(builds)("$name build", ({ module }) => {
  test.each(sets)("arity $arity, tag $domainTag: the computed constants are the published ones", (set) => {
    const t = set.arity + 1;
    const compressed = set.optimised.compressedRoundConstants.count;
    const plain = set.roundConstants.count;
    module.with(32 * (compressed + t * t + plain), (at) => {
      expect(module.exports.poseidonParameters(set.arity, at)).toBe(compressed + t * t + plain);
      const digest = (from: number, count: number): string =>
        toHex(sha256(module.instance.view(at + 32 * from, 32 * count)));
      expect(digest(0, compressed)).toBe(set.optimised.compressedRoundConstants.sha256);
      expect(digest(compressed, t * t)).toBe(set.mds.sha256);
      expect(digest(compressed + t * t, plain)).toBe(set.roundConstants.sha256);
    });
  });

  test.each(sets)("arity $arity, tag $domainTag: digests are the official ones", (set) => {
    for (const { digest, ...inputs } of set.cases)
      expect(toHex(poseidon(module, elementsOf(set, inputs), tagOf(set)))).toBe(digest);
  });

  test.each(published)("arity $arity, tag $domainTag: digests of the textbook form for any arity", (set) => {
    for (const { digest, ...inputs } of set.cases)
      expect(toHex(poseidonAny(module, elementsOf(set, inputs), { tag: tagOf(set) }))).toBe(digest);
  });

  test("of any arity: what is refused", () => {
    const code = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return (error as { data?: { code?: string } }).data?.code;
      }
    };
    const elements = (length: number): Uint8Array[] => Array.from({ length }, () => element(1n));
    expect(code(() => poseidonAny(module, elements(3)))).toBe("BAD_ARITY");
    expect(code(() => poseidonAny(module, elements(5), { arity: 4 }))).toBe("BAD_ARITY");
    expect(code(() => poseidonAny(module, [element(1n), element(MODULUS)]))).toBe("BAD_ELEMENT");
    expect(code(() => poseidonAny(module, [element(1n), new Uint8Array(31)]))).toBe("BAD_ELEMENT");
    expect(code(() => poseidonAny(module, elements(2), { tag: 1n << 128n }))).toBe("BAD_ELEMENT");
  });

  test.each(sets)("arity $arity, tag $domainTag: a chain of 1000 hashes ends as the official one", (set) => {
    let x = element(0n);
    const rest = Array.from({ length: set.arity - 1 }, (_, i) => element(BigInt(i + 1)));
    for (let i = 0; i < 1000; i++) x = poseidon(module, [x, ...rest], tagOf(set)) as Uint8Array<ArrayBuffer>;
    expect(toHex(x)).toBe(typeof set.chain1000 === "string" ? set.chain1000 : set.chain1000.digest);
  });

  test.each(ARITIES)("arity %i: the fast form agrees with the textbook form", (arity) => {
    const any = fc.oneof(
      fc.constantFrom(0n, 1n, MODULUS - 1n, MODULUS - 2n, (1n << 254n) - 1n, 1n << 29n, (1n << 232n) - 1n),
      fc.bigInt({ min: 0n, max: MODULUS - 1n }),
    );
    fc.assert(
      fc.property(fc.array(any, { minLength: arity, maxLength: arity }), fc.boolean(), (values, merkle) => {
        const tag = merkle ? merkleTag(arity) : UPDATE_TAG;
        const plain = module.with(32 * arity, (at) => {
          for (const [i, value] of values.entries()) module.instance.write(at + 32 * i, element(value));
          expect(module.exports.poseidonPlain(arity, tag, at, at)).toBe(1);
          return toHex(module.instance.read(at, 32));
        });
        expect(toHex(poseidon(module, values.map(element), tag))).toBe(plain);
      }),
      { numRuns: 150 },
    );
  });

  test("a level of a tree is the hashes of its groups, whatever its length, and refuses what is no element at any place", () => {
    const values = Array.from({ length: 8 * 17 }, (_, i) =>
      i < 128 ? element(special[(i * 5 + (i >> 3)) % special.length]!) : prngFr(i + 1),
    );
    module.with(32 * 8 * 17 + 32 * 17, (at) => {
      const out = at + 32 * 8 * 17;
      const fill = (): void => {
        for (const [i, bytes] of values.entries()) module.instance.write(at + 32 * i, bytes);
      };
      fill();
      const each = Array.from({ length: 17 }, (_, i) => {
        expect(module.exports.poseidonPlain(8, merkleTag(8), at + 256 * i, out)).toBe(1);
        return toHex(module.instance.read(out, 32));
      });
      for (let count = 1; count <= 17; count++) {
        module.instance.write(out, new Uint8Array(32 * 17));
        expect(module.exports.poseidonLevel(8, at, out, count)).toBe(1);
        expect(toHex(module.instance.read(out, 32 * count))).toBe(each.slice(0, count).join(""));
        expect(module.instance.read(out + 32 * count, 32 * (17 - count)).every((byte) => byte === 0)).toBe(true);
      }
      for (let place = 0; place < values.length; place++) {
        module.instance.write(at + 32 * place, element(place % 2 === 0 ? MODULUS : (1n << 256n) - 1n));
        expect(module.exports.poseidonLevel(8, at, out, 17)).toBe(0);
        module.instance.write(at + 32 * place, values[place]!);
      }
      for (const count of [8, 17]) {
        fill();
        expect(module.exports.poseidonLevel(8, at, at, count)).toBe(1);
        expect(toHex(module.instance.read(at, 32 * count))).toBe(each.slice(0, count).join(""));
      }
    });
  });

  test("eight nodes side by side agree with the textbook form", () => {
    const any = fc.oneof(fc.constantFrom(...special), fc.bigInt({ min: 0n, max: MODULUS - 1n }));
    fc.assert(
      fc.property(fc.array(any, { minLength: 64, maxLength: 64 }), (values) => {
        module.with(32 * 72, (at) => {
          const out = at + 32 * 64;
          for (const [i, value] of values.entries()) module.instance.write(at + 32 * i, element(value));
          expect(module.exports.poseidonLevel(8, at, out, 8)).toBe(1);
          const level = toHex(module.instance.read(out, 256));
          for (let i = 0; i < 8; i++) module.exports.poseidonPlain(8, merkleTag(8), at + 256 * i, out + 32 * i);
          expect(level).toBe(toHex(module.instance.read(out, 256)));
        });
      }),
      { numRuns: 40 },
    );
  });

  test("pairs hashed side by side, as levels and as columns, give what the textbook form gives each", () => {
    const values = Array.from({ length: 2 * 37 }, (_, i) =>
      i < 16 ? element(special[(i * 5 + (i >> 3)) % 8]!) : prngFr(i + 1),
    );
    const count = values.length / 2;
    module.with(32 * 8 * count, (at) => {
      const [pairs, columns, out] = [at, at + 64 * count, at + 128 * count];
      values.forEach((bytes, i) => {
        module.instance.write(pairs + 32 * i, bytes);
        module.instance.write(columns + 32 * (i >> 1) + (i & 1) * 32 * count, bytes);
      });
      const each = Array.from({ length: count }, (_, i) => {
        expect(module.exports.poseidonPlain(2, merkleTag(2), pairs + 64 * i, out)).toBe(1);
        return toHex(module.instance.read(out, 32));
      });
      const outs = (): string[] => each.map((_, i) => toHex(module.instance.read(out + 32 * i, 32)));
      expect(module.exports.poseidonLevel(2, pairs, out, count)).toBe(1);
      expect(outs()).toEqual(each);
      module.instance.write(out, new Uint8Array(32 * count));
      expect(module.exports.columnRange(columns, 32 * count, 2, count, out)).toBe(1);
      expect(outs()).toEqual(each);
      for (const place of [0, 13, 31, 2 * count - 1]) {
        module.instance.write(pairs + 32 * place, element(MODULUS));
        expect(module.exports.poseidonLevel(2, pairs, out, count)).toBe(0);
        module.instance.write(pairs + 32 * place, values[place]!);
      }
      expect(module.exports.poseidonLevel(2, pairs, pairs, count)).toBe(1);
      expect(toHex(module.instance.read(pairs, 32 * count))).toBe(each.join(""));
    });
  });

  test("elements from the modulus on are refused", () => {
    for (const value of [MODULUS, MODULUS + 1n, (1n << 255n) - 1n, (1n << 256n) - 1n])
      for (const place of [0, 1])
        expect(() => poseidon(module, [element(0n), element(0n)].with(place, element(value)))).toThrowError(/modulus/);
    expect(() => poseidon(module, [element(0n)])).toThrowError(/no Poseidon/);
    expect(() => poseidon(module, [element(0n), new Uint8Array(31)])).toThrowError(/31 bytes/);
  });
});
