/**
 * New sectors of a node's own miners, as a part of the node: each miner's machine, the folders that they share, and the
 * sectors that come to be proven and cease to be.
 */
import { Alert } from "../base/alert.ts";
import { equal } from "../base/bytes.ts";
import type { Rewind } from "../base/rewind.ts";
import type { Proofs } from "../core/proofs.ts";
import type { MinerChain } from "../miner/chain-side/chain.ts";
import { MessageTracker } from "../miner/chain-side/tracker.ts";
import type { SectorFolder } from "../miner/folders/folder.ts";
import type { SectorFolders } from "../miner/folders/folders.ts";
import { foundFiles } from "../miner/folders/found-store.ts";
import type { HeldMiner, OwnSector } from "../miner/own-sectors.ts";
import type { SealingChain } from "../miner/sealing/chain.ts";
import { sealingChain } from "../miner/sealing/chain-side.ts";
import { SectorMachine } from "../miner/sealing/machine.ts";
import { Pieces } from "../miner/sealing/pieces.ts";
import type { SectorRecord } from "../miner/sealing/record.ts";
import { type RecordStore, SectorRecords } from "../miner/sealing/records.ts";
import type { SectorState } from "../miner/sealing/states.ts";
import { type ProofOfUpdate, UpdateWork } from "../miner/sealing/update-work.ts";
import { type ProofOfSeal, SealingWork } from "../miner/sealing/work.ts";
import { MinerWorkers } from "../proving/miner-workers.ts";
import type { PriorityScheduler } from "../proving/priorities.ts";
import type { SectorsService } from "../rpc/services.ts";
import { proverId, sealProof } from "../sector/params.ts";
import { sealedCid } from "../sector/piece/cid.ts";
import { updateStore } from "../sector/store.ts";
import type { Address } from "../types/address.ts";
import { AttachedFolders } from "./attached-folders.ts";
import { faultOf, withFault } from "./played-faults.ts";
import type { Health, Startable } from "./startable.ts";

export type SealingPartOptions = {
  readonly miners: readonly HeldMiner[];
  readonly chainOf: (miner: HeldMiner) => MinerChain;
  readonly store: RecordStore;
  readonly proofs: Proofs;
  /** What the chain is asked for beside a miner's own matters. */
  readonly facts: ChainFacts;
  readonly sealProof: number;
  /** Do the work on sectors in directories; their proofs of spacetime come first. Default: workers of its own. */
  readonly workers?: MinerWorkers;
  /** Makes the proof of a seal that goes on chain. */
  readonly succinct: (miner: bigint) => ProofOfSeal;
  /** The same of an update of a sector; without it sectors take no data later. */
  readonly succinctUpdate?: ProofOfUpdate;
  /** CID of the network's genesis, by which its folders know it. */
  readonly genesis: () => Promise<string>;
  /** Opens the folder that new sectors go to. Throws `FolderError` NO_FOLDER where it is not there now, though it was. */
  readonly openFolder: (genesis: string) => Promise<SectorFolder>;
  /** Epochs from a pre-commit to its seed. */
  readonly challengeDelay: number;
  /** Milliseconds before what failed is tried again for the first time. */
  readonly retryMs: number;
  readonly now: () => number;
  /** Called when the folders are open, before anything is read of sectors. */
  readonly onOpen?: (folders: SectorFolders) => void;
  readonly onState?: (miner: Address, record: SectorRecord) => void;
};

/** Milliseconds between two looks at folders, beside the looks of whoever asks for them. */
const LOOK_MS = 5000;

export type SectorWatcher = (miner: Address, record: SectorRecord) => void;
export type ChainFacts = Pick<SectorsService, "idOf" | "onChain">;

