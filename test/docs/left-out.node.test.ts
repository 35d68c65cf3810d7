/** What a runtime leaves to the others is run by them. */
import { expect, test } from "vitest";
import { LARGE, NOT_IN_A_PAGE, NOT_IN_DENO } from "../support/left-out.ts";
import { testsAndNeeds } from "../support/portable.ts";

test("every test that is left out is there, and those of pages run in Deno", () => {
  const needs = testsAndNeeds();
  for (const file of Object.keys({ ...NOT_IN_DENO, ...NOT_IN_A_PAGE, ...LARGE }))
    expect([...needs.keys()]).toContain(file);
  for (const file of Object.keys(NOT_IN_A_PAGE)) {
    expect(needs.get(file)).toBeNull();
    expect(Object.keys(NOT_IN_DENO)).not.toContain(file);
  }
});
