/**
 * Snapshots of a local network of one process, and the way back to them: chain, pool, wallet, time, miners with their
 * sectors and what they do wrong on purpose, payment channels, storage deals. The beacon needs none: it follows from the epoch.
 *
 * A snapshot costs what has changed since it was taken, not what there is: facts of the store are noted as they change
 * (`src/storage/undo-store.ts`), blocks stay until a collection finds that neither the chain nor a snapshot names them, and
 * only the files of new sectors, 2 KiB each, are copied. Snapshots are nested: going back to one ends those after it. They
 * live as long as the process; their numbers are never given again, after a restart neither. The data of the node's user
 * (`ClientImport`) is not the network's, and stays as it is.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import type { Changed, Rewind } from "../base/rewind.ts";
import { sleepFor } from "../base/sleep.ts";
import { STATES_FROM } from "../chain/states-from.ts";
import { copySectors, putSectors, type SectorCopy } from "../miner/folders/copies.ts";
import type { SectorFolder } from "../miner/folders/folder.ts";
import { firstFrom } from "../storage/ordered-names.ts";
import type { Mark, UndoStore } from "../storage/undo-store.ts";
import type { Tipset } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";
import { ATTACHED_FACT } from "./attached-folders.ts";
import type { Clock } from "./clock.ts";
import type { Laboratory } from "./laboratory.ts";
import type { FilecoinNode } from "./node.ts";
import type { SealingPart } from "./sealing-part.ts";
import { HOME_FACT } from "./sector-home.ts";

export type SnapshotErrorData =
  | { readonly code: "UNKNOWN_SNAPSHOT"; readonly id: number; readonly known: readonly number[] }
  | { readonly code: "TOO_MANY"; readonly limit: number }
  /** Sectors went on and on while their files were copied. */
  | { readonly code: "BUSY" };
export class SnapshotError extends FilError<SnapshotErrorData> {}

export type SnapshotParts = {
  readonly node: FilecoinNode;
  readonly store: UndoStore;
  readonly clock: Clock;
  readonly laboratory: Laboratory | null;
  readonly sealing: SealingPart | null;
};

/** What is told of a snapshot. */
export type SnapshotInfo = {
  readonly id: number;
  /** The head when it was taken. */
  readonly head: Tipset;
  /** Messages that waited then. */
  readonly waiting: readonly SignedMessage[];
};

type Taken = SnapshotInfo & {
  readonly mark: Mark;
  readonly rewind: Rewind;
  readonly sectors: readonly (readonly SectorCopy[])[];
};

type Facts = readonly (readonly [name: string, value: Uint8Array])[];

/** Snapshots at a time. */
export const MAX_SNAPSHOTS = 1000;
/** Attempts to copy the sectors' files between two of their steps, and milliseconds before the second. */
const ATTEMPTS = 30;
const PAUSE_MS = 5;
/** The number that the next snapshot gets. */
const NEXT_FACT = "devnet/snapshots";

/** Facts that are never taken back: which states are kept and can be collected, which numbers were given, which folders are attached. */
export function staysAfterRevert(name: string): boolean {
  const isOfStates = name.startsWith("state/") || name === STATES_FROM;
  const isOfFolders = name === ATTACHED_FACT || name === HOME_FACT;
  return isOfStates || isOfFolders || name === NEXT_FACT || name.startsWith("fork/");
}

/** The same of a network in memory, whose collections drop all that they do not find: names of states are of no use to them. */
export function staysInMemory(name: string): boolean {
  return staysAfterRevert(name) && !name.startsWith("state/");
}

export class Snapshots {
  private readonly parts: SnapshotParts;
  private readonly taken: Taken[] = [];
  /** Heads that are being written into files. */
  private readonly copied = new Set<SnapshotInfo>();

  constructor(parts: SnapshotParts) {
    this.parts = parts;
    parts.node.collector.pins = () => [...this.taken, ...this.copied];
  }

  /** Those that one can go back to, the oldest first. */
  list(): readonly SnapshotInfo[] {
    return [...this.taken];
  }

  /** Takes a snapshot between two tipsets. Throws `SnapshotError` TOO_MANY, BUSY, `FolderError` NO_ROOM. */
  take(): Promise<SnapshotInfo> {
    const { clock, node, store } = this.parts;
    return clock.between(async () => {
      if (this.taken.length >= MAX_SNAPSHOTS)
        throw new SnapshotError(
          { code: "TOO_MANY", limit: MAX_SNAPSHOTS },
          `there are ${MAX_SNAPSHOTS} snapshots; go back to an older one, which ends those after it`,
        );
      await node.pool.settled();
      const id = await this.nextId();
      const sectors = await this.copies();
      // From here on in one turn: nothing comes between.
      const taken: Taken = {
        ...{ id, sectors, head: node.chain.head, waiting: node.pool.pending() },
        ...{ mark: store.mark(), rewind: this.remember() },
      };
      this.taken.push(taken);
      return taken;
    });
  }

