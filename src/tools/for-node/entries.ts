/** What the package's form for Node starts with, what stays outside it, and what of it starts together. */

/** Its folder in `dist`. */
export const FOLDER = "for-node";

/** Entries of the form, and the files of `dist` that they are made of. */
export const ENTRIES: Readonly<Record<string, string>> = {
  index: "index.js",
  vm: "vm.js",
  codec: "codec.js",
  client: "client.js",
  provider: "provider.js",
  proofs: "proofs.js",
  vitest: "vitest.js",
  queue: "queue/index.js",
  "machine-worker": "exec/worker.js",
  "proving-worker": "proving/worker.js",
  cli: "cli/main.js",
};

/** Libraries that are loaded from where they are installed; all others are in the form. */
export const OUTSIDE: readonly string[] = [
  // A native module.
  "classic-level",
  // Starts files of its own in threads.
  "piscina",
  // Takes native modules where there are any.
  "ws",
  "pg",
  "pg-boss",
  // The caller's.
  "vitest",
];

/** A program of the form: the modules that it starts with, and how much its start counts beside others'. */
export type Program = { readonly starts: readonly string[]; readonly weight: number };

const program = (weight: number, ...starts: readonly string[]): Program => ({ starts, weight });

/** What is started beside the commands. */
const PROGRAMS: readonly Program[] = [
  program(10, "vm.js"),
  program(10, "exec/worker.js"),
  program(10, "codec.js"),
  program(10, "proofs.js"),
  program(5, "proving/worker.js"),
  program(10, "index.js", "vitest.js", "provider.js"),
  program(10, "cli/main.js"),
  // Small: whoever only asks a node should not load what the command line does.
  program(40, "client.js"),
  program(1, "queue/index.js"),
];

/** How much the start of a command counts; of all others 1. */
const WEIGHTS: Readonly<Record<string, number>> = { devnet: 5 };
const COMMAND_FILE = /import\("\.\/commands\/([\w-]+)\.js"\)/g;

/**
 * What is started, and so decides which modules lie in one file. `commands`: the text of `cli/commands.js`, whose files are each loaded alone.
 */
export function programsOf(commands: string): readonly Program[] {
  const names = [...commands.matchAll(COMMAND_FILE)].map(([, name]) => name as string).sort();
  if (names.length === 0) throw new Error("cli/commands.js loads no file of cli/commands: is it loaded otherwise now?");
  return [...PROGRAMS, ...names.map((name) => program(WEIGHTS[name] ?? 1, "cli/main.js", `cli/commands/${name}.js`))];
}