/** Milliseconds that a sector waits for more pieces. Source: lotus node/config/def.go (WaitDealsDelay). */
const DEALS_DELAY = 6 * 3_600_000;
/** Epochs that sealing is given before a deal begins. Source: lotus node/config/def.go (StartEpochSealingBuffer). */
export const START_BUFFER = 480;
/** States in which the chain may have a sector that must be proven, or may draw it. */
const PROVABLE: readonly SectorState[] = [
  ...(["CommitWait", "CommitFailed", "FinalizeSector", "FinalizeFailed", "Proving", "Faulty", "Recovering"] as const),
  ...(["Expiring", "Terminating", "TerminateWait", "TerminateFailed", "TerminateFinality"] as const),
  ...(["Available", "SnapDealsWaitDeals", "SnapDealsPacking", "UpdateReplica", "ProveReplicaUpdate"] as const),
  ...([
    "SubmitReplicaUpdate",
    "WaitMutable",
    "ReplicaUpdateWait",
    "UpdateActivating",
    "FinalizeReplicaUpdate",
  ] as const),
  ...(["AbortUpgrade", "ReplicaUpdateFailed", "FinalizeReplicaUpdateFailed"] as const),
  // Also where its termination failed too often.
  "FailedUnrecoverable",
];

/** What belongs to one miner. */
export type SealingLine = {
  readonly miner: HeldMiner;
  readonly machine: SectorMachine;
  readonly chain: SealingChain;
  /** Pieces of deals on their way into its sectors. */
  readonly pieces: Pieces;
};

export class SealingPart implements Startable {
  readonly name = "sealing";
  /** Active while a sector waits for a person, or its record cannot be read. */
  readonly alert = new Alert("miner", "sealing");
  private readonly options: SealingPartOptions;
  private readonly lines = new Map<string, SealingLine>();
  private readonly watchers = new Set<SectorWatcher>();
  /** The folders of the sectors' files. */
  readonly folders: AttachedFolders;
  private lookedAt = 0;
  private stopListening: () => void = () => undefined;
  private stopped = false;
  private readonly workers: MinerWorkers;
  private release: (() => Promise<void>) | null = null;

  constructor(options: SealingPartOptions) {
    this.options = options;
    const { store, genesis, openFolder } = options;
    this.folders = new AttachedFolders({
      ...{ store, genesis, openHome: openFolder },
      known: () => this.lines.values(),
      onChange: () => this.tellAlert(),
    });
    this.workers = options.workers ?? new MinerWorkers(sealProof(options.sealProof).sectorBytes);
  }

  async start(): Promise<void> {
    this.release ??= this.workers.lease();
    const folders = await this.folders.start();
    this.options.onOpen?.(folders);
    await this.begin(folders);
  }

  private async begin(folders: SectorFolders): Promise<void> {
    const { miners, proofs } = this.options;
    const { jobs } = this.workers;
    for (const miner of miners) {
      const line = await this.lineOf(miner, folders, jobs, proofs);
      this.lines.set(miner.address.toString(), line);
      for (const record of line.machine.records.all()) this.held(miner, record);
    }
    this.tellAlert();
    const [first] = this.lines.values();
    this.stopListening = first?.chain.onHeadChange(() => this.headMoved()) ?? this.stopListening;
    for (const { machine, pieces } of this.lines.values()) {
      machine.start();
      await pieces.tidy();
    }
  }

  /** Stops all machines; the function that is given goes on with the records that the store holds then. */
  async pause(): Promise<Rewind> {
    this.stopListening();
    for (const { machine } of this.lines.values()) await machine.stop();
    return async () => {
      const { open } = this.folders;
      if (!this.stopped && open !== null) await this.begin(open);
    };
  }

  /** Resolves when every sector waits for the chain, for a time, or for somebody; after some seconds in any case. */
  async rest(): Promise<void> {
    for (const { machine } of this.lines.values()) await machine.rest();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopListening();
    for (const { machine } of this.lines.values()) await machine.stop();
    await this.release?.();
    await this.folders.close();
  }

  health(): Health {
    if (this.stopped || this.folders.open === null) return { status: "stopped" };
    const { isActive, lastActive } = this.alert;
    return isActive ? { status: "failing", reason: lastActive?.message ?? "" } : { status: "ok" };
  }

  private headMoved(): void {
    if (this.options.now() < this.lookedAt + LOOK_MS) return;
    this.lookedAt = this.options.now();
    // Why a folder is away still is told by the alert.
    void this.folders.look().catch(() => undefined);
  }

  /** A miner's; undefined if it is none of this node's own, or before the start. */
  line(miner: Address): SealingLine | undefined {
    return this.lines.get(miner.toString());
  }

  get proofs(): Proofs {
    return this.options.proofs;
  }

