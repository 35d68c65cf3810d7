/** Codecs: what they take, and that their errors name the field, the limit and the value. */
import { bases } from "multiformats/basics";
import { expect, test } from "vitest";
import { address, amount, bytes, epoch, link, message, tipsetKey } from "../../../src/rpc/codec/chain-types.ts";
import {
  boolean,
  type Codec,
  choice,
  fallback,
  integer,
  integer64,
  list,
  nullable,
  object,
  text,
} from "../../../src/rpc/codec/codec.ts";
import { isIdentity, parseCid } from "../../../src/types/cid.ts";

const pair = object("Pair", { A: integer(0, 5), B: nullable(list(text(3), 2)) });
const CID = "bafy2bzacedbiyudvbrdvcxzqlisua67z4wgajjyooznkhplm46a3h42xmyjhq";

test.each<[Codec<unknown>, unknown, RegExp]>([
  [boolean, 1, /^p: true or false expected, got 1$/],
  [text(3), "abcd", /^p: text of at most 3 characters expected, got 4$/],
  [choice("a", "b"), "c", /^p: one of "a", "b" expected, got "c"$/],
  [integer(0, 5), 6, /^p: integer from 0 to 5 expected, got 6$/],
  [integer(0, 5), 1.5, /got 1.5$/],
  [integer64(0n, 9n), 10n, /^p: integer from 0 to 9 expected, got 10$/],
  [epoch, -1, /^p: integer from 0 to 9007199254740991 expected, got -1$/],
  [list(boolean, 2), [true, true, true], /^p: list of at most 2 expected, got 3$/],
  [list(boolean, 2), [true, 0], /^p\[1\]: true or false expected, got 0$/],
  [pair, [], /^p: Pair expected, got a list of 0$/],
  [pair, { A: 9 }, /^p.A: integer from 0 to 5 expected, got 9$/],
  [pair, { A: 1, B: ["x", "long"] }, /^p.B\[1\]: text of at most 3 characters/],
  [amount, "1.5", /^p: decimal text expected, got "1.5"$/],
  [amount, "9".repeat(400), /^p: at most 309 digits expected, got 400$/],
  [amount, 5, /^p: decimal text expected, got 5$/],
  [bytes(3), "AAAAAAAA", /^p: at most 3 bytes expected, got base64 text of 8 characters$/],
  [bytes(), "===", /^p: .*base64/],
  [address, "t0x", /^p: bad address/],
  [address, "", /^p: address expected, got ""$/],
  [link, "bafy", /^p: \{"\/": "<CID>"\} expected, got "bafy"$/],
  [link, { "/": "zzz" }, /^p: not a CID/],
  [tipsetKey, [{ "/": 1 }], /^p\[0\]: /],
  [message, { To: "t00" }, /^p: .*From/],
])("%#: refuses %j", (codec, json, error) => {
  expect(() => codec.decode(json, "p")).toThrow(error);
});

test("what may be left out has its fallback", () => {
  expect(fallback(integer(0, 5), 3).decode(undefined, "p")).toBe(3);
  expect(fallback(integer(0, 5), 3).decode(null, "p")).toBe(3);
  expect(tipsetKey.decode(null, "p")).toEqual([]);
  expect(pair.decode({ A: 1 }, "p")).toEqual({ A: 1, B: null });
});

test("a value goes to JSON and back", () => {
  for (const [codec, json] of [
    [address, "t0100"],
    [amount, "-123456789012345678901234567890"],
    [bytes(), "AQI="],
    [link, { "/": CID }],
    [integer64(0n, (1n << 64n) - 1n), "18446744073709551615"],
    [integer64(0n, 100n), 7],
    [pair, { A: 2, B: ["x"] }],
  ] as readonly (readonly [Codec<unknown>, unknown])[])
    expect(codec.encode(codec.decode(json, "p"), "t")).toEqual(json);
});

test("field names that objects have anyway are no fields", () => {
  const own = object("Own", { toString: nullable(text()) });
  expect(own.decode({}, "p")).toEqual({ toString: null });
  expect(() => object("Proto", { constructor: text() }).decode({}, "p")).toThrow(/p.constructor: text expected/);
});

test("CIDs are read in every base that multiformats knows", () => {
  const cid = parseCid(CID);
  const all = Object.values(bases);
  expect(all.length).toBeGreaterThan(20);
  for (const base of all) expect(parseCid(cid.toString(base.encoder as never)).equals(cid), base.name).toBe(true);
  expect(() => parseCid("?nothing")).toThrow(/not a CID/);
  expect(isIdentity(parseCid("bafkqaaa"))).toBe(true);
});
