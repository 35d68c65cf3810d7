/** What synchronisation needs around it, made up: chains without state, peers that serve them, a clock that is told. */
import { Chain } from "../../src/chain/chain.ts";
import { type BlockMessages, buildMessageMeta } from "../../src/chain/message-store.ts";
import { blockError } from "../../src/consensus/errors.ts";
import type { BlockReport, FullBlock } from "../../src/consensus/validator.ts";
import { ExchangeError, type FetchedTipset } from "../../src/network/exchange-client.ts";
import type { Offence } from "../../src/network/peer-book.ts";
import { type BlockStore, StorageError } from "../../src/storage/contract.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { HeadChoice } from "../../src/sync/head-choice.ts";
import type { AskOptions, SyncPeers } from "../../src/sync/peers.ts";
import { Syncer, type SyncerParts } from "../../src/sync/syncer.ts";
import { TipsetImport } from "../../src/sync/tipset-import.ts";
import { Address } from "../../src/types/address.ts";
import { type BlockHeader, headerCid, makeTipset, type Tipset, tipsetKeyText } from "../../src/types/block-header.ts";
import type { CID } from "../../src/types/cid.ts";
import { plainHeader } from "./headers.ts";

const NONE: BlockMessages = { bls: [], secp: [] };
const EMPTY = buildMessageMeta(NONE);

/** Weight of a made-up chain: every win counts one, on top of what the headers say is below. */
export function plainWeight(tipset: Tipset): bigint {
  const wins = tipset.blocks.reduce((sum, { electionProof }) => sum + (electionProof?.winCount ?? 0n), 0n);
  return (tipset.blocks[0] as BlockHeader).parentWeight + wins;
}

/** A block without messages on a parent (null: a genesis). */
export function madeBlock(parent: Tipset | null, height: number, miner: number, label = 0, wins = 1): FullBlock {
  const header = plainHeader({
    miner: Address.id(miner),
    ticket: Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? label : i === 1 ? miner : i === 2 ? height : 0) & 255),
    electionProof: { winCount: BigInt(wins), vrfProof: new Uint8Array(96) },
    parents: parent?.key ?? [],
    parentWeight: parent === null ? 0n : plainWeight(parent),
    height,
    messages: EMPTY.root,
  });
  return { header, messages: NONE };
}

export function tipsetOf(blocks: readonly FullBlock[]): Tipset {
  return makeTipset(blocks.map(({ header }) => header));
}

/** Tipsets of one block each on top of `parent`, up to `height`, by a miner of the label's own. */
export function madeChain(parent: Tipset, height: number, label: number, wins = 1): FullBlock[] {
  const blocks: FullBlock[] = [];
  let at = parent;
  for (let epoch = parent.height + 1; epoch <= height; epoch++) {
    const block = madeBlock(at, epoch, 1000 + label, label, wins);
    blocks.push(block);
    at = tipsetOf([block]);
  }
  return blocks;
}

export const GENESIS = madeBlock(null, 0, 999);
export const TOP = (blocks: readonly FullBlock[]): Tipset => tipsetOf(blocks.slice(-1));

/** A clock that moves when it is told; those who sleep wake in the order of their times. */
export class ToldClock {
  private time = 1_700_000_000_000;
  private sleepers: { readonly at: number; wake(): void }[] = [];

  readonly now = (): number => this.time;

  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { at: this.time + ms, wake: resolve };
      this.sleepers.push(sleeper);
      signal.addEventListener(
        "abort",
        () => {
          this.sleepers = this.sleepers.filter((one) => one !== sleeper);
          reject(signal.reason);
        },
        { once: true },
      );
    });

  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const [next] = this.sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.sleepers = this.sleepers.filter((one) => one !== next);
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
    this.time = end;
    await settle();
  }
}

/** Lets everything that needs no time end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Peers by name, each with the blocks that it serves. */
export class MadePeers implements SyncPeers {
  readonly reports: string[] = [];
  /** Keys and lengths that were asked for. */
  readonly asked: {
    readonly messages: boolean;
    readonly length: number;
    readonly peers: readonly string[];
    readonly vouched: boolean;
  }[] = [];
  /** Changes an answer; a promise that never ends is a peer that never answers. */
  answer: (peer: string, tipsets: FetchedTipset[]) => FetchedTipset[] | Promise<FetchedTipset[]> = (_, all) => all;
  private readonly peers = new Map<string, Map<string, Tipset>>();

  serve(peer: string, blocks: readonly FullBlock[]): void {
    const known = this.peers.get(peer) ?? new Map<string, Tipset>();
    this.peers.set(peer, known);
    for (const block of blocks) {
      const tipset = tipsetOf([block]);
      known.set(tipsetKeyText(tipset.key), tipset);
    }
  }

