/** Request texts: every digit of a whole number is kept, nesting is bounded before it is parsed. */
import { expect, test } from "vitest";
import { MAX_DEPTH, parseJson } from "../../../src/rpc/json-text.ts";

test.each([
  ["9007199254740991", 9007199254740991],
  ["9007199254740993", 9007199254740993n],
  ["-9223372036854775808", -9223372036854775808n],
  ["18446744073709551615", 18446744073709551615n],
  ["1234567890123456.5", 1234567890123456.5],
  ['"12345678901234567890"', "12345678901234567890"],
  ['"a\\"12345678901234567890"', 'a"12345678901234567890'],
  ["[1,12345678901234567890]", [1, 12345678901234567890n]],
  ['{"id":12345678901234567890,"x":"\\u0001y"}', { id: 12345678901234567890n, x: "\u0001y" }],
])("%s", (text, value) => {
  expect(parseJson(text)).toEqual(value);
});

test.each(["", "{", "[1,]", "01234567890123456789", "1234567890123456 7", "{1234567890123456:", "'x'", "[1n]"])(
  "not JSON: %s",
  (text) => {
    expect(() => parseJson(text)).toThrow("the request is not JSON");
  },
);

test("the deepest nesting is read, one more is refused; brackets in texts do not count", () => {
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  expect(() => parseJson(deep(MAX_DEPTH))).not.toThrow();
  expect(() => parseJson(deep(MAX_DEPTH + 1))).toThrow(`JSON nests over ${MAX_DEPTH} deep`);
  expect(parseJson(JSON.stringify("[".repeat(1000)))).toBe("[".repeat(1000));
});

test("a text of five million digits or quotes costs no more than reading it", () => {
  for (const text of [
    "9".repeat(5 << 20),
    `"${"\\u0001".repeat(800_000)}"`,
    `[${"1234567890123456789,".repeat(1000)}1]`,
  ])
    expect(() => parseJson(text)).not.toThrow(TypeError);
});
