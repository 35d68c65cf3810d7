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

/** Commands that are files of `cli/commands`. Each loads its own file alone. */
const COMMANDS =
  "auth bundle chain client commp conformance devnet lab miner mpool net node params paych provider prove replay retr scenario seal send state sync unseal verify wallet worker";

const program = (weight: number, ...starts: readonly string[]): Program => ({ starts, weight });

/** What is started, and so decides which modules lie in one file. */
export const PROGRAMS: readonly Program[] = [
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
  ...COMMANDS.split(" ").map((name) => program(name === "devnet" ? 5 : 1, "cli/main.js", `cli/commands/${name}.js`)),
];
