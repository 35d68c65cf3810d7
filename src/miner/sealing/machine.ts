/**
 * The sectors of one miner on their way: each goes from state to state by the table of `states.ts`, alone and beside the
 * others, and every step is on the disk before the next begins. A machine that is killed goes on with every sector where
 * its record says it was.
 *
 * Errors: a `StepFailure` leads to the state's state of failure. Whatever else a step throws (the node is not there, the
 * disk is full) leaves the sector where it is, is told in its record, and is tried again after a pause that grows to a
 * minute, for as long as it takes.
 */
import { describeError, isFilError } from "../../base/errors.ts";
import { noUpdates, takesUpdates } from "../chain-side/published-messages.ts";
import type { SectorFolders } from "../folders/folders.ts";
import { ENDING_STEPS } from "./ending-steps.ts";
import { SealingError, StepFailure } from "./errors.ts";
import { COUNTERS, FAILED_STEPS, pauseAfter } from "./failed-steps.ts";
import { HeldSectors } from "./held.ts";
import { heldFolder } from "./own-files.ts";
import { newRecord, piecesOf, type SectorRecord } from "./record.ts";
import type { SectorRecords, Step } from "./records.ts";
import { kindOf, nextState, type SectorState } from "./states.ts";
import { counted, type Outcome, proofOf, SEALING_STEPS, type StepContext, type Steps } from "./steps.ts";
import { UPDATE_STEPS, whyNotUpdatable } from "./update-steps.ts";
import { Wakes } from "./wakes.ts";

export type MachineOptions = Omit<StepContext, "signal"> & {
  readonly records: SectorRecords;
  readonly folders: SectorFolders;
  /** Registered seal proof of new sectors. */
  readonly sealProof: number;
  /** Milliseconds before a failed sector is looked at again for the first time. */
  readonly retryMs: number;
  /** Called when a sector has come to a state, the first time too. */
  readonly onState?: (record: SectorRecord) => void;
};

/** Sectors that may be on their way at a time. */
const MAX_UNDER_WAY = 1000;
/** Milliseconds until a step that could not be done is tried again: the first time, and at most. */
const WAIT_FIRST = 1000;
const WAIT_MOST = 60_000;
const MESSAGE_WAITS: readonly SectorState[] = [
  ...(["PreCommitWait", "CommitWait", "ReplicaUpdateWait", "AbortUpgrade", "TerminateWait"] as const),
];
/** Milliseconds that a tipset waits for sectors that are worked on. */
const REST_MS = 2000;
type Happened = Extract<Outcome, { readonly event: string }>;
const STEPS: Steps = { ...SEALING_STEPS, ...UPDATE_STEPS, ...FAILED_STEPS, ...ENDING_STEPS };

export class SectorMachine {
  readonly records: SectorRecords;
  private readonly options: MachineOptions;
  private readonly wakes: Wakes;
  private readonly held: HeldSectors;
  private readonly stopping = new AbortController();
  /** Of each sector that is being lived: ends the step that it is in. */
  private readonly visits = new Map<number, AbortController>();
  private readonly living = new Map<number, Promise<void>>();
  private hasStarted = false;

  constructor(options: MachineOptions) {
    this.options = options;
    this.records = options.records;
    this.wakes = new Wakes(options.chain, options.now);
    this.held = new HeldSectors(options.chain, options.records, (sector) => this.live(sector));
  }

  /** Goes on with all sectors. */
  start(): void {
    this.hasStarted = true;
    this.wakes.start(() => this.held.headMoved());
    for (const { number } of this.records.all()) this.live(number);
    this.held.headMoved();
  }

  /** Stops after what is being written; steps under way are given up and done again at the next start. */
  async stop(): Promise<void> {
    this.stopping.abort(new SealingError({ code: "STOPPED" }, "the miner is stopping"));
    for (const visit of this.visits.values()) visit.abort(this.stopping.signal.reason);
    this.wakes.stop();
    await Promise.allSettled(this.living.values());
    await this.held.idle();
  }

  /** A new sector without data: its number is taken when this resolves, the rest goes by itself. */
  async pledge(): Promise<SectorRecord> {
    return this.make({ state: "Packing", keepUnsealed: false });
  }

