import { describe, expect, test } from "vitest";
import { describeError, FilError, failureOf, isFilError } from "../../../src/base/errors.ts";

type KeyErrorData = { readonly code: "KEY_LOCKED" } | { readonly code: "KEY_UNKNOWN"; readonly address: string };
class KeyError extends FilError<KeyErrorData> {}

describe("FilError", () => {
  const cause = new Error("file is gone");
  const error = new KeyError({ code: "KEY_UNKNOWN", address: "f01" }, "no key for f01", { cause });

  test("carries its code, its data, its class's name and its cause", () => {
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual(["KeyError", "KEY_UNKNOWN", "no key for f01"]);
    expect(error.data).toEqual({ code: "KEY_UNKNOWN", address: "f01" });
    expect(error.cause).toBe(cause);
    expect("cause" in new KeyError({ code: "KEY_LOCKED" }, "locked")).toBe(false);
  });

  test("its data survives a structured clone", () => {
    expect(structuredClone(error.data)).toEqual(error.data);
  });

  test("is told from other errors, and by code", () => {
    expect(isFilError(error)).toBe(true);
    expect(isFilError(error, "KEY_UNKNOWN")).toBe(true);
    expect(isFilError(error, "KEY_LOCKED")).toBe(false);
    expect(isFilError(cause)).toBe(false);
    expect(isFilError("KEY_UNKNOWN")).toBe(false);
  });
});

describe("describeError", () => {
  test("joins the messages of the causes", () => {
    const inner = new FilError({ code: "A" }, "inner", { cause: "deep" });
    expect(describeError(new Error("outer", { cause: inner }))).toBe("outer: inner: deep");
    expect(describeError(42)).toBe("42");
  });

  test("ends on circles", () => {
    const circle = new Error("round");
    circle.cause = circle;
    expect(describeError(circle)).toBe("round");
  });

  test("tells a next step behind the causes, the inner one's first", () => {
    const cause = new FilError({ code: "B" }, "it is not there; look at its name", {
      cause: new Error("no such file"),
    });
    const error = new FilError({ code: "A" }, "no node; make one: init", { cause });
    expect(describeError(error)).toBe("no node: it is not there: no such file; look at its name; make one: init");
    expect(describeError(new Error("outer", { cause: new Error("a; b") }))).toBe("outer: a; b");
  });

  test("says nothing twice", () => {
    const cause = new Error("no such file");
    expect(describeError(new Error(`cannot read: ${cause.message}`, { cause }))).toBe("cannot read: no such file");
    const both = new Error("gone; look");
    expect(describeError(new Error(`cannot read: ${both.message}`, { cause: both }))).toBe("cannot read: gone; look");
  });
});

test("what crosses a worker's border: data of ours, the code of the system's, the name of others", () => {
  const data = { code: "KEY_LOCKED" } as const;
  expect(failureOf(new KeyError(data, "locked"))).toEqual({ name: "KeyError", message: "locked", data });
  const denied = Object.assign(new Error("denied"), { code: "EACCES" });
  expect(failureOf(denied)).toEqual({ name: "EACCES", message: "denied", data: null });
  expect(failureOf(new TypeError("no"))).toEqual({ name: "TypeError", message: "no", data: null });
  expect(failureOf(42)).toEqual({ name: "Error", message: "42", data: null });
});
