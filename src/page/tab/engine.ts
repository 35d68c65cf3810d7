/**
 * A node in a worker of the tab, its data in IndexedDB: a whole local network, as `filigree devnet` runs it, with the files of its sectors,
 * where nothing goes over any network; or a node that joins a running one (`join.ts`).
 */
import { Devnet } from "../../node/devnet.ts";
import { PERMISSIONS } from "../../rpc/auth.ts";
import type { Dispatcher } from "../../rpc/dispatcher.ts";
import { Session } from "../../rpc/session.ts";
import type { Beginning, FromEngine, ToEngine } from "./messages.ts";
import { placeOf, type TabOptions } from "./options.ts";

/** Epochs whose states are kept. */
const RETENTION = 1000;

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
const say = (message: FromEngine): void => scope.postMessage(message);
const sessions = new Map<number, Session>();
let dispatcher: Dispatcher | null = null;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
// What is thrown and caught by nobody reaches the page as an error of the worker; promises that nobody awaits do not.
scope.addEventListener("unhandledrejection", ({ reason }) => say({ kind: "trouble", text: textOf(reason) }));

/** Holds the database for this tab until the worker ends; false if another tab has it. */
function lock(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (held) => {
      resolve(held !== null);
      return held === null ? undefined : new Promise(() => undefined);
    });
  });
}

async function own(options: TabOptions): Promise<Dispatcher> {
  const data = placeOf(options);
  if (!(await lock(data))) throw new Error("another tab runs this network; close it, or open a link with another seed");
  const { seed, miners, sectors, accounts, blockTime } = options;
  const network = await Devnet.open({
    seed,
    miners,
    sectors,
    accounts,
    blockTime,
    data,
    machine: "thread",
    retention: RETENTION,
  });
  network.clock.onError = (error) =>
    say({ kind: "trouble", text: `no tipset was made above epoch ${network.head.height}: ${textOf(error)}` });
  network.clock.start();
  return network.dispatcher;
}

async function begin(beginning: Beginning): Promise<void> {
  if (!scope.isSecureContext)
    throw new Error(
      "browsers run this only in pages of this machine (http://localhost:…) or by https: open the page so",
    );
  if (beginning.kind === "begin") dispatcher = await own(beginning.options);
  else {
    // Libraries of the peer-to-peer network are loaded where they are needed.
    const { join } = await import("./join.ts");
    dispatcher = (await join({ ...beginning, retention: RETENTION, lock })).dispatcher;
  }
}

function sessionOf(connection: number): Session {
  const kept = sessions.get(connection);
  if (kept !== undefined) return kept;
  const push = (text: string): void => say({ kind: "text", connection, text });
  const made = new Session({ permissions: PERMISSIONS, version: "v1", push });
  sessions.set(connection, made);
  return made;
}

scope.addEventListener("message", ({ data }: MessageEvent<ToEngine>) => {
  if (data.kind === "begin" || data.kind === "join")
    begin(data).then(
      () => say({ kind: "ready" }),
      (error: unknown) => say({ kind: "failed", text: textOf(error) }),
    );
  else if (data.kind === "close") {
    sessions.get(data.connection)?.close();
    sessions.delete(data.connection);
  } else {
    const { connection, text } = data;
    dispatcher
      ?.answer(text, sessionOf(connection), (reply) => say({ kind: "text", connection, text: reply }))
      .catch((error: unknown) => say({ kind: "trouble", text: textOf(error) }));
  }
});
