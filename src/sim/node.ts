/**
 * A node of a simulation: the parts that a node among peers is made of (`src/node/network-node.ts`), over a disk that
 * outlives it, with simulated wires in the place of libp2p. What it does as a producer is its behaviour.
 */
import { Chain } from "../chain/chain.ts";
import { BlockDoor } from "../consensus/gossip-checks.ts";
import type { BlockValidator, FullBlock } from "../consensus/validator.ts";
import { FaultReporter } from "../miner/fault-reporter.ts";
import type { MiningEvent } from "../miner/mining-loop.ts";
import { nodeSite } from "../miner/mining-site.ts";
import type { OwnMiner } from "../miner/own-sectors.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { Verdict } from "../network/gossip.ts";
import { type Offence, PeerBook } from "../network/peer-book.ts";
import { decodeBlockMessage, encodeBlockMessage } from "../network/wire/block-message.ts";
import { decodeHello, encodeHello } from "../network/wire/hello.ts";
import { CONTEST_EPOCHS, Contest, GREETING_MS } from "../node/contest.ts";
import { GENESIS_RESERVE } from "../node/genesis.ts";
import { Machines } from "../node/machines.ts";
import { MiningPart } from "../node/mining-part.ts";
import { PoolGossip } from "../node/pool-gossip.ts";
import { makePool, PoolPart } from "../node/pool-part.ts";
import { ServedChain } from "../node/served-chain.ts";
import { GasEstimator } from "../stmgr/gas-estimator.ts";
import { localRules } from "../stmgr/network-rules.ts";
import { StateManager } from "../stmgr/state-manager.ts";
import { BlockIntake } from "../sync/block-intake.ts";
import { HeadChoice } from "../sync/head-choice.ts";
import { Syncer } from "../sync/syncer.ts";
import { TipsetImport } from "../sync/tipset-import.ts";
import { headerCid } from "../types/block-header.ts";
import { decodeSignedMessage, encodeSignedMessage, messageCid, signedMessageCid } from "../types/message.ts";
import type { Life, VirtualClock } from "./clock.ts";
import type { SimDisk } from "./disk.ts";
import { answerExchange, SimExchange } from "./exchange.ts";
import { SimGossip, type Topic } from "./gossip.ts";
import type { Links } from "./links.ts";
import type { Random } from "./random.ts";
import { NotedReads, SharingExecution } from "./shared-runs.ts";
import { timed } from "./timed-execution.ts";
import { EPOCH_SECONDS, GENESIS_TIME, type SimMachinery, type SimNetwork } from "./world.ts";

/** What happens in a node, for the trace and for those who check properties. */
export type NodeEvent =
  | { readonly kind: "up" }
  | { readonly kind: "down" }
  | { readonly kind: "mining"; readonly event: MiningEvent }
  /** A block left its producer. */
  | { readonly kind: "signed"; readonly block: FullBlock }
  | { readonly kind: "refused"; readonly offence: Offence; readonly peer: number }
  | { readonly kind: "banned"; readonly peer: number }
  | { readonly kind: "reported"; readonly epoch: number; readonly sent: boolean }
  /** Something of the node itself failed. */
  | { readonly kind: "fault"; readonly where: string; readonly error: unknown };

export type SimNodeParts = {
  readonly index: number;
  readonly net: SimNetwork;
  readonly clock: VirtualClock;
  readonly links: Links;
  readonly disk: SimDisk;
  readonly behaviour: Behaviour;
  /** Decides how long its computing takes. */
  readonly random: Random;
  readonly onEvent: (event: NodeEvent) => void;
  /** Called with the chain as it is on the disk, before anything runs on it. */
  readonly opened: (chain: Chain) => Promise<void>;
};