  async fetch(
    head: readonly CID[],
    length: number,
    { messages, signal, from, vouched = false }: AskOptions & { messages: boolean },
  ): Promise<readonly FetchedTipset[]> {
    const names = [...new Set([...(from === undefined ? [] : [from]), ...this.peers.keys()])];
    this.asked.push({ messages, length, peers: names, vouched });
    for (const peer of names) {
      signal.throwIfAborted();
      const out: FetchedTipset[] = [];
      let at = this.peers.get(peer)?.get(tipsetKeyText(head));
      while (at !== undefined && out.length < length) {
        const each = at.blocks.map(() => []);
        out.push({
          tipset: at,
          peer,
          messages: messages ? { bls: [], blsIncludes: each, secp: [], secpIncludes: each } : null,
        });
        at = this.peers.get(peer)?.get(tipsetKeyText(at.blocks[0]?.parents ?? []));
      }
      if (out.length > 0) return untilAborted(this.answer(peer, out), signal);
    }
    throw new ExchangeError({ code: "NO_ANSWER", tried: names.length }, "nobody has it");
  }

  report(peer: string, offence: Offence): void {
    this.reports.push(`${peer} ${offence}`);
  }
}

function untilAborted<T>(value: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop);
    Promise.resolve(value)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", stop));
  });
}

/** A node's synchronisation over made-up peers; blocks are valid unless `wrong` says otherwise. */
export class SyncWorld {
  readonly clock = new ToldClock();
  readonly peers = new MadePeers();
  readonly faults: string[] = [];
  /** Epochs that were validated, in their order. */
  readonly validated: number[] = [];
  readonly wrong = new Map<string, unknown>();
  readonly chain: Chain;
  readonly choice: HeadChoice;
  readonly imports: TipsetImport;
  readonly syncer: Syncer;
  readonly refused: string[] = [];
  /** Every write fails while it is `full`, every look whether a block is there while it is `dead`. */
  disk: Disk;

  private constructor(chain: Chain, disk: Disk, over: Partial<SyncerParts>) {
    this.chain = chain;
    this.disk = disk;
    this.choice = new HeadChoice({
      chain,
      weight: async (tipset) => plainWeight(tipset),
      onRefused: (_, why) => this.refused.push(why),
    });
    const validator = { validate: (block: FullBlock) => this.validate(block) };
    this.imports = new TipsetImport({ chain, validator, choice: this.choice });
    this.syncer = new Syncer({
      chain,
      peers: this.peers,
      choice: this.choice,
      imports: this.imports,
      epochNow: () => 1_000_000,
      now: this.clock.now,
      sleep: this.clock.sleep,
      onFault: (where, error) => this.faults.push(`${where}: ${error}`),
      ...over,
    });
  }

  static async open(own: readonly FullBlock[] = [], over: Partial<SyncerParts> = {}): Promise<SyncWorld> {
    const disk = { full: false, dead: false };
    const chain = await Chain.open({ blocks: failing(new MemoryStore(), disk) });
    for (const block of [GENESIS, ...own])
      await chain.append({ headers: [block.header], messages: [NONE], blocks: EMPTY.blocks });
    return new SyncWorld(chain, disk, over);
  }

  /** A peer serves blocks and says that the last of them is its head. */
  hello(peer: string, blocks: readonly FullBlock[], weight = plainWeight(TOP(blocks))): void {
    this.peers.serve(peer, [GENESIS, ...blocks]);
    const { key, height } = TOP(blocks);
    this.syncer.inform(peer, key, height, weight);
  }

  private async validate({ header }: FullBlock): Promise<BlockReport> {
    const cid = headerCid(header);
    await this.chain.tipset(header.parents).catch(() => {
      throw blockError("PARENT_UNKNOWN", cid, "the parent is not here");
    });
    const why = this.wrong.get(`${cid}`);
    if (why !== undefined) throw why;
    for (const parent of header.parents)
      if (this.chain.bad.reasonOf(parent) !== null) throw blockError("MARKED_BAD", cid, "the parent is bad");
    this.validated.push(header.height);
    return { cid, beaconEntries: 0, blsMessages: 0, secpMessages: 0, winningPost: "declared" };
  }
}

type Disk = { full: boolean; dead: boolean };

function failing(store: MemoryStore, disk: Disk): BlockStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (name !== "write" && name !== "has") return value.bind(target);
      return async (...given: unknown[]) => {
        if (name === "has" && disk.dead)
          throw new StorageError({ code: "FAILED", place: "test" }, "input/output error");
        if (name === "write" && disk.full)
          throw new StorageError({ code: "FAILED", place: "test" }, "no space left on device");
        return (value as (...given: unknown[]) => unknown).apply(target, given);
      };
    },
  });
}
