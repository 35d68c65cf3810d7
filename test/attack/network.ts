/** A network in its own process, as a user starts it, and what can be done to that process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { call } from "../support/devnet.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));

export type Line = {
  readonly event: string;
  readonly url?: string;
  readonly epoch?: number;
  readonly key?: readonly string[];
  readonly message?: string;
  readonly accounts?: readonly { readonly secp256k1: string; readonly bls: string; readonly id: string }[];
};
export type Announced = { readonly epoch: number; readonly key: readonly string[] };

export class Network {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  stderr = "";
  private readonly listeners = new Set<() => void>();
  private ended = false;

  constructor(data: string, ...args: readonly string[]) {
    const all = [MAIN, "devnet", "--json", "--seed", "attack", "--balance", "1000", "--port", "0", "--data", data];
    // Attacks that are not about sectors have the producer without elections, whose every epoch has a tipset.
    const bare = args.includes("--miners") ? [] : ["--miners", "0"];
    this.child = spawn(process.execPath, [...all, ...bare, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (text) => {
      this.lines.push(JSON.parse(text) as Line);
      this.wake();
    });
    this.child.stderr?.on("data", (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.child.on("close", () => {
      this.ended = true;
      this.wake();
    });
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  get url(): string {
    return this.lines.find(({ event }) => event === "start")?.url ?? "";
  }

  get tipsets(): Announced[] {
    return this.lines.filter(({ event }) => event === "tipset") as unknown as Announced[];
  }

  /** Resolves when `what` holds or the process has ended; throws after `ms`. */
  async until(what: () => boolean, ms = 60_000): Promise<void> {
    if (what() || this.ended) return;
    let listener = (): void => {};
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        listener = () => (what() || this.ended ? resolve() : undefined);
        this.listeners.add(listener);
        timer = setTimeout(() => reject(new Error(`nothing for ${ms} ms: ${this.stderr.slice(-500)}`)), ms);
      });
    } finally {
      clearTimeout(timer);
      this.listeners.delete(listener);
    }
  }

  /** Waits for so many tipsets of this process. Throws if it ends before. */
  async mined(count: number, ms?: number): Promise<void> {
    await this.until(() => this.tipsets.length >= count, ms);
    if (this.tipsets.length < count) throw new Error(`the network ended: ${this.stderr.slice(-1000)}`);
  }

  call<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    return call<T>(this.url, `Filecoin.${method}`, params);
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.ended) return;
    this.child.kill(signal);
    if (!this.ended) await once(this.child, "close");
  }
}

/** Throws unless a network that was started again still has what it, or one before it, had announced. */
export async function checkKept(network: Network, last: Announced): Promise<void> {
  const tipset = await network.call<{ Cids: { "/": string }[] }>("ChainGetTipSetByHeight", last.epoch, null);
  const found = tipset.Cids.map((cid) => cid["/"]).join();
  if (found !== last.key.join()) throw new Error(`epoch ${last.epoch}: ${found} instead of ${last.key.join()}`);
}
