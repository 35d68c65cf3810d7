/** Texts of rooms that know no network, as a network spells addresses. */
import { expect, test } from "vitest";
import { spellError, spelledFor } from "../../../src/types/address-text.ts";

const KEY = "1qid3qslm4jax2jpohkdwomtidgd3x7xa7qvahea";

test.each([
  ["sender f0999 not found", "sender t0999 not found"],
  [`(f${KEY}), "f0100": f01.`, `(t${KEY}), "t0100": t01.`],
  // Neither is an address: a wrong checksum, a number with a zero before it, parts of names, paths and hexes.
  [`f${KEY.slice(0, -1)}b`, `f${KEY.slice(0, -1)}b`],
  ["f0010", "f0010"],
  ["s-f0100-1 /f0100/x a.f0100 0xf0100 off0100", "s-f0100-1 /f0100/x a.f0100 0xf0100 off0100"],
  ["t0100 and no address", "t0100 and no address"],
])("%s", (text, wanted) => {
  expect(spelledFor("t", text)).toBe(wanted);
  expect(spelledFor("f", text)).toBe(text);
});

test("an error's causes too, to a depth; what is fixed stays as it is", () => {
  const deep = new Error("f0100", { cause: Object.freeze(new Error("f0101")) });
  const error = new Error("of f0102", { cause: deep });
  spellError("t", error);
  expect([error.message, deep.message, (deep.cause as Error).message]).toEqual(["of t0102", "t0100", "f0101"]);
  const circle = new Error("f0100");
  circle.cause = circle;
  spellError("t", circle);
  expect(circle.message).toBe("t0100");
});