/** What a producer does, where it is not what it should do. */
export type Behaviour = {
  /** Milliseconds by which the node's clock is ahead. */
  readonly clockAhead: number;
  /** The node validates nothing: for tests that see the properties fail. */
  readonly takesAll?: boolean;
  /** What becomes of a block that the node has made. */
  submit(node: SimNode, block: FullBlock): Promise<void>;
};

export const HONEST: Behaviour = {
  clockAhead: 0,
  submit: async (node, block) => {
    await node.take(block);
    node.publish(block);
  },
};

const TAKES_ALL: Pick<BlockValidator, "validate"> = {
  validate: async ({ header }) => ({
    cid: headerCid(header),
    beaconEntries: 0,
    blsMessages: 0,
    secpMessages: 0,
    winningPost: "declared",
  }),
};

/** Gossip that reaches every node is the same bytes, and is decoded once. */
const decodedBlock = onceForAll(decodeBlockMessage);
const decodedMessage = onceForAll(decodeSignedMessage);

export const nameOfNode = (index: number): string => `n${index}`;
const indexOf = (peer: string): number => Number(peer.slice(1));

type Opened = {
  readonly chain: Chain;
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly validator: BlockValidator;
  readonly choice: HeadChoice;
  readonly imports: TipsetImport;
  readonly syncer: Syncer;
  readonly intake: BlockIntake;
  readonly served: ServedChain;
};

export class SimNode {
  readonly life: Life = { alive: true };
  readonly index: number;
  readonly miner: OwnMiner;
  readonly book: PeerBook;
  readonly gossip: SimGossip;
  readonly exchange: SimExchange;
  private readonly parts: SimNodeParts;
  private readonly waiting = new Map<number, Set<() => void>>();
  private opened: Opened | null = null;

  constructor(parts: SimNodeParts) {
    const { index, net } = parts;
    this.parts = parts;
    this.index = index;
    this.miner = net.local.miners[index] as OwnMiner;
    this.book = new PeerBook(this.now);
    const peers = (): number[] => this.peers();
    this.gossip = new SimGossip({
      peers,
      send: (to, topic, data) => this.send(to, data.length, (other) => other.heard(topic, data, index), true),
      validate: (topic, data, from) => this.validate(topic, data, nameOfNode(from)),
      onFault: (where, error) => this.fault(where, error),
    });
    this.exchange = new SimExchange({
      peers: () => peers().map(nameOfNode),
      sleep: parts.clock.sleepOf(this.life),
      ask: (peer, request, answer) => this.ask(indexOf(peer), request, answer),
      onOffence: (peer, offence) => this.report(peer, offence),
    });
  }

  readonly now = (): number => this.parts.clock.now() + this.parts.behaviour.clockAhead;

  private get isSharing(): boolean {
    return this.parts.net.machinery[this.index]?.runs !== null;
  }

  /** The parts that run; throws before `start` has ended. */
  get running(): Opened {
    if (this.opened === null) throw new Error(`node ${this.index} is not up`);
    return this.opened;
  }

  get isUp(): boolean {
    return this.opened !== null && this.life.alive;
  }

