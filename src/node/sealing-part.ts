/**
 * New sectors of a node's own miners, as a part of the node: each miner's machine, the folders that they share, and the
 * sectors that come to be proven and cease to be.
 */
import { platform } from "#platform";
import { Alert } from "../base/alert.ts";
import { equal, fromUtf8, utf8 } from "../base/bytes.ts";
import { describeError, isFilError } from "../base/errors.ts";
import type { Rewind } from "../base/rewind.ts";
import { Turns } from "../base/turns.ts";
import type { Proofs } from "../core/proofs.ts";
import type { MinerChain } from "../miner/chain-side/chain.ts";
import { MessageTracker } from "../miner/chain-side/tracker.ts";
import { DiskFolder } from "../miner/folders/disk-folder.ts";
import { FolderError } from "../miner/folders/errors.ts";
import { type FolderLimits, nameText, type SectorFolder, type SectorName } from "../miner/folders/folder.ts";
import { type AwayFolder, SectorFolders } from "../miner/folders/folders.ts";
import { foundFiles } from "../miner/folders/found-store.ts";
import type { HeldMiner, OwnSector } from "../miner/own-sectors.ts";
import type { SealingChain } from "../miner/sealing/chain.ts";
import { sealingChain } from "../miner/sealing/chain-side.ts";
import { SectorMachine } from "../miner/sealing/machine.ts";
import { isOwn } from "../miner/sealing/own-files.ts";
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
import { faultOf, withFault } from "./played-faults.ts";
import { noteHome } from "./sector-home.ts";
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

/** Paths of attached folders in the store, as a JSON list. */
export const ATTACHED_FACT = "miner/folders";

function isAbsolute(path: string): boolean {
  return /^(\/|[A-Za-z]:[\\/])/.test(path);
}

