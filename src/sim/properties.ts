/**
 * What must hold in every epoch of a simulation, whatever happens in it. Only honest nodes are held to it.
 *
 * - `agreement`: nodes that could talk for some epochs, and into whose reach nobody came meanwhile, agree on their chains but
 *   for the last few.
 * - `finality`: what all nodes had in common, some epochs deep, no node reverts; no reorg is deeper than finality.
 * - `growth`: where producers are at work, chains grow, as fast as chance allows.
 * - `validity`: a block that is not valid is in no store, so on no chain and nowhere executed; none is taken before its time.
 * - `slashing`: no producer signs two blocks of one epoch.
 * - `memory`: queues, targets, requests and what is on the way stay within their bounds.
 * - `soundness`: nothing of a node fails by itself, and no node bans another for what is no offence.
 */

import { describeError, FilError } from "../base/errors.ts";
import type { Chain, HeadChange } from "../chain/chain.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { FullBlock } from "../consensus/validator.ts";
import { headerCid, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { VirtualClock } from "./clock.ts";
import { Contacts } from "./contacts.ts";
import type { SimDisk } from "./disk.ts";
import { type Links, MAX_ON_THE_WAY } from "./links.ts";
import type { NodeEvent, SimNode } from "./node.ts";
import type { Spine } from "./spine.ts";

export const PROPERTIES = ["agreement", "finality", "growth", "validity", "slashing", "memory", "soundness"] as const;
export type Property = (typeof PROPERTIES)[number];

export type PropertyErrorData = { readonly code: "VIOLATED"; readonly property: Property };
export class PropertyError extends FilError<PropertyErrorData> {}

/**
 * Epochs for which nodes must have been able to talk before they must agree, and how deep they may differ then. They count anew
 * when somebody comes into reach over any node, an adversary's too. In seed 151 honest nodes 0 and 1, after 11 epochs apart from
 * the rest, met it again over adversaries alone: node 0 heard of the heavier chain by a hello and took it 2.9 s later; node 1,
 * none of whose connections was new, could hear of it by a block alone. Node 0's next one came two epochs later, and node 1 took
 * it 1.7 s after that. In the 6 s until the check nothing that the protocols send could have told it.
 */
const TALK_EPOCHS = 8;
const AGREED_BELOW = 6;
/** Epochs below what all have in common that count as settled. */
const SETTLED_BELOW = 15;
/** Chance that an honest network breaks the property of growth: e to the minus this. */
const RARITY = 21;
/** Leaders of an epoch, on average: see `src/consensus/win-count.ts`. */
const EXPECTED_LEADERS = 5;
/** Bounds of queues: those of their owners, with what may be under way beside them. */
const BOUNDS = { targets: 64, requests: 64, validating: 256, pool: 5000, events: 50_000, unsynced: 20_000 } as const;

/**
 * Bytes that the process may hold beside the content of disks: the machine's code, what is remembered for all, and of each
 * node its caches, its machine and its queues.
 */
const PROCESS_BYTES = 192 << 20;
const NODE_BYTES = 32 << 20;
/** Bytes that an entry of a disk takes beside its content: its name, its places in two maps. */
const ENTRY_BYTES = 200;

export type WatchedNode = { readonly isHonest: boolean; readonly disk: SimDisk; readonly spine: Spine };

export class Properties {
  /** Deepest difference that was seen, epochs; of nodes that could talk. */
  deepest = 0;
  /** Most bytes that the process held beside the content of disks; null before it was measured. */
  memoryHeld: number | null = null;
  /** Deepest reorg that was seen, tipsets. */
  deepestReorg = 0;
  private readonly nodes: readonly WatchedNode[];
  private readonly links: Links;
  private readonly clock: VirtualClock;
  private readonly signed = new Map<string, string>();
  private readonly marked = new Set<string>();
  private readonly invalid = new Map<string, { readonly cid: CID; readonly why: string }>();
  private readonly contacts = new Contacts();
  private settled = { height: 0, key: "" };
  private failed: PropertyError | null = null;

  constructor(nodes: readonly WatchedNode[], links: Links, clock: VirtualClock) {
    this.nodes = nodes;
    this.links = links;
    this.clock = clock;
  }

  /** Throws what was violated. */
  throwIfFailed(): void {
    if (this.failed !== null) throw this.failed;
  }

  get settledHeight(): number {
    return this.settled.height;
  }

  get invalidBlocks(): number {
    return this.invalid.size;
  }

  /** Of the invalid blocks, those that an honest node looked at in full and marked as bad. */
  get markedBlocks(): number {
    return this.marked.size;
  }

  /** An adversary's block that breaks a rule for ever. */
  madeInvalid({ header }: FullBlock, why: string): void {
    const cid = headerCid(header);
    this.invalid.set(`${cid}`, { cid, why });
  }

  /** A node's head moved. */
  moved(index: number, changes: readonly HeadChange[]): void {
    const { spine, isHonest } = this.nodes[index] as WatchedNode;
    spine.moved(changes);
    if (!isHonest) return;
    const reverts = changes.filter(({ type }) => type === "revert");
    this.deepestReorg = Math.max(this.deepestReorg, reverts.length);
    if (reverts.length > BLOCK_LIMITS.finality)
      this.fail("finality", `node ${index} reverts ${reverts.length} tipsets`);
    for (const { tipset } of reverts)
      if (tipset.height <= this.settled.height)
        this.fail("finality", `node ${index} reverts epoch ${tipset.height}; all agreed on ${this.settled.height}`);
    for (const { tipset, type } of changes) {
      if (type !== "apply") continue;
      const bad = tipset.key.find((cid) => this.invalid.has(`${cid}`));
      if (bad !== undefined) this.fail("validity", `node ${index} has block ${bad} on its chain: ${this.whyOf(bad)}`);
    }
  }

  /** A node came up with the chain that was on its disk. */
  cameUp(index: number, chain: Chain): void {
    const { spine, isHonest } = this.nodes[index] as WatchedNode;
    const { height, key } = this.settled;
    const known = spine.atOrBefore(height);
    if (isHonest && height > 0 && chain.head.height >= height && known?.key !== key)
      this.fail("finality", `node ${index} came up without ${key} of epoch ${height}`);
  }

  heard(index: number, event: NodeEvent): void {
    if (this.nodes[index]?.isHonest !== true) return;
    if (event.kind === "signed") this.signedBy(index, event.block);
    else if (event.kind === "fault")
      this.fail("soundness", `node ${index}, ${event.where}: ${describeError(event.error)}`);
    else if (event.kind === "mining" && event.event.kind === "failed")
      this.fail("soundness", `node ${index}, mining: ${describeError(event.event.error)}`);
    else if (event.kind === "banned" && this.nodes[event.peer]?.isHonest === true)
      this.fail("soundness", `node ${index} bans node ${event.peer}, which is honest`);
  }

  /** Looks at everything, once an epoch, before the next blocks are made. */
  async check(epoch: number, all: readonly SimNode[]): Promise<void> {
    this.throwIfFailed();
    const up = all.filter((node) => node.isUp && this.nodes[node.index]?.isHonest === true);
    this.agree(epoch, all.length);
    this.settle();
    for (const node of up) {
      await this.validity(node);
      this.memory(node);
    }
    if (this.clock.waiting > BOUNDS.events) this.fail("memory", `${this.clock.waiting} events wait`);
    if (this.links.onTheWay > MAX_ON_THE_WAY) this.fail("memory", `${this.links.onTheWay} bytes are on their way`);
    this.throwIfFailed();
  }

  private agree(epoch: number, miners: number): void {
    const honest = this.links.islands((node) => this.nodes[node]?.isHonest === true);
    const everybody = this.links.islands(() => true);
    for (const { nodes, since, closedSince } of this.contacts.update(epoch, honest, everybody)) {
      const [first = 0, ...others] = nodes;
      const spines = [first, ...others].map((node) => (this.nodes[node] as WatchedNode).spine);
      const [one] = spines as [Spine, ...Spine[]];
      for (const [i, spine] of epoch - closedSince < TALK_EPOCHS ? [] : spines.entries()) {
        const depth = Math.min(one.head.height, spine.head.height) - one.commonWith(spine);
        this.deepest = Math.max(this.deepest, depth);
        if (depth > AGREED_BELOW)
          this.fail("agreement", `nodes ${first} and ${nodes[i]} differ in the last ${depth} epochs`);
      }
      // Epochs that may pass without any leader among the producers of the island.
      const nulls = Math.ceil((RARITY * miners) / (EXPECTED_LEADERS * nodes.length));
      if (epoch - since < TALK_EPOCHS + nulls) continue;
      for (const [i, { head }] of spines.entries())
        if (epoch - head.height > nulls + 2)
          this.fail("growth", `node ${nodes[i]} is at epoch ${head.height} in epoch ${epoch}`);
    }
  }

  /** What all honest nodes have in common, those that are down included. */
  private settle(): void {
    const spines = this.nodes.filter(({ isHonest }) => isHonest).map(({ spine }) => spine);
    const [first] = spines as [Spine, ...Spine[]];
    const common = Math.min(...spines.map((spine) => first.commonWith(spine)));
    const found = first.atOrBefore(common - SETTLED_BELOW);
    if (found !== undefined && found.height > this.settled.height) this.settled = found;
  }

  /** The process holds so many bytes, those on the simulated disks included. */
  holds(bytes: number): void {
    const disks = this.nodes.reduce((sum, { disk }) => sum + disk.bytes + ENTRY_BYTES * disk.entries, 0);
    const held = bytes - disks;
    this.memoryHeld = Math.max(this.memoryHeld ?? 0, held);
    const bound = PROCESS_BYTES + NODE_BYTES * this.nodes.length;
    if (held > bound) this.fail("memory", `the process holds ${held} bytes beside its disks, over ${bound}`);
    this.throwIfFailed();
  }

  private async validity(node: SimNode): Promise<void> {
    const { chain } = node.running;
    for (const [name, { cid, why }] of this.invalid) {
      if (chain.bad.reasonOf(cid) !== null) this.marked.add(name);
      if (await chain.blocks.has(cid.bytes)) this.fail("validity", `node ${node.index} took block ${cid}: ${why}`);
    }
    const limit = BigInt(Math.floor(node.now() / 1000) + BLOCK_LIMITS.clockDriftSeconds);
    for (const { timestamp } of chain.head.blocks)
      if (timestamp > limit)
        this.fail("validity", `node ${node.index} is on ${tipsetKeyText(chain.head.key)}, ahead of its time`);
  }

  private memory(node: SimNode): void {
    const { syncer, pool } = node.running;
    const sizes = {
      targets: syncer.status().waiting,
      requests: node.exchange.open,
      validating: node.gossip.open,
      pool: pool.size,
      unsynced: (this.nodes[node.index] as WatchedNode).disk.unsynced,
    };
    for (const [name, size] of Object.entries(sizes))
      if (size > BOUNDS[name as keyof typeof sizes])
        this.fail("memory", `node ${node.index} holds ${size} ${name}, over ${BOUNDS[name as keyof typeof sizes]}`);
  }

  private signedBy(index: number, { header }: FullBlock): void {
    const name = `${header.miner}@${header.height}`;
    const cid = `${headerCid(header)}`;
    const before = this.signed.get(name);
    if (before !== undefined && before !== cid)
      this.fail("slashing", `node ${index} signed ${before} and ${cid} at epoch ${header.height}`);
    this.signed.set(name, cid);
  }

  private whyOf(cid: CID): string {
    return this.invalid.get(`${cid}`)?.why ?? "";
  }

  /** The first violation is the one that is told. */
  private fail(property: Property, why: string): void {
    this.failed ??= new PropertyError({ code: "VIOLATED", property }, `${property}: ${why}`);
  }
}
