/**
 * A simulated network in somebody's hands: epochs pass on call; nodes are stopped and started, parted and joined, links made
 * slow and lossy. The same seed and calls come to the same chains. What is real in it and what is simulated: `simulation.ts`.
 *
 * Between two calls the clock stands where an epoch's blocks are everywhere and the next ones are not begun.
 */
import { describeError } from "../base/errors.ts";
import type { Chain } from "../chain/chain.ts";
import type { DevAccount } from "../node/accounts.ts";
import type { Address } from "../types/address.ts";
import { turn, VirtualClock } from "./clock.ts";
import { SimDisk } from "./disk.ts";
import { allPairs, Links, NO_FAULTS } from "./links.ts";
import { HONEST, type NodeEvent, SimNode } from "./node.ts";
import { Random } from "./random.ts";
import { Spine } from "./spine.ts";
import { EPOCH_SECONDS, GENESIS_TIME, openSimNetwork, type SimNetwork } from "./world.ts";

export type SteeredOptions = {
  readonly seed: string;
  /** Each with a miner of one sector; all are linked with all. */
  readonly nodes: number;
  readonly accounts: number;
};

const EPOCH_MS = 1000 * EPOCH_SECONDS;
/** Moment of an epoch at which calls find the network. */
const REST_MS = 9000;
/** Milliseconds of the network's clock: steps in which is waited for a node, and how long at most. */
const WAIT_MS = 20;
const PATIENCE_MS = 20_000;

type Place = { readonly disk: SimDisk; readonly machine: Random; readonly spine: Spine; node: SimNode | null };

export class SteeredNetwork {
  readonly net: SimNetwork;
  readonly links: Links;
  private readonly clock: VirtualClock;
  private readonly places: readonly Place[];
  private readonly reorgs: number[];
  private at = 0;
  private fault: Error | null = null;

  private constructor(seed: string, net: SimNetwork) {
    const random = new Random(seed);
    const nodes = net.local.miners.length;
    this.net = net;
    this.clock = new VirtualClock(1000 * GENESIS_TIME, turn);
    this.links = new Links(this.clock, random.stream("links"), nodes, NO_FAULTS, allPairs(nodes));
    this.places = Array.from({ length: nodes }, (_, i) => ({
      disk: new SimDisk(this.clock, random.stream(`disk/${i}`), net.genesis),
      machine: random.stream(`machine/${i}`),
      spine: new Spine(),
      node: null,
    }));
    this.reorgs = this.places.map(() => 0);
  }

  /** A network whose nodes are all up, at its genesis. */
  static async open({ seed, nodes, accounts }: SteeredOptions): Promise<SteeredNetwork> {
    const made = new SteeredNetwork(seed, await openSimNetwork(`steered/${seed}`, nodes, true, accounts));
    for (const index of made.indexes) made.start(index);
    await made.rest();
    return made;
  }

  get indexes(): readonly number[] {
    return this.places.map((_, i) => i);
  }

  get accounts(): readonly DevAccount[] {
    return this.net.accounts;
  }

  get miners(): readonly Address[] {
    return this.net.local.miners.map(({ address }) => address);
  }

  /** The epoch of the network's clock. */
  get epoch(): number {
    return this.at;
  }

  /** What a node knows of its chain, also while it is down. */
  spine(index: number): Spine {
    return this.place(index).spine;
  }

  /** Tipsets that a node has reverted at once, at most. */
  deepestReorg(index: number): number {
    return this.reorgs[index] ?? 0;
  }

  isOn(index: number): boolean {
    return this.place(index).node?.life.alive === true;
  }

  /** A node that is up; throws where it is not. */
  node(index: number): SimNode {
    const { node } = this.place(index);
    if (node?.isUp !== true) throw new Error(`node ${index} is down`);
    return node;
  }

  /** Lets epochs pass. Throws what failed in a node by itself. */
  async pass(epochs: number): Promise<void> {
    for (let i = 0; i < epochs; i++) {
      this.at++;
      await this.clock.runUntil(this.begin());
      this.links.dialAll();
      await this.rest();
    }
  }

  /** Waits for something that a node does: the clock goes on meanwhile, as far as that takes. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = (): void => {
      isDone = true;
    };
    work.then(end, end);
    await turn();
    for (let ms = 0; !isDone && ms < PATIENCE_MS; ms += WAIT_MS) await this.clock.runUntil(this.clock.now() + WAIT_MS);
    if (!isDone) throw new Error(`a node did not do it in ${PATIENCE_MS / 1000} s of the network's time`);
    return work;
  }

  /** Makes something happen after so many milliseconds of the network's clock. */
  after(ms: number, run: () => void): void {
    this.clock.after(ms, run);
  }

  /** The power goes: what was not synced to the disk yet may be lost. */
  stop(index: number): void {
    this.place(index).node?.crash();
  }

  /** Starts a node over its disk, if it is down; it is up in the next epoch. */
  start(index: number): void {
    const place = this.place(index);
    if (this.isOn(index)) return;
    const node = new SimNode({
      ...{ index, net: this.net, clock: this.clock, links: this.links, behaviour: HONEST },
      ...{ disk: place.disk, random: place.machine },
      onEvent: (event) => this.heard(index, event),
      opened: (chain) => this.watch(index, node, chain),
    });
    node.nodeAt = (other) => this.places[other]?.node ?? undefined;
    place.node = node;
    node.start().catch((error: unknown) => this.failed(index, "start", error));
  }

  private place(index: number): Place {
    const place = this.places[index];
    if (place === undefined) throw new Error(`there is no node ${index}; there are 0 to ${this.places.length - 1}`);
    return place;
  }

  private begin(): number {
    return 1000 * GENESIS_TIME + this.at * EPOCH_MS;
  }

  /** Throws what failed in a node by itself and was not told yet. */
  check(): void {
    const { fault } = this;
    this.fault = null;
    if (fault !== null) throw fault;
  }

  private async rest(): Promise<void> {
    await this.clock.runUntil(this.begin() + REST_MS);
    this.check();
  }

  private async watch(index: number, node: SimNode, chain: Chain): Promise<void> {
    const { spine } = this.place(index);
    await spine.read(chain);
    chain.onHeadChange((changes) => {
      if (!node.life.alive) return;
      spine.moved(changes);
      const reverts = changes.filter(({ type }) => type === "revert").length;
      this.reorgs[index] = Math.max(this.deepestReorg(index), reverts);
    });
  }

  private heard(index: number, event: NodeEvent): void {
    if (event.kind === "fault") this.failed(index, event.where, event.error);
    else if (event.kind === "mining" && event.event.kind === "failed") this.failed(index, "mining", event.event.error);
  }

  /** The first failure is the one that is told. */
  private failed(index: number, where: string, cause: unknown): void {
    this.fault ??= new Error(`node ${index} failed by itself (${where}): ${describeError(cause)}`, { cause });
  }
}
