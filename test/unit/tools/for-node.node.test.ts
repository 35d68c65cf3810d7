/** How the package's form for Node is cut into files, and where they find what lies beside them. */
import { describe, expect, test } from "vitest";
import { type Graph, groupsOf } from "../../../src/tools/for-node/groups.ts";
import { checkLibrary, placed } from "../../../src/tools/for-node/places.ts";

const LARGE = 50_000;

/** A graph of modules and what each imports; those whose names begin with "s" are small. */
const graphOf = (imports: Readonly<Record<string, readonly string[]>>): Graph => ({
  imports: (id) => imports[id] ?? [],
  bytes: (id) => (id.startsWith("s") ? 100 : LARGE),
});

describe("files of the form", () => {
  test("hold what the same programs reach", () => {
    const graph = graphOf({ a: ["both", "onlyA"], b: ["both", "onlyB"], both: ["below"], below: [] });
    expect(Object.fromEntries(groupsOf({ A: ["a"], B: ["b"] }, graph))).toEqual({
      a: "A",
      onlyA: "A",
      b: "B",
      onlyB: "B",
      both: "A-B",
      below: "A-B",
    });
  });

  test("a small one joins a wider one that has all that it needs", () => {
    const graph = graphOf({ a: ["s1", "all"], b: ["s1", "all"], c: ["all"], s1: ["all"] });
    expect(groupsOf({ A: ["a"], B: ["b"], C: ["c"] }, graph).get("s1")).toBe("A-B-C");
  });

  test("a small one that would bring what others do not load stays by itself", () => {
    const graph = graphOf({ a: ["s1", "all"], b: ["s1", "all"], c: ["all"], s1: ["pair"] });
    const groups = groupsOf({ A: ["a"], B: ["b"], C: ["c"] }, graph);
    expect([groups.get("s1"), groups.get("pair"), groups.get("all")]).toEqual(["A-B", "A-B", "A-B-C"]);
  });

  test("never import each other in a circle, over graphs of many shapes", () => {
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 200; round++) {
      const ids = Array.from({ length: 40 }, (_, i) => `${random(2) === 0 ? "s" : "m"}${i}`);
      const imports = Object.fromEntries(
        ids.map((id, i) => [id, ids.slice(i + 1).filter(() => random(ids.length) < 4)] as const),
      );
      const programs = Object.fromEntries(["A", "B", "C", "D"].map((name) => [name, [ids[random(12)] as string]]));
      const groups = groupsOf(programs, graphOf(imports));
      const below = new Map<string, Set<string>>();
      for (const [id, group] of groups) {
        const set = below.get(group) ?? new Set();
        for (const one of imports[id] as string[]) if (groups.get(one) !== group) set.add(groups.get(one) as string);
        below.set(group, set);
      }
      const done = new Set<string>();
      const visit = (group: string, above: readonly string[]): void => {
        expect(above).not.toContain(group);
        if (done.has(group)) return;
        for (const one of below.get(group) ?? []) visit(one, [...above, group]);
        done.add(group);
      };
      for (const group of below.keys()) visit(group, []);
    }
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
