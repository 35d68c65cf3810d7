/**
 * A local network for a demonstration: each node a process, whose clocks are moved ahead together, so that days pass in
 * seconds. Nothing else of time is made up: blocks are made, sent, validated and agreed on as anywhere.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { platform } from "#platform";
import { connect, type NodeClient } from "../../client.ts";
import { type DevAccount, PUBLIC_MNEMONIC } from "../../node/accounts.ts";
import { initNode } from "../../node/joined-node.ts";
import { LocalNetwork } from "../../node/local-network.ts";
import type { NetworkDescription } from "../../node/network-description.ts";
import { TableStore } from "../../storage/table-store.ts";
import { FIL } from "../../types/amount.ts";
import type { FromNode, NodeSpec, ToNode } from "./node-process.ts";

const ENTRY = fileURLToPath(new URL("./node-process.js", import.meta.url));
/** A busy machine takes its time to load a node. */
const START_MS = 600_000;
/** Epochs that clocks are moved by at a time: no more null rounds are stood on by one block. */
export const HOP = 60;
/** Of the beacon: an entry an epoch would take most of the time of a day that passes in a minute. */
const BEACON_SECONDS = 15;
/** Milliseconds in which no node has come further. */
const STUCK_MS = 300_000;
/** Looks at heads that differ, of so many milliseconds each, before an epoch more passes. */
const LOOKS = 4;
const LOOK_MS = 100;

/** One node, which can be stopped, killed and started again. */
export class DemoNode {
  readonly name: string;
  readonly spec: NodeSpec;
  head = { epoch: 0, key: "" };
  url = "";
  multiaddr = "";
  readonly faults: string[] = [];
  readonly lost: Record<string, number> = {};
  /** Peers that it has banned, and why, as of each stop. */
  readonly banned: string[] = [];
  private child: ChildProcess | null = null;
  private readonly acks = new Map<number, () => void>();
  private onHead: () => void;
  private acked = 0;
  private starts = 0;

  constructor(name: string, spec: NodeSpec, onHead: () => void) {
    this.name = name;
    this.spec = spec;
    this.onHead = onHead;
  }

  get isRunning(): boolean {
    return this.child !== null;
  }

