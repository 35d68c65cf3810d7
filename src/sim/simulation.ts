/**
 * A whole network in one process: nodes with their disks, wires, weather and adversaries, under one virtual clock. What
 * happens follows from the seed alone; after each epoch the properties are checked (`properties.ts`).
 *
 * What is simulated: time, wires, disks, gossip (by flooding), streams. What is real: chain, validation, synchronisation,
 * fork choice, mining and its slash filter, pool, execution, signatures; proofs of spacetime are attested, as on every
 * local network. Computing takes no virtual time.
 */
import { describeError, isFilError } from "../base/errors.ts";
import { signMessage } from "../keys/keys.ts";
import type { DevAccount } from "../node/accounts.ts";
import { headerCid } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";
import { adversaries } from "./adversaries.ts";
import { VirtualClock } from "./clock.ts";
import { SimDisk } from "./disk.ts";
import { Links } from "./links.ts";
import { type Behaviour, HONEST, type NodeEvent, SimNode } from "./node.ts";
import { Properties, type Property, PropertyError } from "./properties.ts";
import { Random } from "./random.ts";
import { Spine, vertebraOf } from "./spine.ts";
import { Trace, type TraceLine } from "./trace.ts";
import { type FaultKind, linkFaults, Weather } from "./weather.ts";
import { EPOCH_SECONDS, GENESIS_TIME, openSimNetwork, type SimNetwork } from "./world.ts";

export type SimOptions = {
  readonly seed: string;
  readonly nodes: number;
  readonly epochs: number;
  readonly faults: readonly FaultKind[];
  /** Resolves when every promise that waits for no event is settled: one turn of the machine's event loop. */
  readonly drain: () => Promise<void>;
  /** Whether what one node has computed is of use to others (default), or every node computes all by itself. */
  readonly isSharing?: boolean;
  /** Bytes that the process holds without its garbage; asked some times in a run. Default: memory is not measured. */
  readonly memory?: () => number;
  readonly onLine?: (line: TraceLine) => void;
  /** What a node does that counts as honest, if not what it should: how tests see that the properties can fail. */
  readonly defect?: (node: number) => Partial<Behaviour> | undefined;
};

export type SimReport = {
  readonly seed: string;
  readonly nodes: number;
  readonly epochs: number;
  readonly faults: readonly FaultKind[];
  /** What did not hold; null if all did. */
  readonly failure: { readonly property: Property | "crash"; readonly epoch: number; readonly why: string } | null;
  /** Of the whole trace: the same seed gives the same. */
  readonly digest: string;
  readonly events: number;
  readonly lines: number;
  /** Epoch of the honest nodes' lowest head at the end. */
  readonly height: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Epochs: deepest difference of nodes that could talk, and what all had settled on. */
  readonly deepest: number;
  readonly settled: number;
  /** Tipsets: deepest reorg. */
  readonly deepestReorg: number;
  /** Bytes: the most that the process held beside the content of the nodes' disks; null if it was not measured. */
  readonly memory: number | null;
};

const EPOCH_MS = 1000 * EPOCH_SECONDS;
/** Epochs at the beginning and at the end in which nothing goes wrong. */
const QUIET = { first: 3, last: 12 } as const;
/** Moment of an epoch at which properties are checked: its blocks are everywhere, the next are not begun. */
const CHECK_MS = 9000;
/** Milliseconds by which honest clocks differ at most from the true time. */
const CLOCK_MS = 300;
/** Epochs between two measurements of the process's memory. */
const MEASURED_EPOCHS = 25;
/** Chance that a node's user sends a message in an epoch. */
const MESSAGE_CHANCE = 0.3;

class Simulation {
  readonly trace: Trace;
  readonly clock: VirtualClock;
  readonly properties: Properties;
  readonly counts: Record<string, number> = {};
  private readonly options: SimOptions;
  private readonly net: SimNetwork;
  private readonly links: Links;
  private readonly disks: SimDisk[];
  private readonly machines: Random[];
  private readonly spines: Spine[];
  private readonly behaviours: Behaviour[];
  private readonly bad: ReadonlyMap<number, Behaviour>;
  private readonly nodes: SimNode[] = [];
  private readonly users: Random;
  private readonly weather: Weather;