  get facts(): ChainFacts {
    return this.options.facts;
  }

  get sealProof(): number {
    return this.options.sealProof;
  }

  /** Calls `watcher` whenever a sector has come to another state, until the function that it gives is called. */
  watch(watcher: SectorWatcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** All sectors that have a record, of all miners. */
  records(): readonly { readonly miner: Address; readonly record: SectorRecord }[] {
    return [...this.lines.values()].flatMap(({ miner, machine }) =>
      machine.records.all().map((record) => ({ miner: miner.address, record })),
    );
  }

  /** In their order. */
  get miners(): readonly Address[] {
    return this.options.miners.map(({ address }) => address);
  }

  private async lineOf(
    miner: HeldMiner,
    folders: SectorFolders,
    jobs: PriorityScheduler,
    proofs: Proofs,
  ): Promise<SealingLine> {
    const { chainOf, store, sealProof, succinct, succinctUpdate, challengeDelay, retryMs, now } = this.options;
    const id = miner.address.actorId as bigint;
    const minerChain = chainOf(miner);
    const chain = sealingChain(minerChain, new MessageTracker(minerChain, store));
    const machine = new SectorMachine({
      ...{ folders, sealProof, challengeDelay, retryMs, now },
      chain,
      records: await SectorRecords.open(store, id, now),
      work: new SealingWork(proofs, jobs, succinct(id)),
      updates: succinctUpdate === undefined ? null : new UpdateWork(proofs, jobs, succinctUpdate),
      miner: id,
      proverId: proverId(id),
      dealsDelay: DEALS_DELAY,
      startBuffer: START_BUFFER,
      onState: (record) => {
        this.held(miner, record);
        this.tellAlert();
        this.options.onState?.(miner.address, record);
        for (const watch of this.watchers) watch(miner.address, record);
      },
    });
    const pieces = new Pieces({
      ...{ machine, folders, chain, proofs, miner: id, proverId: proverId(id), sealProof },
      startBuffer: START_BUFFER,
    });
    return { miner, machine, chain, pieces };
  }

  private held(miner: HeldMiner, record: SectorRecord): void {
    const { number, sealed, state, folder, update } = record;
    if (sealed === null || !PROVABLE.includes(state)) {
      if (state === "Removed" || state === "Removing") miner.sectors.delete(number);
      return;
    }
    const made = update?.made ?? null;
    const isFinal = made !== null && update?.isFinal === true;
    const commR = isFinal ? made.commR : sealed.commR;
    const next = made === null || isFinal ? null : made.commR;
    const known = miner.sectors.get(number);
    const nextKnown = known?.updated?.commR ?? null;
    const isSameNext = next === null || nextKnown === null ? next === nextKnown : equal(next, nextKnown);
    if (known !== undefined && equal(known.commR, commR) && isSameNext) return;
    const name = { miner: miner.address.actorId as bigint, number };
    const files = foundFiles(this.folders.storage, name, folder);
    const ofUpdate = { ...files, store: updateStore(files.store), isUpdate: true };
    const own: OwnSector = {
      ...{ number, commR, sealedCid: sealedCid(commR) },
      ...(isFinal ? ofUpdate : files),
      ...(next === null ? {} : { updated: { commR: next, sealedCid: sealedCid(next), ...ofUpdate } }),
    };
    // What is played on a sector's files is not over because there are others of it.
    const fault = known === undefined ? "none" : faultOf(known);
    miner.sectors.set(number, fault === "none" ? own : withFault(own, fault));
  }

  private tellAlert(): void {
    const stuck: string[] = [];
    for (const [miner, { machine }] of this.lines) {
      for (const { number, state } of machine.records.all())
        if (state === "FailedUnrecoverable") stuck.push(`${miner}/${number}`);
      for (const key of machine.records.unreadable) stuck.push(`${key} (cannot be read)`);
    }
    const told = this.folders.away().map(({ path, why }) => `folder that cannot be used: ${path}: ${why}`);
    if (stuck.length > 0) told.push(`sectors that wait for a person: ${stuck.slice(0, 10).join(", ")}`);
    if (told.length === 0) this.alert.resolve("no sector waits for a person");
    else this.alert.raise(told.join("; "));
  }
}