  /** Opens the chain that is on the disk and joins the network. */
  async start(): Promise<void> {
    const { net, disk, clock, links, index } = this.parts;
    const { network } = net;
    const { crypto, local, runs } = net.machinery[index] as SimMachinery;
    const onFault = (where: string, error: unknown): void => this.fault(where, error);
    const { now, life } = this;
    const sleep = clock.sleepOf(life);
    const blocks = disk.mount(life);
    const chain = await Chain.open({ blocks, onListenerError: (error) => onFault("chain", error) });
    await this.parts.opened(chain);
    const proofs = local.verifier();
    const reads = new NotedReads(blocks);
    const vm = { profile: network.profile };
    const own = new Machines({ place: "thread", vm, blocks: runs === null ? blocks : reads, proofs });
    const execution = runs === null ? own.tipsets : new SharingExecution(own.tipsets, reads, runs);
    const tipsets = timed(execution, { clock, random: this.parts.random, life });
    const machines = { tipsets, calls: tipsets };
    const states = new StateManager({ chain, network, rules: localRules(network, GENESIS_RESERVE), machines, now });
    const pool = makePool(states, crypto);
    const gas = new GasEstimator({ states, pending: pool });
    const poolPart = new PoolPart(pool, states);
    const validator = local.validator(states, now);
    const choice = new HeadChoice({ chain, weight: (tipset) => validator.weight(tipset) });
    const imports = new TipsetImport({
      chain,
      validator: this.parts.behaviour.takesAll === true ? TAKES_ALL : validator,
      choice,
    });
    const epochNow = (): number => Math.floor((now() / 1000 - GENESIS_TIME) / EPOCH_SECONDS);
    const peers = {
      fetch: this.exchange.fetch.bind(this.exchange),
      report: (peer: string, offence: Offence): void => this.report(peer, offence),
    };
    const syncer = new Syncer({ chain, peers, choice, imports, epochNow, now, sleep, onFault });
    const { verifyBls } = local.verification;
    const door = new BlockDoor({ states, verifyBls, genesisTime: GENESIS_TIME, now });
    const intake = new BlockIntake({ chain, door, pool, peers, imports, syncer, onFault });
    const served = await ServedChain.open(chain, (tipset) => choice.weight(tipset), onFault);
    this.relayed = new PoolGossip({
      pool,
      publish: async (signed) => this.gossip.publish("messages", encodeSignedMessage(signed)),
      onFault,
    });
    this.opened = { chain, states, pool, validator, choice, imports, syncer, intake, served };
    await poolPart.start();
    const payer = this.miner.worker;
    const reporter = new FaultReporter({
      states,
      pool,
      gas,
      crypto,
      payer: async () => payer,
      onReport: ({ fault, sent }) => this.tell({ kind: "reported", epoch: fault.second.height, sent: sent !== null }),
    });
    intake.onBlock((header) => reporter.see(header));
    chain.onHeadChange(() => reporter.headMoved());
    const started = now();
    const contest = new Contest(syncer, chain, 1000 * EPOCH_SECONDS * CONTEST_EPOCHS, now);
    const isGreeting = (): boolean => now() < started + GREETING_MS && this.peers().length === 0;
    const making = local.making(states);
    const mining = new MiningPart({
      prefix: network.prefix,
      site: nodeSite({
        ...making,
        miners: [this.miner],
        pool,
        submit: (block) => this.parts.behaviour.submit(this, block),
        isBehind: () => isGreeting() || syncer.isBehind() || contest.isOpen(),
      }),
      times: making.times,
      miners: [this.miner],
      poster: local.poster({ states, pool, gas }),
      store: chain.blocks,
      onHeadChange: (listener) => chain.onHeadChange(listener),
      now,
      sleep,
      onEvent: (event) => this.tell({ kind: "mining", event }),
    });
    await mining.start();
    this.tell({ kind: "up" });
    links.join(index, {
      life,
      wants: (other) => !this.book.isBanned(nameOfNode(other)),
      opened: (other) => this.greet(other),
      closed: (other) => this.broke(other),
    });
  }

  /** The power goes: nothing of this life happens any more, and nothing that it wrote later is on the disk. */
  crash(): void {
    this.life.alive = false;
    this.parts.links.leave(this.index);
    this.parts.onEvent({ kind: "down" });
  }

  peers(): number[] {
    return this.parts.links.peersOf(this.index);
  }

  /** Takes an own block; rejects with `BlockError` if it is not valid. */
  take(block: FullBlock): Promise<void> {
    return this.running.intake.made(block);
  }

  /** Hands a block to all peers, or to some. */
  publish(block: FullBlock, only?: readonly number[]): void {
    const { header, messages } = block;
    this.tell({ kind: "signed", block });
    const blsMessages = messages.bls.map(messageCid);
    const secpMessages = messages.secp.map(signedMessageCid);
    this.gossip.publish("blocks", encodeBlockMessage({ header, blsMessages, secpMessages }), only);
  }

