/**
 * Makes the package's form for Node, `dist/for-node`, of the compiled files: `node dist/tools/build-for-node.js`. A start there is
 * dominated by names looked up, files opened and texts compiled, a millisecond each; the form has few files and the same code, in
 * one graph, so that its entries share their classes. Bundlers for pages, Deno and Bun take the files.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Plugin, rolldown } from "rolldown";
import { ENTRIES, FOLDER, OUTSIDE, programsOf } from "./for-node/entries.ts";
import { type Graph, groupsOf } from "./for-node/groups.ts";
import { libraryOf, licencesOf } from "./for-node/licences.ts";
import { checkLibrary, placed } from "./for-node/places.ts";

const dist = fileURLToPath(new URL("..", import.meta.url));
const folder = path.join(dist, FOLDER);
const fileOf = (name: string): string => path.join(dist, name);
const isOutside = (id: string): boolean =>
  id.startsWith("node:") || OUTSIDE.some((name) => id === name || id.startsWith(`${name}/`));

const places: Plugin = {
  name: "places",
  transform: {
    filter: { code: /import\.meta|builtFile\(/ },
    handler: (code, id) => (id.startsWith(dist) ? placed(path.relative(dist, id).replaceAll("\\", "/"), code) : null),
  },
};

const bundle = await rolldown({
  cwd: path.dirname(dist),
  platform: "node",
  input: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, fileOf(file)])),
  external: isOutside,
  // The choice that lets files be cut freely: an entry's own file may export more than the entry does. A test sees that none does.
  preserveEntrySignatures: "allow-extension",
  plugins: [places],
  // Some commands load on first use what the package's entry has from the start.
  checks: { ineffectiveDynamicImport: false },
});

/** Comments, which are left out of the form. */
const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** A file is named by the largest of the modules in it. */
function namesOf(graph: Graph): Map<string, string> {
  const programs = programsOf(readFileSync(fileOf("cli/commands.js"), "utf8")).map(({ starts, weight }) => ({
    starts: starts.map(fileOf),
    weight,
  }));
  const starts = new Set(programs.flatMap((one) => one.starts));
  return new Map(
    groupsOf(programs, graph).flatMap(({ modules: ids, programs: count }) => {
      // What one program alone has lies in its own file; some programs are imported by several names.
      if (count === 1 && ids.filter((id) => starts.has(id)).length < 2) return [];
      const largest = ids.reduce((a, b) => (graph.bytes(b) > graph.bytes(a) ? b : a));
      const name = path.relative(dist, largest).replace(/^.*node_modules[\\/]|\.\w+$/g, "");
      return ids.map((id) => [id, `part-${name.replace(/\W+/g, "-")}`] as const);
    }),
  );
}

const entries = new Set(Object.values(ENTRIES).map(fileOf));
let names: ReadonlyMap<string, string> | null = null;

const { output } = await bundle.write({
  dir: folder,
  cleanDir: true,
  format: "es",
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  // Errors are named by their classes, and stacks should be readable.
  keepNames: true,
  minifyInternalExports: false,
  comments: { legal: true, annotation: true, jsdoc: false },
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [
      {
        debugName: "programs",
        name(id, context) {
          const info = (module: string) => context.getModuleInfo(module);
          names ??= namesOf({
            imports: (module) => info(module)?.importedIds.filter((one) => !isOutside(one)) ?? [],
            bytes: (module) => info(module)?.code?.replaceAll(COMMENT, "").length ?? 0,
          });
          return entries.has(id) ? null : (names.get(id) ?? null);
        },
      },
    ],
  },
});

const libraries = new Set<string>();
for (const chunk of output) {
  if (chunk.type !== "chunk") throw new Error(`${chunk.fileName} is no code: leave its library outside`);
  for (const [id, { code }] of Object.entries(chunk.modules)) {
    const library = libraryOf(id);
    if (library === null || code === null) continue;
    libraries.add(library);
    checkLibrary(id, code);
  }
}
writeFileSync(path.join(folder, "LICENCES.txt"), licencesOf(libraries));
process.stdout.write(`${FOLDER}: ${output.length} files, ${libraries.size} libraries inside\n`);
