/**
 * Commands without a process each, whose start takes longer than what most of them do: one process is kept, and runs them one after the
 * other. Not for what reads standard input or serves, and not where starting is what is tested.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type Outcome = { readonly code: number; readonly out: string; readonly err: string };
export type KeptProcess = {
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
  close(): Promise<void>;
};

export function startKeptProcess(cwd: string): KeptProcess {
  const script = fileURLToPath(new URL("kept-process.mjs", import.meta.url));
  const child = spawn(process.execPath, [script], { cwd });
  const waiting: { resolve(outcome: Outcome): void; reject(error: Error): void }[] = [];
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line) as Outcome));
  let isOver = false;
  const ended = new Promise<void>((resolve) =>
    child.once("close", (code, signal) => {
      isOver = true;
      for (const { reject } of waiting.splice(0)) reject(new Error(`the process ended, ${signal ?? code}: ${said}`));
      resolve();
    }),
  );
  return {
    run: (args, env = {}) =>
      new Promise((resolve, reject) => {
        if (isOver) return reject(new Error(`the process has ended: ${said}`));
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify({ args, env })}\n`);
      }),
    close: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
