import { blake2b as nobleBlake2b } from "@noble/hashes/blake2.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { keccak_256 as nobleKeccak } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/base/bytes.ts";
import type { Crypto } from "../../../src/core/crypto.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { CryptoError, type Hasher } from "../../../src/core/hashes.ts";

let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});

/** `length` bytes that look random and are the same on every run. */
function pattern(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length);
  let x = (seed * 0x9e3779b1) >>> 0;
  for (let i = 0; i < length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x;
  }
  return out;
}

type Scheme = {
  readonly name: string;
  readonly once: (bytes: Uint8Array) => Uint8Array;
  readonly begin: () => Hasher;
  readonly peer: (bytes: Uint8Array) => Uint8Array;
};
const SCHEMES: readonly Scheme[] = [
  { name: "sha-256", once: (b) => crypto.sha256(b), begin: () => crypto.createSha256(), peer: nobleSha256 },
  { name: "keccak-256", once: (b) => crypto.keccak256(b), begin: () => crypto.createKeccak256(), peer: nobleKeccak },
  ...[1, 4, 20, 32, 63, 64].map((size) => ({
    name: `blake2b of ${size} bytes`,
    once: (b: Uint8Array) => crypto.blake2b(b, size),
    begin: () => crypto.createBlake2b(size),
    peer: (b: Uint8Array) => nobleBlake2b(b, { dkLen: size }),
  })),
];

describe("published digests", () => {
  test("sha-256 of FIPS 180-4's examples", () => {
    const cases: readonly [string, string][] = [
      ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
      [
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
      ],
    ];
    for (const [text, digest] of cases) expect(toHex(crypto.sha256(utf8(text)))).toBe(digest);
  });

  test("sha-256 of a million letters a", () => {
    const digest = toHex(crypto.sha256(new Uint8Array(1_000_000).fill(0x61)));
    expect(digest).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });

  test("blake2b-512 of abc, RFC 7693 appendix A", () => {
    expect(toHex(crypto.blake2b(utf8("abc"), 64))).toBe(
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    );
  });

  test("blake2b-256 and blake2b-160 of nothing", () => {
    const none = new Uint8Array(0);
    expect(toHex(crypto.blake2b256(none))).toBe("0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    expect(toHex(crypto.blake2b160(none))).toBe("3345524abf6bbe1809449224b5972c41790b6cf2");
  });

  test("the self-test of RFC 7693 appendix E: digests of digests, keyed and not", () => {
    // The RFC's byte sequence: a Fibonacci generator seeded by its length.
    const sequence = (length: number): Uint8Array => {
      const out = new Uint8Array(length);
      let a = Math.imul(0xdead4bad, length) >>> 0;
      let b = 1;
      for (let i = 0; i < length; i++) {
        const t = (a + b) >>> 0;
        a = b;
        b = t;
        out[i] = t >>> 24;
      }
      return out;
    };
    const total = crypto.createBlake2b(32);
    for (const outLength of [20, 32, 48, 64]) {
      for (const inputLength of [0, 3, 128, 129, 255, 1024]) {
        const input = sequence(inputLength);
        total.update(crypto.blake2b(input, outLength));
        total.update(crypto.blake2b(input, outLength, sequence(outLength)));
      }
    }
    expect(toHex(total.digest())).toBe("c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
  });

  test("keccak-256 of nothing and of abc, as Ethereum knows them", () => {
    expect(toHex(crypto.keccak256(new Uint8Array(0)))).toBe(
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    );
    expect(toHex(crypto.keccak256(utf8("abc")))).toBe(
      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    );
  });
});

describe.each(SCHEMES)("$name", ({ once, begin, peer }) => {
  test("equals @noble/hashes at every length up to three blocks", () => {
    for (let length = 0; length <= 420; length++) {
      const bytes = pattern(length, length + 1);
      expect(toHex(once(bytes)), `length ${length}`).toBe(toHex(peer(bytes)));
    }
  });

  test("equals @noble/hashes around the window's edges", () => {
    for (const length of [16383, 16384, 16385, 32768, 32769, 65537, 300_001]) {
      const bytes = pattern(length);
      expect(toHex(once(bytes)), `length ${length}`).toBe(toHex(peer(bytes)));
    }
  });

  test("any split of a stream gives the same digest", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 12 }), (lengths) => {
        const parts = lengths.map((length, i) => pattern(length, i + 1));
        const hasher = begin();
        for (const part of parts) hasher.update(part);
        expect(toHex(hasher.digest())).toBe(toHex(once(concat(...parts))));
      }),
    );
  });

  test("streams taking turns, and clones, do not disturb each other", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(200)), { maxLength: 20 }), (turns) => {
        const streams = [begin(), begin(), begin()] as [Hasher, Hasher, Hasher];
        const seen: [Uint8Array, Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)];
        turns.forEach(([which, length], i) => {
          const bytes = pattern(length, i + 7);
          const i3 = which as 0 | 1 | 2;
          streams[i3].update(bytes);
          seen[i3] = concat(seen[i3], bytes);
          if (i % 5 === 4) streams[i3] = streams[i3].clone();
          once(bytes);
        });
        for (const i of [0, 1, 2] as const) expect(toHex(streams[i].digest())).toBe(toHex(peer(seen[i])));
      }),
    );
  });

  test("a stream refuses work after its digest", () => {
    const hasher = begin();
    hasher.digest();
    expect(() => hasher.update(new Uint8Array(1))).toThrow(CryptoError);
    expect(() => hasher.digest()).toThrow(CryptoError);
    expect(() => hasher.clone()).toThrow(CryptoError);
  });
});

describe("blake2b", () => {
  test("keyed digests equal @noble/hashes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 1, max: 64 }),
        (key, bytes, dkLen) => {
          expect(toHex(crypto.blake2b(bytes, dkLen, key))).toBe(toHex(nobleBlake2b(bytes, { dkLen, key })));
        },
      ),
    );
  });

  test.each([0, 65, -1, 1.5, Number.NaN])("a digest length of %s is refused", (outLength) => {
    expect(() => crypto.blake2b(new Uint8Array(1), outLength)).toThrow(CryptoError);
    expect(() => crypto.createBlake2b(outLength)).toThrow(CryptoError);
  });

  test("an empty key and one of 65 bytes are refused", () => {
    expect(() => crypto.blake2b(new Uint8Array(1), 32, new Uint8Array(0))).toThrow(CryptoError);
    expect(() => crypto.blake2b(new Uint8Array(1), 32, new Uint8Array(65))).toThrow(CryptoError);
  });

  test("a digest leaves no key behind it in the next one", () => {
    const plain = toHex(crypto.blake2b256(fromHex("00")));
    crypto.blake2b(fromHex("00"), 32, pattern(64));
    expect(toHex(crypto.blake2b256(fromHex("00")))).toBe(plain);
  });
});