  constructor(options: SimOptions, net: SimNetwork) {
    const { nodes, faults, drain, seed } = options;
    const random = new Random(seed);
    const indexes = Array.from({ length: nodes }, (_, i) => i);
    this.options = options;
    this.net = net;
    this.users = random.stream("users");
    this.clock = new VirtualClock(1000 * GENESIS_TIME, drain);
    this.trace = new Trace(this.clock.now, options.onLine);
    this.links = new Links(this.clock, random.stream("links"), nodes, linkFaults(faults));
    this.disks = indexes.map((i) => new SimDisk(this.clock, random.stream(`disk/${i}`), net.genesis));
    this.machines = indexes.map((i) => random.stream(`machine/${i}`));
    this.spines = indexes.map(() => new Spine());
    const clocks = random.stream("clocks");
    this.bad = adversaries({
      random: random.stream("adversaries"),
      clock: this.clock,
      nodes,
      kinds: faults,
      crypto: net.crypto,
      payer: (net.accounts[0] as DevAccount).keys.secp256k1,
      madeInvalid: (block, why) => this.properties.madeInvalid(block, why),
      tell: (node, event, more) => this.tell(node, event, more),
    });
    this.behaviours = indexes.map(
      (i) => this.bad.get(i) ?? { ...HONEST, clockAhead: clocks.between(-CLOCK_MS, CLOCK_MS), ...options.defect?.(i) },
    );
    const watched = indexes.map((i) => ({
      isHonest: !this.bad.has(i),
      disk: this.disks[i] as SimDisk,
      spine: this.spines[i] as Spine,
    }));
    this.properties = new Properties(watched, this.links, this.clock);
    this.weather = new Weather({
      clock: this.clock,
      random: random.stream("weather"),
      links: this.links,
      nodes,
      faults,
      epochMs: EPOCH_MS,
      isUp: (node) => this.nodes[node]?.life.alive === true,
      crash: (node) => this.nodes[node]?.crash(),
      restart: (node) => this.start(node),
      tell: (event, more) => this.tell(null, event, more),
    });
  }

  async run(): Promise<void> {
    const { epochs, nodes } = this.options;
    const starts = new Random(`${this.options.seed}/starts`);
    for (let node = 0; node < nodes; node++) this.clock.after(starts.between(0, 4000), () => this.start(node));
    for (let epoch = 0; epoch <= epochs; epoch++) {
      const begin = 1000 * GENESIS_TIME + epoch * EPOCH_MS;
      await this.clock.runUntil(begin);
      if (epoch === epochs - QUIET.last && epoch > QUIET.first) this.weather.calm();
      else if (epoch >= QUIET.first && epoch < epochs - QUIET.last) this.weather.epoch(epoch);
      this.links.dialAll();
      this.userMessages();
      await this.clock.runUntil(begin + CHECK_MS);
      await this.properties.check(epoch, this.nodes);
      if (epoch === epochs || epoch % MEASURED_EPOCHS === 0) this.measure();
    }
  }

  private measure(): void {
    const held = this.options.memory?.();
    if (held !== undefined) this.properties.holds(held);
  }

  /** Epoch of the lowest head of those who are honest. */
  get height(): number {
    const honest = this.spines.filter((_, i) => !this.bad.has(i));
    return Math.min(...honest.map(({ head }) => head.height));
  }

  private start(index: number): void {
    const node = new SimNode({
      index,
      net: this.net,
      clock: this.clock,
      links: this.links,
      disk: this.disks[index] as SimDisk,
      behaviour: this.behaviours[index] as Behaviour,
      random: this.machines[index] as Random,
      onEvent: (event) => this.heard(index, event),
      opened: async (chain) => {
        const spine = this.spines[index] as Spine;
        await spine.read(chain);
        this.properties.cameUp(index, chain);
        chain.onHeadChange((changes) => {
          if (!node.life.alive) return;
          this.properties.moved(index, changes);
          const { height, key } = vertebraOf(chain.head);
          this.tell(index, "head", { height, key, reverts: changes.filter(({ type }) => type === "revert").length });
        });
      },
    });
    node.nodeAt = (other) => this.nodes[other];
    this.nodes[index] = node;
    node.start().catch((error: unknown) => this.heard(index, { kind: "fault", where: "start", error }));
  }

