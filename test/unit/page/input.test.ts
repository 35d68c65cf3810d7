/** Fields of the page. */
import { expect, test } from "vitest";
import { wholeNumber } from "../../../src/page/input.ts";

test("an empty field is no 0, and what is no whole number is refused by the field's name", () => {
  expect(wholeNumber(" 12 ", "Sector")).toBe(12);
  expect(wholeNumber("0", "Sector")).toBe(0);
  for (const wrong of ["", "  ", "-1", "1.5", "1e3", "0x1", "x", "9".repeat(17)])
    expect(() => wholeNumber(wrong, "Sector"), wrong).toThrow("Sector: a whole number is expected");
});
