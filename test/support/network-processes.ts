/** Networks whose nodes are processes of their own: made, started, killed and asked by what they print. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { platform } from "#platform";
import { initNode } from "../../src/node/joined-node.ts";
import { LocalNetwork } from "../../src/node/local-network.ts";
import { descriptionToJson, type NetworkDescription } from "../../src/node/network-description.ts";
import { TableStore } from "../../src/storage/table-store.ts";
import { networkOptions, waitFor } from "./local-network.ts";

export const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
/** Deno on Node's machines, as `npm run test:deno` has it. */
const DENO = ["--yes", "--package", "deno@2.9.6", "deno", "run", "-A", "--node-modules-dir=manual", MAIN];

export type Runtime = "node" | "deno";
export type Head = { readonly epoch: number; readonly tipset: readonly string[]; readonly blocks: number };
export type Line = Readonly<Record<string, unknown>> & { readonly event: string };

export type Prepared = {
  readonly description: NetworkDescription;
  readonly car: Uint8Array;
  readonly files: { readonly description: string; readonly genesis: string };
};

/**
 * A genesis with miners that nobody owns yet, in files of `folder`. It begins in the future, so that whoever makes it
 * signs nothing.
 */
export async function prepareNetwork(
  folder: string,
  miners: number,
  startsIn: number,
  seed: string,
): Promise<Prepared> {
  const genesisTime = Math.floor(Date.now() / 1000) + startsIn;
  const net = await LocalNetwork.open(networkOptions({ nodes: 1, miners, seed, genesisTime }));
  const car = await net.genesisCar();
  const description = { ...net.describe(), multiaddrs: [], rpc: [] };
  await net.close();
  if (Date.now() >= genesisTime * 1000)
    throw new Error("the machine was too slow: the network began while it was made");
  const files = { description: path.join(folder, "devnet.json"), genesis: path.join(folder, "genesis.car") };
  await writeFile(files.description, JSON.stringify(descriptionToJson(description)));
  await writeFile(files.genesis, car);
  return { description, car, files };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A process that prints JSON lines. */
export class LineProcess {
  readonly lines: Line[] = [];
  first: Line | null = null;
  readonly errors: string[] = [];
  /** The newest head at each epoch, by the node's index. */
  readonly heads = new Map<number, Map<number, Head>>();
  readonly child: ChildProcess;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (text) => this.heard(text));
    this.child.stderr?.on("data", (text: Buffer) => this.errors.push(text.toString()));
  }

  private heard(text: string): void {
    if (!text.startsWith("{")) return;
    const line = JSON.parse(text) as Line & Head & { node: number };
    this.first ??= line;
    if (line.event !== "head") this.lines.push(line);
    else {
      const of = this.heads.get(line.node) ?? new Map<number, Head>();
      this.heads.set(line.node, of);
      of.set(line.epoch, line);
    }
  }

  head(node = 0): Head | null {
    return [...(this.heads.get(node)?.values() ?? [])].at(-1) ?? null;
  }

  line(event: string): Line | null {
    return this.lines.find((line) => line.event === event) ?? null;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.child, "exit");
    // Its whole group: Deno is started by npx.
    process.kill(-(this.child.pid as number), signal);
    await gone;
  }
}

/** A node's folder, and the process in it, which may be killed and started again. */
export class NodeProcess {
  readonly data: string;
  readonly port: number;
  readonly runtime: Runtime;
  readonly mine: readonly string[];
  /** Peers dial it by WebSocket, as pages must. */
  readonly isSocket: boolean;
  run: LineProcess | null = null;

  private constructor(parts: Pick<NodeProcess, "data" | "port" | "runtime" | "mine" | "isSocket">) {
    this.data = parts.data;
    this.port = parts.port;
    this.runtime = parts.runtime;
    this.mine = parts.mine;
    this.isSocket = parts.isSocket;
  }

  static async init(
    data: string,
    { description, car }: Prepared,
    { runtime = "node", mine = [], isSocket = false }: Partial<Pick<NodeProcess, "runtime" | "mine" | "isSocket">> = {},
  ): Promise<NodeProcess> {
    const store = await TableStore.open(data, platform.openTable);
    await initNode(store, description, {
      size: car.length,
      read: async (from, length) => car.slice(from, from + length),
    });
    await store.close();
    return new NodeProcess({ data, port: await freePort(), runtime, mine, isSocket });
  }

  /** Where peers dial it; its identity is learnt as they do. */
  get address(): string {
    return `/ip4/127.0.0.1/tcp/${this.port}${this.isSocket ? "/ws" : ""}`;
  }

  start(bootstrap: readonly string[]): void {
    const args = ["node", "start", "--json", "--data", this.data, "--listen", this.address];
    for (const one of bootstrap) args.push("--bootstrap", one);
    for (const one of this.mine) args.push("--mine", one);
    this.run =
      this.runtime === "deno"
        ? new LineProcess("npx", [...DENO, ...args])
        : new LineProcess(process.execPath, [MAIN, ...args]);
  }

  async kill(): Promise<void> {
    await this.run?.kill();
  }

  async call<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    const url = this.run?.line("start")?.["url"];
    if (typeof url !== "string") throw new Error(`the node in ${this.data} has not said where it is`);
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: `Filecoin.${method}`, params });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { result, error } = (await response.json()) as { result?: T; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as T;
  }

  /** The tipset that its chain has at an epoch, or before it over null rounds. */
  async keyAt(epoch: number): Promise<string> {
    const { Cids } = await this.call<{ Cids: { "/": string }[] }>("ChainGetTipSetByHeight", epoch, []);
    return Cids.map((cid) => cid["/"]).join();
  }

  /** Who made the blocks of that tipset. */
  async producersAt(epoch: number): Promise<string[]> {
    const { Blocks } = await this.call<{ Blocks: { Miner: string }[] }>("ChainGetTipSetByHeight", epoch, []);
    return Blocks.map(({ Miner }) => Miner);
  }

  async height(): Promise<number> {
    return (await this.call<{ Height: number }>("ChainHead")).Height;
  }
}

/** The epoch two below the lowest head if all nodes have the same tipset there, else null. */
export async function commonEpoch(nodes: readonly NodeProcess[]): Promise<number | null> {
  try {
    const height = Math.min(...(await Promise.all(nodes.map((node) => node.height())))) - 2;
    if (height < 1) return null;
    const keys = await Promise.all(nodes.map((node) => node.keyAt(height)));
    return new Set(keys).size === 1 ? height : null;
  } catch {
    return null;
  }
}

/** A command in a process of its own that tells what it does line by line. */
export const filigree = (...words: string[]): LineProcess =>
  new LineProcess(process.execPath, [MAIN, ...words, "--json"]);

/** The address of the JSON-RPC of a node that was just begun, once it tells it. */
export async function started(node: LineProcess, ms: number): Promise<string> {
  await waitFor("a node's address", () => (node.first === null ? node.child.exitCode : node.first) !== null, ms);
  if (node.first === null) throw new Error(node.errors.join(""));
  const { url, rpc } = node.first as unknown as { readonly url?: string; readonly rpc?: readonly string[] };
  return url ?? (rpc?.[0] as string);
}