  /**
   * Goes back to a snapshot. It and those after it are over; with `keep` it stays, to be gone back to again. Throws
   * `SnapshotError` UNKNOWN_SNAPSHOT.
   */
  revert(id: number, keep = false): Promise<Tipset> {
    return this.parts.clock.between(async () => {
      const at = this.taken.findIndex((one) => one.id === id);
      const found = this.taken[at];
      if (found === undefined) throw this.unknown(id);
      await this.goBack(found, keep, () => this.taken.splice(keep ? at + 1 : at));
      return found.head;
    });
  }

  private async goBack({ mark, head, rewind, sectors }: Taken, keep: boolean, forget: () => void): Promise<void> {
    const { node, store } = this.parts;
    const resume = await node.pause();
    let changed: Changed = () => false;
    try {
      await node.pool.rewinding(() =>
        // The chain's turn first: a move that has it may wait for the store's.
        node.chain.restore(head, (move) =>
          store.takeBack(mark, keep, async (write, names) => {
            const all = [...names].sort();
            changed = (prefix) => all[firstFrom(all, prefix)]?.startsWith(prefix) === true;
            await move(write, changed);
            forget();
          }),
        ),
      );
      const folders = this.folders();
      for (const [i, copies] of sectors.entries()) await putSectors(folders[i] as SectorFolder, copies);
      await rewind(changed);
    } finally {
      await resume(changed);
    }
  }

  /**
   * Everything that a snapshot has, for a file. Blocks that the head needs stay in the store until `free` is called. Throws
   * as `take`.
   */
  copy(): Promise<{
    readonly head: SnapshotInfo;
    readonly sectors: readonly SectorCopy[];
    readonly facts: Facts;
    readonly free: () => void;
  }> {
    const { clock, node, store } = this.parts;
    return clock.between(async () => {
      await node.pool.settled();
      const sectors = (await this.copies()).flat();
      const facts = await store.metadataWith("");
      const head = { id: 0, head: node.chain.head, waiting: node.pool.pending() };
      this.copied.add(head);
      return { head, sectors, facts, free: () => void this.copied.delete(head) };
    });
  }

  private remember(): Rewind {
    const { node, clock, laboratory } = this.parts;
    const rewinds = [node.remember(), laboratory?.remember(), clock.remember()];
    return async (changed) => {
      for (const rewind of rewinds) await rewind?.(changed);
    };
  }

  /** The number of a new snapshot, on the disk before it is given. */
  private async nextId(): Promise<number> {
    const { store } = this.parts;
    const kept = await store.metadata(NEXT_FACT);
    const id = kept === undefined ? 1 : Number(fromUtf8(kept));
    await store.write({ metadata: [[NEXT_FACT, utf8(`${id + 1}`)]] }, { sync: true });
    return id;
  }

  private folders(): readonly SectorFolder[] {
    return (this.parts.sealing?.folders.open?.all ?? []).filter(({ isReadOnly }) => !isReadOnly);
  }

  /** The files of new sectors, copied while no sector went a step. */
  private async copies(): Promise<readonly (readonly SectorCopy[])[]> {
    for (let attempt = 1; ; attempt++) {
      const before = this.steps();
      const copies = await Promise.all(this.folders().map(copySectors));
      if (this.steps() === before) return copies;
      if (attempt === ATTEMPTS)
        throw new SnapshotError({ code: "BUSY" }, "sectors are being sealed all the time; pause, and try again");
      await sleepFor(PAUSE_MS * attempt, new AbortController().signal);
    }
  }

  /** How far every sector has gone. */
  private steps(): string {
    const { sealing } = this.parts;
    const lines = (sealing?.miners ?? []).flatMap((miner) => sealing?.line(miner)?.machine.records.all() ?? []);
    return lines.map(({ number, steps }) => `${number}/${steps}`).join();
  }

  private unknown(id: number): SnapshotError {
    const known = this.taken.map((one) => one.id);
    const which = known.length === 0 ? "there are none" : `there are ${known.slice(-20).join(", ")}`;
    return new SnapshotError(
      { code: "UNKNOWN_SNAPSHOT", id, known },
      `there is no snapshot ${id} (any more): going back to one ends it and those after it; ${which}`,
    );
  }
}