  private userMessages(): void {
    for (const node of this.nodes) {
      if (node?.isUp !== true || !this.users.chance(MESSAGE_CHANCE)) continue;
      const from = this.net.accounts[node.index] as DevAccount;
      const to = this.users.pick(this.net.accounts);
      const value = BigInt(this.users.between(1, 1000));
      const key = from.keys[this.users.chance(0.5) ? "bls" : "secp256k1"];
      const own = key.type === "bls" ? from.bls : from.secp256k1;
      const message = { from: own, to: to.id, value, method: 0n, params: new Uint8Array(0) };
      const gas = { gasLimit: 2_000_000n, gasFeeCap: 10n ** 10n, gasPremium: BigInt(this.users.between(1, 10 ** 6)) };
      const make = async (nonce: bigint): Promise<SignedMessage> =>
        signMessage(this.net.crypto, key, { ...message, ...gas, nonce });
      node.running.pool.pushNext(own, make).then(
        () => this.tell(node.index, "pushed", { value: Number(value) }),
        (error: unknown) => this.tell(node.index, "notPushed", { why: describeError(error) }),
      );
    }
  }

  private heard(index: number, event: NodeEvent): void {
    const { kind } = event;
    if (kind === "up" || kind === "down") this.tell(index, kind);
    else if (kind === "banned") this.tell(index, kind, { peer: event.peer });
    else if (kind === "refused") this.tell(index, kind, { peer: event.peer, offence: event.offence });
    else if (kind === "reported") this.tell(index, kind, { faultAt: event.epoch, sent: event.sent });
    else if (kind === "fault") this.tell(index, kind, { where: event.where, why: describeError(event.error) });
    else if (kind === "signed") {
      const { header, messages } = event.block;
      const count = messages.bls.length + messages.secp.length;
      this.tell(index, kind, { height: header.height, cid: `${headerCid(header)}`, messages: count });
    } else {
      const { event: mining } = event;
      const why = "error" in mining && mining.error !== undefined ? { why: describeError(mining.error) } : {};
      if (mining.kind !== "made") this.tell(index, `mining ${mining.kind}`, why);
    }
    this.properties.heard(index, event);
  }

  private tell(node: number | null, event: string, more: Readonly<Record<string, unknown>> = {}): void {
    this.counts[event] = (this.counts[event] ?? 0) + 1;
    this.trace.tell(node, event, more);
  }
}

/** Runs a network; never throws for what happens in it. */
export async function simulate(options: SimOptions): Promise<SimReport> {
  const { seed, nodes, epochs, faults, isSharing = true } = options;
  const simulation = new Simulation(options, await openSimNetwork(`sim/${seed}`, nodes, isSharing));
  const { trace, properties, clock } = simulation;
  let failure: SimReport["failure"] = null;
  try {
    await simulation.run();
  } catch (error) {
    const property = error instanceof PropertyError ? error.data.property : "crash";
    const why = isFilError(error) ? error.message : `${error instanceof Error ? error.stack : error}`;
    failure = { property, epoch: trace.epoch, why };
    trace.tell(null, "violated", { property, why: isFilError(error) ? why : describeError(error) });
  }
  return {
    seed,
    nodes,
    epochs,
    faults,
    failure,
    digest: trace.digest(),
    events: clock.passed,
    lines: trace.count,
    height: simulation.height,
    counts: { ...simulation.counts, invalidBlocks: properties.invalidBlocks, markedBad: properties.markedBlocks },
    deepest: properties.deepest,
    settled: properties.settledHeight,
    deepestReorg: properties.deepestReorg,
    memory: properties.memoryHeld,
  };
}