  /** Makes a sector and lets it live. Throws `SealingError` TOO_MANY, `FolderError` NO_ROOM. */
  async make(given: Pick<SectorRecord, "state" | "keepUnsealed">): Promise<SectorRecord> {
    const { chain, folders, miner, now, sealProof, work } = this.options;
    const underWay = this.records.all().filter(({ state }) => !["held", "end"].includes(kindOf(state)));
    if (underWay.length >= MAX_UNDER_WAY)
      throw new SealingError({ code: "TOO_MANY", limit: MAX_UNDER_WAY }, `${underWay.length} sectors are on their way`);
    const made = await this.records.add(
      async (number) => {
        const bytes = work.sealingBytes(proofOf({ proof: sealProof }).sectorBytes);
        const folder = await folders.choose({ miner, number }, bytes);
        return newRecord({ ...given, number, proof: sealProof, folder: folder.id }, now());
      },
      // What lies under the name already is another's: a number is left out rather than overwritten.
      async (number) => (await chain.isAllocated(number)) || (await folders.holds({ miner, number })),
    );
    this.options.onState?.(made);
    this.live(made.number);
    return made;
  }

  /** Something happens to a sector from outside: closed, removed, terminated, restarted. Throws `SealingError` BAD_EVENT. */
  async tell(
    sector: number,
    event: "closed" | "removed" | "terminated" | "restarted" | "aborted",
  ): Promise<SectorRecord> {
    const change = event === "restarted" ? { failures: startedAgain(this.records.get(sector)), error: null } : {};
    const record = await this.records.step(sector, { event, text: "by hand", change });
    this.options.onState?.(record);
    this.visits.get(sector)?.abort(new SealingError({ code: "STOPPED" }, `the sector is ${event}`));
    this.live(sector);
    return record;
  }

  /** Marks a sector without data for an update: the next piece that fits goes into it. Throws `SealingError` NO_UPDATE. */
  async mark(sector: number): Promise<SectorRecord> {
    const record = this.records.get(sector);
    const why = await this.whyNotMarked(record);
    if (why !== null)
      throw new SealingError({ code: "NO_UPDATE", sector }, `sector ${sector} takes no data as it is: ${why}`);
    return this.go(sector, { event: "marked", text: "by hand", change: { error: null } });
  }

  private async whyNotMarked(record: SectorRecord): Promise<string | null> {
    const { chain, updates } = this.options;
    const { number, state } = record;
    if (updates === null) return "updates cannot be proven here";
    const { networkVersion } = await chain.head();
    if (!takesUpdates(networkVersion)) return noUpdates(networkVersion).message;
    const isMarked = state === "Available" || (record.update !== null && !record.update.isFinal);
    if (isMarked) return `it is marked already (${state})`;
    if (piecesOf(record).length > 0) return "it has data already, and a sector is updated once";
    if (nextState(state, "marked") === null) return `it is ${state}, and not Proving`;
    return whyNotUpdatable(number, this.options);
  }

  /** Begins the update of a marked sector, in the room that its folder has for it. Throws `FolderError` NO_ROOM, NO_SECTOR, FOREIGN, `SealingError` BAD_EVENT. */
  async begin(sector: number): Promise<SectorRecord> {
    const { folders, miner, updates, now } = this.options;
    const record = this.records.get(sector);
    const name = { miner, number: sector };
    const folder = await heldFolder(folders, name, record);
    await folder.reserve(name, updates?.updateBytes(proofOf(record).sectorBytes) ?? 0);
    const update = {
      ...{ began: now(), pieces: [], keepUnsealed: false, commD: null, made: null, proof: null, message: null },
      ...{ finalEpoch: null, isFinal: false },
    };
    try {
      return await this.go(sector, { event: "begun", text: "", change: { update, updates: record.updates + 1 } });
    } catch (error) {
      // The mark was taken back meanwhile, or the record could not be written.
      folder.release(name);
      throw error;
    }
  }

  /** Of an update whose first piece did not come: the sector is marked again, and keeps no room. What happened to it meanwhile holds. */
  async unbegin({ number, proof, folder: expected, sealed, steps }: SectorRecord): Promise<void> {
    const { folders, miner, updates } = this.options;
    const name = { miner, number };
    const folder = await heldFolder(folders, name, { folder: expected, sealed });
    // A piece that is in the record is in these files.
    if (this.records.get(number).steps !== steps) return;
    await updates?.abort(folder.files(name), proofOf({ proof }).sectorBytes);
    const text = "its first piece did not come";
    const record = await this.records.step(number, { event: "emptied", text, change: { update: null }, after: steps });
    if (record.update !== null) return;
    folder.release(name);
    this.options.onState?.(record);
    this.live(number);
  }

  /** Takes an update back; the sector is as before. Throws `SealingError` BAD_EVENT where it is too late, or there is none. */
  abortUpgrade(sector: number): Promise<SectorRecord> {
    return this.tell(sector, "aborted");
  }

  private async go(sector: number, step: Step): Promise<SectorRecord> {
    const record = await this.records.step(sector, step);
    this.options.onState?.(record);
    this.live(sector);
    return record;
  }

  /** Brings the states of sectors that the chain counts up to what it says now. */
  look(): Promise<void> {
    return this.hasStarted && !this.stopping.signal.aborted ? this.held.lookNow() : Promise.resolve();
  }

