/** The core's integers against JavaScript's. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { equal } from "../../../src/base/bytes.ts";
import { type BigOperation, bigBytes, Probe } from "../ipld/probe.ts";

let probe: Probe;
beforeAll(async () => {
  probe = await Probe.load();
});

const abs = (a: bigint): bigint => (a < 0n ? -a : a);
const mod = (a: bigint, b: bigint): bigint => ((a % b) + abs(b)) % abs(b);

const REFERENCE: Readonly<Partial<Record<BigOperation, (a: bigint, b: bigint) => bigint>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  compare: (a, b) => (a < b ? -1n : a > b ? 1n : 0n),
  neg: (a) => -a,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  lowU64: (a) => BigInt.asUintN(64, abs(a)),
  lowI64: (a) => BigInt.asIntN(64, a),
  parse: (a) => a,
  abs,
  times: (a, b) => a * BigInt.asIntN(64, b),
};

const DIVISION: Readonly<Partial<Record<BigOperation, (a: bigint, b: bigint) => bigint>>> = {
  quo: (a, b) => a / b,
  rem: (a, b) => a % b,
  mod,
  div: (a, b) => (a - mod(a, b)) / b,
};

/** Borders of limbs and words, around and beyond. */
const EDGES: bigint[] = [0n, 1n, 2n, 9n, 10n, 15n, 16n];
for (const bits of [8n, 31n, 32n, 33n, 63n, 64n, 65n, 95n, 96n, 127n, 128n, 256n, 1000n])
  for (const nudge of [-2n, -1n, 0n, 1n, 2n]) EDGES.push((1n << bits) + nudge);
EDGES.push(
  (1n << 128n) - (1n << 64n),
  (1n << 96n) - (1n << 32n),
  0xffffffff00000001n,
  10n ** 18n,
  10n ** 9n * 10n ** 9n,
);
/** Of them those around the borders of words: pairs of all are many. */
const WORD_EDGES = [63n, 64n, 65n, 127n, 128n]
  .flatMap((bits) => [-1n, 0n, 1n].map((nudge) => (1n << bits) + nudge))
  .concat(1n, 3n, 0xffffffffn, (1n << 128n) - (1n << 64n), 1n << 256n)
  .flatMap((edge) => [edge, -edge])
  .concat(0n);
const SIGNED_EDGES = EDGES.flatMap((edge) => (edge === 0n ? [edge] : [edge, -edge]));

const anyBig = fc.oneof(
  fc.bigInt({ min: -(1n << 64n), max: 1n << 64n }),
  fc.bigInt({ min: -(1n << 640n), max: 1n << 640n }),
  fc.constantFrom(...SIGNED_EDGES),
  // Long runs of ones and zeros bring out borrow and quotient corrections.
  fc.tuple(fc.nat(300), fc.nat(300), fc.boolean()).map(([high, low, negative]) => {
    const value = (1n << BigInt(high + low)) - (1n << BigInt(low));
    return negative ? -value : value;
  }),
);

/** CBOR of the integer, as the core answers. */
function encoded(value: bigint): Uint8Array {
  const bytes = value === 0n ? new Uint8Array(0) : bigBytes(value);
  const head =
    bytes.length < 24
      ? [0x40 | bytes.length]
      : bytes.length < 256
        ? [0x58, bytes.length]
        : [0x59, bytes.length >> 8, bytes.length & 255];
  return Uint8Array.from([...head, ...bytes]);
}

/** Pairs of edges of which the core says something else. */
function wrongPairs(
  name: BigOperation,
  reference: (a: bigint, b: bigint) => bigint,
  seconds: readonly bigint[],
): string[] {
  const wrong: string[] = [];
  for (const a of SIGNED_EDGES)
    for (const b of seconds)
      if (!equal(probe.big(name, a, b), encoded(reference(a, b)))) wrong.push(`${a} ${name} ${b}`);
  return wrong;
}

describe.each(Object.entries(REFERENCE))("%s", (name, reference) => {
  test("agrees on random operands", () => {
    fc.assert(
      fc.property(anyBig, anyBig, (a, b) => {
        expect(probe.big(name as BigOperation, a, b)).toEqual(encoded(reference(a, b)));
      }),
      { seed: 1, numRuns: 1500 },
    );
  });

  test("agrees on all edges", () => {
    const seconds = reference.length < 2 ? [0n] : WORD_EDGES;
    expect(wrongPairs(name as BigOperation, reference, seconds)).toEqual([]);
  });
});

describe.each(Object.entries(DIVISION))("%s", (name, reference) => {
  test("agrees on random operands", () => {
    fc.assert(
      fc.property(anyBig, anyBig, (a, b) => {
        fc.pre(b !== 0n);
        expect(probe.big(name as BigOperation, a, b)).toEqual(encoded(reference(a, b)));
      }),
      { seed: 2, numRuns: 3000 },
    );
  });

  test("agrees on all pairs of edges", () => {
    expect(
      wrongPairs(
        name as BigOperation,
        reference,
        SIGNED_EDGES.filter((b) => b !== 0n),
      ),
    ).toEqual([]);
  });

  test("by zero is a fault", () => {
    expect(() => probe.big(name as BigOperation, 5n, 0n)).toThrow(/division by zero/);
  });
});

describe("shifts", () => {
  test("left multiplies by a power of two", () => {
    fc.assert(
      fc.property(anyBig, fc.nat(2000), (a, bits) => {
        expect(probe.big("lsh", a, BigInt(bits))).toEqual(encoded(a << BigInt(bits)));
      }),
      { seed: 3, numRuns: 1000 },
    );
  });

  test("right floors, also of negative numbers and beyond the length", () => {
    const shifts = fc.oneof(fc.nat(1500), fc.constantFrom(31, 32, 33, 63, 64, 0x7fffffff, 0xffffffff));
    fc.assert(
      fc.property(anyBig, shifts, (a, bits) => {
        const expected = bits > 100000 ? (a < 0n ? -1n : 0n) : a >> BigInt(bits);
        expect(probe.big("rsh", a, BigInt(bits))).toEqual(encoded(expected));
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  test("of edges to and over the borders of words", () => {
    const bits = [0n, 1n, 31n, 32n, 33n, 63n, 64n, 65n, 95n, 96n, 127n, 128n, 129n, 192n];
    expect(
      wrongPairs("lsh", (a, by) => a << by, bits),
      "left",
    ).toEqual([]);
    expect(
      wrongPairs("rsh", (a, by) => a >> by, bits),
      "right",
    ).toEqual([]);
  });

  test("left beyond 2^17 bits is a fault, not an endless allocation", () => {
    expect(() => probe.big("lsh", 1n, 0xffffffffn)).toThrow(/integer too large/);
    expect(probe.big("lsh", 0n, 0xffffffffn)).toEqual(encoded(0n));
  });
});

test("decimal text", () => {
  fc.assert(
    fc.property(anyBig, (a) => {
      expect(new TextDecoder().decode(probe.big("text", a))).toBe(a.toString());
    }),
    { seed: 5, numRuns: 1000 },
  );
});

test("length in bits and fitting into 64 bits", () => {
  for (const a of SIGNED_EDGES) {
    const unsigned = a >= 0n && a < 1n << 64n;
    const signed = a >= -(1n << 63n) && a < 1n << 63n;
    const bits = BigInt(a === 0n ? 0 : abs(a).toString(2).length);
    expect(probe.big("fits", a), String(a)).toEqual(encoded((unsigned ? 1n : 0n) + (signed ? 2n : 0n) + 4n * bits));
  }
});
