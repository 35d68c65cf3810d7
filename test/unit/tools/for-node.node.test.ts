/** How the package's form for Node is cut into files, and where they find what lies beside them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { type Program, programsOf } from "../../../src/tools/for-node/entries.ts";
import { type Graph, groupsOf, type SharedFile } from "../../../src/tools/for-node/groups.ts";
import { checkLibrary, placed } from "../../../src/tools/for-node/places.ts";

const LARGE = 400_000;

/** A graph of modules and what each imports; those whose names begin with "s" are small. */
const graphOf = (imports: Readonly<Record<string, readonly string[]>>): Graph => ({
  imports: (id) => imports[id] ?? [],
  bytes: (id) => (id.startsWith("s") ? 100 : LARGE),
});
const program = (...starts: readonly string[]): Program => ({ starts, weight: 1 });
const sorted = (files: readonly SharedFile[]): string[] =>
  files.map(({ modules, programs }) => `${[...modules].sort().join(" ")}: ${programs}`).sort();

test("every file of commands is a program of the form", () => {
  const text = readFileSync(new URL("../../../dist/cli/commands.js", import.meta.url), "utf8");
  const starts = programsOf(text).flatMap((one) => one.starts.filter((file) => file.startsWith("cli/commands/")));
  expect(starts).toHaveLength(COMMANDS.length);
  expect(new Set(starts).size).toBe(COMMANDS.length);
  expect(starts).toContain("cli/commands/send.js");
  expect(() => programsOf("nothing")).toThrow(/loads no file of cli\/commands/);
});

describe("files of the form", () => {
  test("hold what the same programs reach", () => {
    const graph = graphOf({ a: ["both", "onlyA"], b: ["both", "onlyB"], both: ["below"], below: [] });
    expect(sorted(groupsOf([program("a"), program("b")], graph))).toEqual([
      "a onlyA: 1",
      "b onlyB: 1",
      "below both: 2",
    ]);
  });

  test("a small one joins another where a file more costs more than its text", () => {
    const graph = graphOf({ a: ["s1", "all"], b: ["s1", "all"], c: ["all"], s1: ["all"] });
    const files = sorted(groupsOf([program("a"), program("b"), program("c")], graph));
    expect(files).toEqual(["a: 1", "all s1: 3", "b: 1", "c: 1"]);
  });

  test("a small one that would bring much that others do not load stays by itself", () => {
    const graph = graphOf({ a: ["s1", "all"], b: ["s1", "all"], c: ["all"], s1: ["pair"] });
    const files = sorted(groupsOf([program("a"), program("b"), program("c")], graph));
    expect(files).toEqual(["a: 1", "all: 3", "b: 1", "c: 1", "pair s1: 2"]);
  });

  test("never import each other in a circle, and have each module that is reached once, over graphs of many shapes", () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let joined = 0;
    for (let round = 0; round < 100; round++) {
      const ids = Array.from({ length: 30 }, (_, i) => `${random(3) > 0 ? "s" : "m"}${i}`);
      const imports = Object.fromEntries(
        ids.map((id, i) => [id, ids.slice(i + 1).filter(() => random(ids.length) < 4)] as const),
      );
      const programs = Array.from({ length: 4 }, () => program(ids[random(12)] as string));
      const files = groupsOf(programs, graphOf(imports));
      const fileOf = new Map(files.flatMap((file) => file.modules.map((id) => [id, file] as const)));
      expect(fileOf.size).toBe(files.reduce((sum, { modules }) => sum + modules.length, 0));
      const done = new Set<SharedFile>();
      const visit = (file: SharedFile, above: readonly SharedFile[]): void => {
        expect(above).not.toContain(file);
        if (done.has(file)) return;
        const below = new Set(file.modules.flatMap((id) => imports[id] as string[]).map((id) => fileOf.get(id)));
        for (const one of below) {
          if (one === undefined) throw new Error("what a module imports lies in no file");
          if (one !== file) visit(one, [...above, file]);
        }
        done.add(file);
      };
      for (const file of files) visit(file, []);
      joined += files.filter(({ modules }) => modules.length > 1).length;
    }
    expect(joined).toBeGreaterThan(100);
  });
});

describe("places", () => {
  test("of files that a module names are those seen from the form's folder", () => {
    const asset = `url: () => new URL("../../../dist/wasm/vm.wasm", import.meta.url),`;
    expect(placed("core/assets/vm.js", asset)).toBe(`url: () => new URL("../wasm/vm.wasm", import.meta.url),`);
    const manifest = `new URL("../../package.json", import.meta.url)`;
    expect(placed("cli/main.js", manifest)).toBe(`new URL("../../package.json", import.meta.url)`);
  });

  test("a module's own place is that of its file", () => {
    const text = placed("platform/web.js", "const here = import.meta.url;");
    const value = text
      .replace("const here = ", "return ")
      .replace("import.meta.url", '"file:///x/dist/for-node/vm.js"');
    expect(new Function(value)()).toBe("file:///x/dist/platform/web.js");
  });

  test("a worker is that of the form, and one that the form has not is refused", () => {
    expect(placed("exec/slot.js", 'builtFile("exec/worker.js")')).toBe('builtFile("for-node/machine-worker.js")');
    expect(placed("exec/slot.js", 'builtFile("platform/worker-entry.cjs")')).toBe(
      'builtFile("platform/worker-entry.cjs")',
    );
    expect(() => placed("x/y.js", 'builtFile("x/worker.js")')).toThrow(/x\/worker\.js, which is no entry/);
  });

  test("a library that looks for files beside its own is refused", () => {
    for (const code of ["import.meta.url", "join(__dirname, 'x')", "import.meta.dirname"])
      expect(() => checkLibrary("node_modules/x/index.js", code)).toThrow(/leave the library outside/);
    expect(() => checkLibrary("node_modules/x/index.js", "const dirname = 1;")).not.toThrow();
  });
});