  /** Milliseconds that the clocks are ahead; resolves when the node serves. */
  async start(ahead: number): Promise<void> {
    const lossSeed = `${this.spec.lossSeed}/${this.name}/${++this.starts}`;
    const child = fork(ENTRY, [JSON.stringify({ ...this.spec, ahead, lossSeed })], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child = child;
    const told: string[] = [];
    child.stderr?.on("data", (bytes: Buffer) => told.push(`${bytes}`));
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${this.name} did not start in ${START_MS / 1000} s`));
        child.kill("SIGKILL");
      }, START_MS);
      child.on("error", reject);
      child.on("message", (message: FromNode) => {
        if (message.kind !== "ready") return this.heard(message);
        clearTimeout(timer);
        this.url = message.url;
        this.multiaddr = message.multiaddrs[0] as string;
        resolve();
      });
      child.on("exit", (code, signal) => {
        clearTimeout(timer);
        if (this.child === child) this.child = null;
        for (const done of this.acks.values()) done();
        this.acks.clear();
        this.onHead();
        reject(new Error(`${this.name} ended as it started (${code ?? signal}): ${told.join("").slice(-2000)}`));
      });
    });
    await ready;
  }

  private heard(message: FromNode): void {
    if (message.kind === "done") {
      this.acks.get(message.id)?.();
      this.acks.delete(message.id);
    } else if (message.kind === "head") {
      this.head = { epoch: message.epoch, key: message.key };
      this.onHead();
    } else if (message.kind === "fault") this.faults.push(message.text);
    else if (message.kind === "banned") this.banned.push(...message.peers);
    else if (message.kind === "lost")
      for (const [kind, count] of Object.entries(message.counts)) this.lost[kind] = (this.lost[kind] ?? 0) + count;
  }

  /** Resolves when the node has the time. */
  tell(ahead: number): Promise<void> {
    return this.done((id) => ({ kind: "clock", ahead, id }));
  }

  /** Resolves when the node's deals and sealing wait for the next epoch, or for a peer. */
  rest(): Promise<void> {
    return this.done((id) => ({ kind: "rest", id }));
  }

  /** Resolves when the node has its connections and fetches nothing, or has had its time for it. */
  joined(): Promise<void> {
    return this.done((id) => ({ kind: "joined", id }));
  }

  /** Resolves when the node has done what it is told, or has ended. */
  private async done(message: (id: number) => ToNode): Promise<void> {
    const { child } = this;
    if (child === null || !child.connected) return;
    const id = ++this.acked;
    await new Promise<void>((resolve) => {
      this.acks.set(id, resolve);
      this.send(child, message(id), resolve);
    });
  }

  private send(child: ChildProcess, message: ToNode, failed: () => void = () => undefined): void {
    child.send(message, (error) => error !== null && failed());
  }

  async stop(): Promise<void> {
    await this.ended((child) => this.send(child, { kind: "stop" }));
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.ended((child) => void child.kill("SIGKILL"));
  }

  private async ended(end: (child: ChildProcess) => void): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    end(child);
    await exited;
  }

  get rpc(): NodeClient {
    return connect(this.url);
  }

  request<T>(method: string, ...params: readonly unknown[]): Promise<T> {
    return this.rpc.request(method.includes(".") ? method : `Filecoin.${method}`, ...params) as Promise<T>;
  }
}

export type WorldOptions = {
  readonly folder: string;
  /** Names of the nodes with a miner each, and of those without. */
  readonly providers: readonly string[];
  readonly clients: readonly string[];
  readonly accounts: number;
  readonly seed: string;
  readonly loss: number;
};

export class DemoWorld {
  readonly nodes: readonly DemoNode[];
  readonly accounts: readonly DevAccount[];
  readonly description: NetworkDescription;
  /** Milliseconds that the clocks are ahead of the machine's. */
  private ahead = 0;
  private look: () => void = () => undefined;

  private constructor(
    specs: readonly (readonly [string, NodeSpec])[],
    net: Pick<DemoWorld, "accounts" | "description">,
  ) {
    this.accounts = net.accounts;
    this.description = net.description;
    this.nodes = specs.map(([name, spec]) => new DemoNode(name, spec, () => this.look()));
  }

  static async open({ folder, providers, clients, accounts, seed, loss }: WorldOptions): Promise<DemoWorld> {
    const net = await LocalNetwork.open({
      ...{ nodes: 1, miners: providers.length, apart: providers.length, sectors: 1, accounts, balance: 1000n * FIL },
      ...{
        seed,
        mnemonic: PUBLIC_MNEMONIC,
        blockTime: 1,
        beaconPeriod: BEACON_SECONDS,
        genesisTime: Math.floor(Date.now() / 1000),
      },
      ...{
        listen: "/ip4/127.0.0.1/tcp/0",
        dataOf: null,
        reset: false,
        repair: false,
        machine: "thread",
        version: "demo",
      },
    });
    const car = await net.genesisCar();
    const description = { ...net.describe(), multiaddrs: [], rpc: [] };
    await net.close();
    const specs: [string, NodeSpec][] = [];
    for (const [i, name] of [...providers, ...clients].entries()) {
      const data = path.join(folder, name);
      const store = await TableStore.open(data, platform.openTable);
      await initNode(store, description, {
        size: car.length,
        read: async (from, length) => car.slice(from, from + length),
      });
      await store.close();
      const miner = description.miners[i]?.address;
      specs.push([
        name,
        {
          ...{
            data,
            listen: `/ip4/127.0.0.1/tcp/${await freePort()}`,
            port: await freePort(),
            ahead: 0,
            loss,
            lossSeed: seed,
          },
          ...{ bootstrap: specs.map(([, { listen }]) => listen), mine: miner === undefined ? [] : [miner] },
        },
      ]);
    }
    const world = new DemoWorld(specs, { accounts: net.accounts, description });
    try {
      for (const node of world.nodes) await world.start(node);
      return world;
    } catch (error) {
      // Those that have started would keep this process, and run on after it.
      await world.close();
      throw error;
    }
  }

  start(node: DemoNode): Promise<void> {
    return node.start(this.ahead);
  }

  get epoch(): number {
    return Math.max(...this.nodes.map(({ head }) => head.epoch));
  }

  private get running(): readonly DemoNode[] {
    return this.nodes.filter(({ isRunning }) => isRunning);
  }

  /** Moves all clocks to an epoch above the head, and waits until all running nodes have a tipset of it or above. */
  async hop(epoch: number): Promise<void> {
    // A connection that broke is made again, and a fork fetched, within an epoch of any other network.
    if (this.isLossy) await Promise.all(this.running.map((node) => node.joined()));
    const { genesis, epochSeconds } = this.description;
    const wanted = 1000 * (genesis.time + epoch * epochSeconds);
    this.ahead = Math.max(this.ahead, wanted - Date.now());
    await Promise.all(this.running.map((node) => node.tell(this.ahead)));
    let [late, seen] = [0, ""];
    for (;;) {
      const heads = this.running.map(({ head }) => head);
      const now = heads.map(({ epoch: at }) => at).join();
      if (now !== seen) [late, seen] = [Date.now() + STUCK_MS, now];
      if (heads.length === 0 || heads.every(({ epoch: at }) => at >= epoch)) return;
      if (Date.now() > late) throw new Error(`no tipset of epoch ${epoch} that all nodes have: ${this.standing()}`);
      await this.looked(1000);
    }
  }

  /** Lets epochs pass until the head stands at one, or above. */
  async passTo(epoch: number): Promise<void> {
    while (this.epoch < epoch) {
      // Deadlines must not pass while nodes are on chains of their own, for want of blocks that are lost: each has proofs alone.
      if (this.isLossy) await this.agree();
      if (this.epoch < epoch) await this.hop(Math.min(this.epoch + HOP, epoch));
    }
  }

  private get isLossy(): boolean {
    return this.nodes.some(({ spec }) => spec.loss > 0);
  }

  /** Lets epochs pass one by one. */
  async pass(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.hop(this.epoch + 1);
  }

  /** Lets epochs pass one by one while something is under way. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const watched = work.finally(() => {
      isOver = true;
    });
    watched.catch(() => undefined);
    while (!isOver) {
      await this.pass(1);
      // What was asked of a node has its turn.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return watched;
  }

  /**
   * Lets epochs pass one by one until something is so; rejects after too many. While deals are worked at no epoch is made up: what a
   * slow processor takes is not taken off the epochs that a deal has until its start.
   */
  async until(what: string, isSo: () => Promise<boolean>, most = 600): Promise<void> {
    for (let passed = 0; !(await isSo()); passed++) {
      if (passed > most) throw new Error(`${most} epochs passed, and waited still for ${what}`);
      const own = new Promise((resolve) => setTimeout(resolve, 1000 * this.description.epochSeconds));
      await Promise.race([own, Promise.all(this.running.map((node) => node.rest()))]);
      await this.pass(1);
    }
  }

  /** Lets epochs pass until all running nodes stand on the same tipset: messages and blocks that were lost come once more. */
  async agree(most = 600): Promise<void> {
    const isSo = (): boolean => {
      const [first, ...others] = this.running.map(({ head }) => head.key);
      return others.every((key) => key === first);
    };
    for (let passed = 0; ; passed++) {
      // What is on its way yet comes soon.
      for (let looks = 0; looks < LOOKS && !isSo(); looks++) await this.looked(LOOK_MS);
      if (isSo()) return;
      if (passed > most)
        throw new Error(`${most} epochs passed, and the nodes have no head in common: ${this.standing()}`);
      await this.pass(1);
    }
  }

  /** Where the nodes stand, and what went wrong of late. */
  private standing(): string {
    return this.running
      .map(({ name, head, faults }) => `${name} at ${head.epoch} (${faults.slice(-3).join("; ")})`)
      .join(", ");
  }

  /** Resolves when a node's head has moved, or after so many milliseconds. */
  private looked(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.look = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop().catch(() => node.kill())));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
