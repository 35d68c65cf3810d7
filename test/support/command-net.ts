/** A local network as users start it: `filigree devnet --json` in a process of its own. Node only. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type CommandAccount = {
  readonly id: string;
  readonly secp256k1: string;
  readonly bls: string;
  readonly keys: { readonly secp256k1: string; readonly bls: string; readonly ethereum: string };
};

export type CommandNet = {
  readonly url: string;
  readonly accounts: readonly CommandAccount[];
  /** The first line of the output, parsed. */
  readonly start: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
};

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));

/** Starts `filigree devnet --memory --port 0 --json` with more options. */
export const startCommandNet = (...options: readonly string[]): Promise<CommandNet> => startNetOf(MAIN, ...options);

/** The same with the command in another place, as of an installed package. */
export async function startNetOf(main: string, ...options: readonly string[]): Promise<CommandNet> {
  const child = spawn(process.execPath, [main, "devnet", "--memory", "--port", "0", "--json", ...options]);
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const close = async (): Promise<void> => {
    stop(child);
    await ended;
  };
  for await (const line of createInterface(child.stdout)) {
    const start = JSON.parse(line) as Record<string, unknown>;
    if (start["event"] !== "start") continue;
    child.stdout.resume();
    return { url: start["url"] as string, accounts: start["accounts"] as CommandAccount[], start, close };
  }
  throw new Error(`the network did not start: ${errors}`);
}

function stop(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
}