  /** What others' nodes call when something of this one arrives there. */
  heard(topic: Topic, data: Uint8Array, from: number): void {
    if (this.opened !== null) void this.gossip.received(topic, data, from);
  }

  private relayed: PoolGossip | null = null;

  private async validate(topic: Topic, data: Uint8Array, from: string): Promise<Verdict> {
    const { intake, syncer } = this.running;
    if (topic === "messages") {
      if (syncer.isBehind() || this.relayed === null) return "ignore";
      const verdict = await this.relayed.received(this.isSharing ? decodedMessage(data) : decodeSignedMessage(data));
      if (verdict === "reject") this.report(from, "badMessage");
      return verdict;
    }
    const verdict = await intake.announced(this.isSharing ? decodedBlock(data) : decodeBlockMessage(data), from);
    if (verdict === "reject") this.report(from, "badBlock");
    return verdict;
  }

  private send(to: number, bytes: number, arrive: (other: SimNode) => void, gossip = false): void {
    const { links } = this.parts;
    links.send(
      this.index,
      to,
      bytes,
      () => {
        const other = this.nodeAt(to);
        if (other?.isUp === true) arrive(other);
      },
      gossip,
    );
  }

  /** Finds a node by its index; given by the simulation. */
  nodeAt: (index: number) => SimNode | undefined = () => undefined;

  private greet(other: number): void {
    const { served } = this.running;
    const { tipset, weight } = served.head();
    const bytes = encodeHello({ heaviest: tipset.key, height: tipset.height, weight, genesis: served.genesis });
    this.send(other, bytes.length, (peer) => peer.greeted(this.index, bytes));
  }

  private greeted(from: number, bytes: Uint8Array): void {
    const { syncer, served } = this.running;
    const { heaviest, height, weight, genesis } = decodeHello(bytes);
    if (!genesis.equals(served.genesis)) this.report(nameOfNode(from), "wrongGenesis");
    else syncer.inform(nameOfNode(from), heaviest, height, weight);
  }

  private ask(to: number, request: Uint8Array, answer: (bytes: Uint8Array | null) => void): void {
    const broken = (): void => answer(null);
    if (!this.peers().includes(to)) {
      broken();
      return;
    }
    const open = this.waiting.get(to) ?? new Set();
    this.waiting.set(to, open.add(broken));
    const back = (bytes: Uint8Array): void => {
      open.delete(broken);
      answer(bytes);
    };
    this.send(to, request.length, (other) => other.asked(this.index, request, back));
  }

  private asked(from: number, request: Uint8Array, back: (bytes: Uint8Array) => void): void {
    answerExchange(this.running.served, request).then(
      (bytes) => this.send(from, bytes.length, () => back(bytes)),
      (error: unknown) => this.fault("exchange", error),
    );
  }

  private broke(other: number): void {
    const open = this.waiting.get(other);
    this.waiting.delete(other);
    for (const broken of open ?? []) broken();
  }

  private report(peer: string, offence: Offence): void {
    const index = indexOf(peer);
    this.tell({ kind: "refused", offence, peer: index });
    if (!this.book.report(peer, offence)) return;
    this.tell({ kind: "banned", peer: index });
    this.parts.links.cut(this.index, index);
  }

  private fault(where: string, error: unknown): void {
    this.tell({ kind: "fault", where, error });
  }

  private tell(event: NodeEvent): void {
    if (this.life.alive) this.parts.onEvent(event);
  }
}

function onceForAll<T extends object>(decode: (data: Uint8Array) => T): (data: Uint8Array) => T {
  const known = new WeakMap<Uint8Array, T>();
  return (data) => {
    let value = known.get(data);
    if (value === undefined) {
      value = decode(data);
      known.set(data, value);
    }
    return value;
  };
}