  /** Has a sector looked at again now: its data has changed. */
  wake(sector: number): void {
    this.wakes.wake(sector);
    this.live(sector);
  }

  /** Resolves when every sector waits: for the chain, a time or a person; after `REST_MS` in any case. */
  async rest(): Promise<void> {
    const until = performance.now() + REST_MS;
    // What a head has woken is at work one turn later.
    if (this.living.size > 0) await othersTurn();
    while (this.isAtWork && performance.now() < until) await othersTurn();
  }

  private get isAtWork(): boolean {
    if (this.stopping.signal.aborted || this.living.size === 0) return false;
    const { chain } = this.options;
    // In these states a step is the wait for a message.
    const isWaiting = (sector: number): boolean => MESSAGE_WAITS.includes(this.records.get(sector).state);
    const isBusy = this.wakes.isBusy || chain.isIdle?.() === false;
    return isBusy || [...this.living.keys()].some((sector) => !this.wakes.isAsleep(sector) && !isWaiting(sector));
  }

  /** Lets a sector go its steps, if it does not yet and has some to go. */
  private live(sector: number): void {
    if (!this.hasStarted || this.stopping.signal.aborted || this.living.has(sector)) return;
    const life = this.steps(sector).finally(() => {
      this.living.delete(sector);
      // What came while the last step ended.
      if (this.hasStep(sector)) this.live(sector);
    });
    this.living.set(sector, life);
  }

  private hasStep(sector: number): boolean {
    return !this.stopping.signal.aborted && STEPS[this.records.get(sector).state] !== undefined;
  }

  private async steps(sector: number): Promise<void> {
    for (let failures = 0; this.hasStep(sector); ) {
      const record = this.records.get(sector);
      const visit = new AbortController();
      this.visits.set(sector, visit);
      try {
        const outcome = await this.outcome(record, visit.signal);
        failures = 0;
        if ("event" in outcome) {
          await this.took(record, outcome);
          await othersTurn();
        } else await this.wakes.until(sector, outcome, visit.signal);
      } catch (error) {
        if (visit.signal.aborted) continue;
        await this.note(record, error);
        const pause = Math.min(WAIT_MOST, WAIT_FIRST * 2 ** failures++);
        await this.wakes.until(sector, { untilTime: this.options.now() + pause }, visit.signal).catch(() => undefined);
      } finally {
        this.visits.delete(sector);
      }
    }
  }

  /** What came of the state's step; a failed sector is left alone for a while first. */
  private async outcome(record: SectorRecord, signal: AbortSignal): Promise<Outcome> {
    const { now, retryMs } = this.options;
    const { state, since } = record;
    if (kindOf(state) === "failed") {
      const due = since + pauseAfter(record, retryMs);
      if (now() < due) return { untilTime: due };
    }
    try {
      return await (STEPS[state] as NonNullable<Steps[typeof state]>)(record, { ...this.options, signal });
    } catch (error) {
      const counter = COUNTERS[state];
      if (!(error instanceof StepFailure) || nextState(state, "failed") === null || counter === undefined) throw error;
      const text = describeError(error);
      const failed = { code: error.data.code, text, at: now() };
      return { event: "failed", text, change: { error: failed, failures: counted(record, counter) } };
    }
  }

  private async took(record: SectorRecord, { event, text, change = {} }: Happened): Promise<void> {
    // What only kept it waiting is over.
    const cleared = record.error?.code === "WAITING" ? { error: null } : {};
    const step = { event, text, change: { ...cleared, ...change }, after: record.steps };
    const after = await this.records.step(record.number, step);
    this.options.onState?.(after);
    if (kindOf(after.state) === "held") this.held.headMoved();
  }

  /** Tells in the record why it waits; once for each reason. */
  private async note(record: SectorRecord, error: unknown): Promise<void> {
    const text = describeError(error);
    if (record.error?.code === "WAITING" && record.error.text === text) return;
    const change = { error: { code: "WAITING", text, at: this.options.now() } } as const;
    await this.records
      .note(record.number, "waiting", text, ({ steps }) => (steps === record.steps ? change : null))
      .catch((failure: unknown) => {
        // A store that is closed or full: the next attempt says it again.
        if (isFilError(failure, "BAD_EVENT")) throw failure;
      });
  }
}

/** Counters of a sector that a person has restarted: those that name intentions go on, others begin anew. */
function startedAgain({ failures }: SectorRecord): SectorRecord["failures"] {
  return { ...failures, packing: 0, labels: 0, trees: 0, proof: 0, files: 0, restarts: (failures.restarts ?? 0) + 1 };
}

/** Where everything is in memory, steps follow each other without a pause; others have their turn between them. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