/** The folder that an error says is away now; throws any other. */
function awayIn(error: unknown): AwayFolder {
  if (!isFilError(error, "NO_FOLDER")) throw error;
  const { folder } = (error as FolderError).data as { readonly folder: string };
  return { path: folder, why: describeError(error) };
}

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
  private folders: SectorFolders | null = null;
  private readonly turns = new Turns();
  private readonly watchers = new Set<SectorWatcher>();
  /** Folders that could not be opened, by their paths, and why. */
  private readonly missing = new Map<string, string>();
  /** Those that went away after they were opened, by the last look at them. */
  private gone: readonly AwayFolder[] = [];
  /** Path of the data folder's own folder, whether it is there or not. */
  private home: string | null = null;
  private lookedAt = 0;
  private stopListening: () => void = () => undefined;
  private stopped = false;
  private readonly workers: MinerWorkers;
  private release: (() => Promise<void>) | null = null;

  constructor(options: SealingPartOptions) {
    this.options = options;
    this.workers = options.workers ?? new MinerWorkers(sealProof(options.sealProof).sectorBytes);
  }

  async start(): Promise<void> {
    const { openFolder, genesis } = this.options;
    this.release ??= this.workers.lease();
    const folders = new SectorFolders();
    folders.noteAway(() => this.noted());
    await this.openHome(folders, await openFolder(await genesis()).catch(awayIn));
    this.folders = folders;
    await this.openAttached(folders);
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
      if (!this.stopped && this.folders !== null) await this.begin(this.folders);
    };
  }

  /** Resolves when every sector waits for the chain, for a time, or for somebody; after some seconds in any case. */
  async rest(): Promise<void> {
    for (const { machine } of this.lines.values()) await machine.rest();
  }

  /** The folders of the sectors' files, once it has started. */
  get open(): SectorFolders | null {
    return this.folders;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.stopListening();
    for (const { machine } of this.lines.values()) await machine.stop();
    await this.turns.idle();
    await this.release?.();
    await this.folders?.close();
  }

  health(): Health {
    if (this.stopped || this.folders === null) return { status: "stopped" };
    const { isActive, lastActive } = this.alert;
    return isActive ? { status: "failing", reason: lastActive?.message ?? "" } : { status: "ok" };
  }

  /** The folders; throws before the start. */
  get storage(): SectorFolders {
    if (this.folders === null) throw new Error("the sealing has not started");
    return this.folders;
  }

  /** Adds a folder by its absolute path, and notes it for later starts. Throws `FolderError`. */
  attach(given: string, limits: FolderLimits): Promise<void> {
    return this.turns.run(async () => {
      const { storage } = this;
      if (platform.folders === null || !isAbsolute(given))
        throw new FolderError(
          { code: "NO_FOLDER", folder: given },
          platform.folders === null
            ? "there are no folders on this platform"
            : `${given}: an absolute path is expected`,
        );
      const path = await platform.folders.absolute(given);
      if (storage.all.some((folder) => folder.path === path))
        throw new FolderError({ code: "SAME_FOLDER", folder: path, other: path }, `${path} is attached already`);
      const network = await this.options.genesis();
      const check = (folder: SectorFolder): Promise<void> => this.refuseOthers(folder);
      const folder = await DiskFolder.open(path, { create: true, limits, network, check });
      try {
        storage.attach(folder);
      } catch (error) {
        await folder.close();
        throw error;
      }
      if (path === this.home) await noteHome(this.options.store, folder);
      else {
        const paths = [...new Set([...(await this.attachedPaths()), path])];
        await this.options.store.write({ metadata: [[ATTACHED_FACT, utf8(JSON.stringify(paths))]] }, { sync: true });
      }
      // One that was away is there again.
      if (this.missing.delete(path)) this.tellAlert();
    });
  }

  /** Throws `FolderError` FOREIGN for a folder with a sector that no record here knows, or whose files are elsewhere. */
  private async refuseOthers(folder: SectorFolder): Promise<void> {
    const place = folder.path ?? folder.id;
    const refuse = (name: SectorName, why: string): never => {
      throw new FolderError(
        { code: "FOREIGN", folder: place },
        `${place} holds ${nameText(name)}, ${why}: nothing in it was touched; give an empty or a new folder`,
      );
    };
    for (const name of await folder.sectors()) {
      const line = [...this.lines.values()].find(({ miner }) => miner.address.actorId === name.miner);
      const { number } = name;
      const isRecorded = line?.machine.records.has(number) === true;
      if (line === undefined || !(isRecorded || line.miner.sectors.has(number)))
        refuse(name, "a sector that this node has no record of");
      const other = await this.storage.find(name, "");
      if (other !== null) refuse(name, `a sector whose files are in ${other.path ?? other.id} already`);
      const record = isRecorded ? line?.machine.records.get(number) : undefined;
      // Where it is not sealed yet nothing tells it from another's; its folder was not attached anew before.
      if (record?.sealed && !(await isOwn(folder, name, { ...record, folder: folder.id })))
        refuse(name, "which is another sector than the one of that number here");
    }
  }

  /** Takes in the data folder's own folder; one that is away is as an attached one that is. */
  private async openHome(folders: SectorFolders, opened: SectorFolder | AwayFolder): Promise<void> {
    this.home = opened.path;
    if ("why" in opened) {
      this.missing.set(opened.path, opened.why);
      return;
    }
    folders.attach(opened);
    await noteHome(this.options.store, opened);
  }

  /** Opens what was attached before; what cannot be opened is told, and its sectors are found once it is there again. */
  private async openAttached(folders: SectorFolders): Promise<void> {
    if (platform.folders === null) return;
    for (const path of await this.attachedPaths()) await this.openOne(folders, path);
  }

  private async openOne(folders: SectorFolders, path: string): Promise<void> {
    try {
      const network = await this.options.genesis();
      const isHome = path === this.home;
      const folder = await (isHome
        ? this.options.openFolder(network)
        : DiskFolder.open(path, { network, isKnown: true }));
      try {
        folders.attach(folder);
      } catch (error) {
        await folder.close();
        throw error;
      }
      this.missing.delete(path);
      if (isHome) await noteHome(this.options.store, folder);
    } catch (error) {
      this.missing.set(path, describeError(error));
    }
  }

  /** Folders that are away, after another look for them: one that is back is taken up again. */
  away(): Promise<readonly AwayFolder[]> {
    return this.turns.run(async () => {
      const paths = (): string =>
        this.known()
          .map(({ path }) => path)
          .join("\n");
      const before = paths();
      for (const path of [...this.missing.keys()]) if (!this.stopped) await this.openOne(this.storage, path);
      this.gone = await this.storage.gone();
      if (paths() !== before) this.tellAlert();
      return this.known();
    });
  }

  /** Those that could not be opened; what went away after that is told by the folders themselves. */
  private noted(): readonly AwayFolder[] {
    return [...this.missing].map(([path, why]) => ({ path, why }));
  }

  private known(): readonly AwayFolder[] {
    return [...this.noted(), ...this.gone];
  }

  private headMoved(): void {
    if (this.options.now() < this.lookedAt + LOOK_MS) return;
    this.lookedAt = this.options.now();
    // Why a folder is away still is told by the alert.
    void this.away().catch(() => undefined);
  }

  private async attachedPaths(): Promise<readonly string[]> {
    const found = await this.options.store.metadata(ATTACHED_FACT);
    if (found === undefined) return [];
    const paths: unknown = JSON.parse(fromUtf8(found));
    // Earlier versions noted a folder twice that was attached again.
    return Array.isArray(paths) ? [...new Set(paths.filter((path) => typeof path === "string"))] : [];
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
    const files = foundFiles(this.folders as SectorFolders, name, folder);
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
    const told = this.known().map(({ path, why }) => `folder that cannot be used: ${path}: ${why}`);
    if (stuck.length > 0) told.push(`sectors that wait for a person: ${stuck.slice(0, 10).join(", ")}`);
    if (told.length === 0) this.alert.resolve("no sector waits for a person");
    else this.alert.raise(told.join("; "));
  }
}
