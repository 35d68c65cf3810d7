/**
 * Sectors that are proven, or should be: what the chain says of them is looked up for all together, every few epochs, and
 * each goes to the state that fits.
 */
import { Turns } from "../../base/turns.ts";
import type { Condition, SealingChain } from "./chain.ts";
import type { SectorRecord } from "./record.ts";
import type { SectorRecords } from "./records.ts";
import { SEALING_EPOCHS } from "./terms.ts";

/** Epochs between two looks. */
const EVERY = 5;
/** States of sectors that the chain counts. */
const COUNTED = ["Proving", "Faulty", "Recovering", "Available", "SnapDealsWaitDeals"];
/** And of those the ones that wait for data of an update, which only a sector takes that counts. */
const UPDATABLE = ["Available", "SnapDealsWaitDeals"];

export class HeldSectors {
  private readonly chain: SealingChain;
  private readonly records: SectorRecords;
  private readonly changed: (sector: number) => void;
  private readonly turns = new Turns();
  private isWaiting = false;
  private lookedAt = -1;
  private known = 0;

  constructor(chain: SealingChain, records: SectorRecords, changed: (sector: number) => void) {
    this.chain = chain;
    this.records = records;
    this.changed = changed;
  }

  /** Looks again if it is time; what the node does not answer is asked for with a later head. */
  headMoved(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    void this.turns.run(async () => {
      this.isWaiting = false;
      await this.look().catch(() => undefined);
    });
  }

  /** Looks now, whenever it did last: somebody asks how the sectors stand. */
  lookNow(): Promise<void> {
    return this.turns.run(async () => {
      this.lookedAt = -EVERY;
      await this.look().catch(() => undefined);
    });
  }

  idle(): Promise<void> {
    return this.turns.idle();
  }

  private async look(): Promise<void> {
    const held = this.records.all().filter(({ state }) => COUNTED.includes(state));
    if (held.length === 0) return;
    const { epoch } = await this.chain.head();
    const isEarly = epoch >= this.lookedAt && epoch < this.lookedAt + EVERY;
    if (isEarly && held.length === this.known) return;
    const conditions = await this.chain.conditions(held.map(({ number }) => number));
    this.lookedAt = epoch;
    this.known = held.length;
    for (const record of held) {
      const condition = conditions.get(record.number) ?? "absent";
      const isEarly = condition === "terminated" && (await this.endOf(record)) > epoch;
      const isUpdatable = UPDATABLE.includes(record.state);
      const event = isUpdatable
        ? condition === "healthy"
          ? null
          : "lost"
        : eventOf(record, condition, epoch, isEarly);
      if (event === null) continue;
      const isOver = event === "expired" || event === "ended";
      const change = isOver ? { finalEpoch: epoch + SEALING_EPOCHS.lookback } : {};
      await this.records.step(record.number, { event, text: `seen at epoch ${epoch}`, change, after: record.steps });
      this.changed(record.number);
    }
  }

  /** Epoch at which a sector was to end: the chain knows of extensions, the record may not. */
  private async endOf({ number, expiration }: SectorRecord): Promise<number> {
    return (await this.chain.sector(number))?.expiration ?? expiration ?? 0;
  }
}

/** `isEarly`: it has ended before its time. */
function eventOf(record: SectorRecord, condition: Condition, epoch: number, isEarly: boolean): string | null {
  const isPast = record.expiration !== null && record.expiration <= epoch;
  if (isEarly) return "ended";
  if (condition === "terminated" || (condition === "absent" && isPast)) return "expired";
  if (condition === "absent") return record.state === "Proving" ? "vanished" : null;
  const isGood = condition === "healthy" || condition === "unproven";
  if (record.state === "Proving") return condition === "faulty" || condition === "recovering" ? "faulty" : null;
  if (isGood) return "healthy";
  if (record.state === "Faulty") return condition === "recovering" ? "recovering" : null;
  return condition === "faulty" ? "faulty" : null;
}
