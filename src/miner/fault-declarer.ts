/**
 * Faults and recoveries, declared in time: at the start of a deadline the sectors of the one after the next are tried, for
 * which declarations are taken until 50 epochs later.
 *
 * A sector whose files do not prove is declared faulty: it loses its power sooner than by being skipped, and is not drawn
 * for winning PoSt, which nobody could make of it. A faulty one that proves again is declared recovered.
 */
import { WINDOW_POST } from "../params/proving.ts";
import { type Partition, without } from "../state/miner-sectors.ts";
import type { MinerCall, PartitionSectors } from "./chain-side/calls.ts";
import type { DeadlineClock, HeadView, MinerChain } from "./chain-side/chain.ts";
import { minerMessages } from "./chain-side/messages.ts";
import { nextClock } from "./chain-side/state-json.ts";
import type { HeldMiner, SealedOf } from "./own-sectors.ts";
import type { MinerAccount, ProvingOptions } from "./proving-options.ts";

const { provingPeriod, challengeWindow } = WINDOW_POST;
const DEADLINES = provingPeriod / challengeWindow;
/** Deadlines from the one that opens to the one whose sectors are tried. */
const AHEAD = 2;
/** Messages of declarations, by the names of their intentions. */
const KEY = "declare/";

export class FaultDeclarer {
  private readonly options: ProvingOptions;

  constructor(options: ProvingOptions) {
    this.options = options;
  }

  /** Tries the sectors of the deadline after the one that follows `clock`, and declares what has changed. */
  async look(miner: HeldMiner, { chain, tracker }: MinerAccount, head: HeadView, clock: DeadlineClock): Promise<void> {
    const index = (clock.index + AHEAD) % DEADLINES;
    const ahead = nextClock(clock, index);
    if (head.height + 1 >= ahead.faultCutoff) return;
    const { partitions } = await chain.sectorsDue(index, head);
    const sealedOf: SealedOf = async (sector) => (await chain.sector(sector, head))?.sealedCid ?? null;
    const faults: PartitionSectors[] = [];
    const recoveries: PartitionSectors[] = [];
    for (const partition of partitions) {
      const { deadline, partition: at } = partition;
      const { lost, back } = await this.changes(miner, partition, head.height, sealedOf);
      if (lost.length > 0) faults.push({ deadline, partition: at, sectors: lost });
      if (back.length > 0) recoveries.push({ deadline, partition: at, sectors: back });
    }
    if (faults.length === 0 && recoveries.length === 0) return;
    await tracker.prune(KEY, (key) => Number(key.slice(KEY.length).split("/")[0]) < ahead.open - provingPeriod);
    const calls = minerMessages(chain.miner, head.networkVersion, chain.prefix);
    const lost = faults.flatMap(({ sectors }) => sectors);
    if (lost.length > 0) this.options.onFault?.(miner, lost, `declared faulty before deadline ${index}`);
    const send = async (name: string, call: MinerCall): Promise<void> => {
      const key = `${KEY}${ahead.open}/${name}`;
      // What was sent before and changed nothing, or not this, has failed or is about other sectors.
      if ((await tracker.find(key)) !== null && (await tracker.check(key, 0)) !== null) await tracker.forget(key);
      await tracker.send(key, call);
    };
    if (faults.length > 0) await send("faults", calls.declareFaults(faults));
    if (recoveries.length === 0) return;
    const hindrance = await this.hindrance(chain, head);
    if (hindrance === null) await send("recoveries", calls.declareRecoveries(recoveries));
    else
      this.options.onFault?.(
        miner,
        recoveries.flatMap(({ sectors }) => sectors),
        `cannot be declared recovered: the miner ${hindrance}`,
      );
  }

  /** Why the actors take no recoveries from a miner now, or null. */
  private async hindrance(chain: MinerChain, head: HeadView): Promise<string | null> {
    const { consensusFaultElapsed } = await chain.facts(head);
    if (head.height < consensusFaultElapsed)
      return `is excluded for a consensus fault until epoch ${consensusFaultElapsed}`;
    const { feeDebt, available } = await chain.money(head);
    // What is free was subtracted the debt already.
    return feeDebt > 0n && available < 0n ? `owes ${-available} attoFIL more than it has free` : null;
  }

  private async changes(miner: HeldMiner, partition: Partition, salt: number, sealedOf: SealedOf) {
    const { sectors, faults, recoveries, terminated } = partition;
    const good = without(sectors, faults, terminated);
    const idle = without(faults, recoveries, terminated);
    const failing = await this.options.prover.failing(miner, [...good, ...idle], salt, sealedOf);
    return { lost: good.filter((one) => failing.includes(one)), back: without(idle, failing) };
  }
}
