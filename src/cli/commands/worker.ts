/** `filigree worker` and `filigree store`: proving on many machines. */
import { stat } from "node:fs/promises";
import { totalmem } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { platform } from "#platform";
import { toHex } from "../../base/bytes.ts";
import { LOOPBACK_HOSTS } from "../../node/rpc-part.ts";
import type { BlobStore } from "../../queue/store.ts";
import { explain, hasSystemCode, UnreachableError, UsageError } from "../errors.ts";
import { stopSignal } from "../interrupt.ts";
import { printJson } from "../json.ts";
import { parseWorkers, wholeNumber } from "../options.ts";
import { countText } from "../terminal.ts";

type WorkerCommand = {
  readonly queue: string;
  readonly store: string;
  readonly workers?: number;
  readonly memory?: number;
  readonly json?: true;
};
type StoreCommand = { readonly host: string; readonly port: number; readonly json?: true };

/** Where the store's token stands, so that it is in no list of processes. */
const TOKEN = "FILIGREE_STORE_TOKEN";
/** What can be done when nothing listens. */
const QUEUE_ADVICE = { ECONNREFUSED: "nothing listens there; start PostgreSQL, or give another address with --queue" };
const STORE_ADVICE = { ECONNREFUSED: "nothing listens there; start `filigree store`, or give another --store" };

export function registerWorker(program: Command): void {
  program
    .command("worker")
    .description("take jobs of sealing and proving from a queue on PostgreSQL, and do them (Node 20 or newer)")
    .requiredOption("--queue <url>", "the database, as postgres://user@host/name")
    .requiredOption(
      "--store <url>",
      `folder that the machines share, or address of a \`filigree store\` (token: ${TOKEN})`,
    )
    .option("--workers <n>", "worker threads (default: one per core)", parseWorkers)
    .option(
      "--memory <MiB>",
      "most memory that its jobs together may take (default: three quarters)",
      wholeNumber(512, 2 ** 24),
    )
    .option("--json", "one JSON object for each job")
    .action(work);
  program
    .command("store")
    .description("serve a folder of bytes to workers on other machines")
    .argument("<folder>", "where the bytes lie")
    .option("--host <address>", "address to listen on; beyond loopback a token is asked for", "127.0.0.1")
    .option("--port <n>", "port; 0 takes a free one", wholeNumber(0, 65535), 4360)
    .option("--json", "print one JSON object: url")
    .action(serve);
}

/** Aborted by the first Ctrl-C or SIGTERM: the process then ends in order. */
function ending(): AbortSignal {
  const end = new AbortController();
  void stopSignal().then(() => end.abort(new Error("the worker ends")));
  return end.signal;
}

async function work({ queue, store, workers = platform.cores, memory, json }: WorkerCommand): Promise<void> {
  if (!/^postgres(ql)?:\/\//.test(queue)) throw new UsageError("--queue takes postgres://user@host/name");
  // Loaded here: other commands start without the database's client.
  const { openStore, releaseName, runWorker } = await import("../../queue/index.ts");
  const release = await releaseName();
  const place = /^[a-z]+:/.test(store) ? store : path.resolve(store);
  const most = memory ?? Math.max(512, Math.floor((0.75 * totalmem()) / 2 ** 20));
  const line = (value: Record<string, unknown>, text: string): void => {
    if (json === true) printJson(value);
    else process.stdout.write(`${text}\n`);
  };
  const bytes = openStore(place, process.env[TOKEN]);
  await checkStore(bytes, place);
  line(
    { release, workers, memory: most },
    `worker of release ${release}: ${countText(workers, "thread")}, ${most} MiB`,
  );
  await runWorker({
    url: queue,
    store: bytes,
    release,
    workers,
    memory: most,
    signal: ending(),
    onJob: (kind, outcome) => line({ kind, outcome }, `${kind}: ${outcome}`),
    onTrouble: (error) => process.stderr.write(`${explain(error)}\n`),
  }).catch((cause: unknown) => {
    // Its own losses a worker outlives: what ends it is the database at the start.
    const { hostname, port } = new URL(queue);
    const database = `PostgreSQL at ${hostname}:${port || "5432"}`;
    if (hasSystemCode(cause)) throw new UnreachableError(database, cause, QUEUE_ADVICE);
    throw new Error(`${database} refuses; look at user, password and name of the database in --queue`, { cause });
  });
}

/** Looks whether a store is there, before jobs are taken that need it. */
async function checkStore(store: BlobStore, place: string): Promise<void> {
  if (store.folder !== null) return requireFolder(store.folder, "--store");
  await store.has(`blobs/${"0".repeat(64)}`).catch((cause: unknown) => {
    if (hasSystemCode(cause)) throw new UnreachableError(`the store at ${place}`, cause, STORE_ADVICE);
    throw new Error(`the store at ${place} cannot be used (its token goes into ${TOKEN})`, { cause });
  });
}

/** Throws if there is no such folder. */
async function requireFolder(folder: string, name: string): Promise<void> {
  const info = await stat(folder).catch(() => null);
  if (info?.isDirectory() === true) return;
  throw new Error(`${name} ${folder}: ${info === null ? "no such folder; make it first" : "no folder"}`);
}

async function serve(folder: string, { host, port, json }: StoreCommand): Promise<void> {
  await requireFolder(folder, "folder");
  const { serveStore } = await import("../../platform/node-store.ts");
  const isLocal = LOOPBACK_HOSTS.includes(host);
  const token = process.env[TOKEN] ?? (isLocal ? null : toHex(platform.randomBytes(16)));
  const server = await serveStore({ folder: path.resolve(folder), host, port, token });
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`;
  const made = token !== null && process.env[TOKEN] === undefined ? { token } : {};
  if (json === true) printJson({ url, ...made });
  else process.stdout.write(`store at ${url}${"token" in made ? `; workers need ${TOKEN}=${token}` : ""}\n`);
  const signal = ending();
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  await server.close();
}
