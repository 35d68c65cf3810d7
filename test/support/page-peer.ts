/** Starts the node that pages dial (`page-peer.mjs`), and ends it after the last test. */
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { TestProject } from "vitest/node";

export default async function setup(project: TestProject): Promise<() => void> {
  const child = spawn(process.execPath, [path.resolve("test/support/page-peer.mjs")], { stdio: ["ignore", "pipe", 2] });
  const first = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout as Readable).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the node that pages dial ended with ${code}; was it built?`)));
  });
  project.provide("pagePeer", JSON.parse(first) as { address: string; genesis: string; name: string });
  return () => {
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
  };
}

declare module "vitest" {
  export interface ProvidedContext {
    pagePeer: { readonly address: string; readonly genesis: string; readonly name: string };
  }
}
