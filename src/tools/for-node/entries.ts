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

const commands = (...names: readonly string[]): string[] => names.map((name) => `cli/commands/${name}.js`);

/**
 * Programs that load much of the same. A module lies in a file with those that are wanted by the same programs, so that none
 * loads what only others need, and there are few files.
 */
export const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  network: ["index.js", "vitest.js", "provider.js"],
  vm: ["vm.js"],
  codec: ["codec.js"],
  proofs: ["proofs.js"],
  machine: ["exec/worker.js"],
  proving: ["proving/worker.js"],
  start: ["client.js", "cli/main.js"],
  ask: commands("auth", "client", "mpool", "net", "provider", "retr", "sync"),
  keys: commands("paych", "send", "wallet"),
  tools: ["queue/index.js", ...commands("commp", "params", "prove", "seal", "unseal", "verify", "worker")],
  devnet: commands("devnet", "lab", "node"),
  read: commands("bundle", "chain", "conformance", "replay", "state"),
};
