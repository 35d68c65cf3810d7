/**
 * Window PoSt: proves a miner's partitions in each of its deadlines, and sees to it that the proofs are on chain.
 *
 * A deadline is worked on as soon as the head stands in it. Sectors whose files do not prove are left out ("skipped": the
 * actor marks them faulty) and told to `onFault`; the others of their partition are proven. What is not on chain a third and
 * two thirds into the window, or after a reorganisation, is looked at again; what fails is tried again on the next head
 * before anybody is told. At the start of each deadline the sectors of the one after the next are tried, while there is time
 * to declare them (`fault-declarer.ts`). Source: lotus storage/wdpost (behaviour); rules: the miner actor.
 */
import type { Rewind } from "../base/rewind.ts";
import { DRAW_TAG, minerEntropy } from "../consensus/draws.ts";
import { WINDOW_POST } from "../params/proving.ts";
import { type Partition, without } from "../state/miner-sectors.ts";
import type { PoStProof } from "../types/block-header.ts";
import type { DeadlineClock, HeadView } from "./chain-side/chain.ts";
import { minerMessages } from "./chain-side/messages.ts";
import { FaultDeclarer } from "./fault-declarer.ts";
import type { HeldMiner, SealedOf } from "./own-sectors.ts";
import { faultIn } from "./post-prover.ts";
import type { MinerAccount, ProvingOptions } from "./proving-options.ts";

/** When, in parts of the window, it is looked whether the proofs are on chain. */
const RETRIES = [1 / 3, 2 / 3];

type Watched = {
  readonly clock: DeadlineClock;
  /** Epochs at which the deadline is still to be worked on. */
  due: number[];
  /** Epochs at which the sectors of the one after the next are still to be tried. */
  dueAhead: number[];
  /** Whether the last attempt failed and nobody was told yet: the next head has another. */
  hasFailed: boolean;
};

/** Messages of partitions, by the name of their intention. */
const KEY = "post/";

export class WindowPoster {
  private readonly options: ProvingOptions;
  private readonly declarer: FaultDeclarer;
  private readonly watched = new Map<string, Watched>();
  private readonly accounts = new Map<string, MinerAccount>();
  /** Miners below whose head tipsets were reverted since they were looked at. */
  private readonly reverted = new Set<string>();

  constructor(options: ProvingOptions) {
    this.options = options;
    this.declarer = new FaultDeclarer(options);
  }

  /**
   * Does for each miner what the head asks for; resolves when the messages are in the pool. What fails for one miner keeps
   * no other from its turn; the first error is thrown afterwards.
   */
  async headMoved(miners: readonly HeldMiner[]): Promise<void> {
    const failures: unknown[] = [];
    for (const miner of miners) await this.forMiner(miner).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** Which deadlines are being worked on, and what is known of their messages; the function that is given knows that again. */
  remember(): Rewind {
    const watched = [...this.watched].map(([name, one]) => [name, copyOf(one)] as const);
    const reverted = [...this.reverted];
    const trackers = new Map([...this.accounts].map(([name, { tracker }]) => [name, tracker.remember()]));
    return async (changed) => {
      this.watched.clear();
      for (const [name, one] of watched) this.watched.set(name, copyOf(one));
      this.reverted.clear();
      for (const name of reverted) this.reverted.add(name);
      for (const [name, { tracker }] of this.accounts) await (trackers.get(name) ?? tracker.forgetHeights)(changed);
    };
  }

  private async forMiner(miner: HeldMiner): Promise<void> {
    const account = this.account(miner);
    const name = miner.address.toString();
    const head = await account.chain.head();
    let watched = this.watched.get(name);
    if (watched === undefined || head.height >= watched.clock.close || head.height < watched.clock.open - 1) {
      watched = await this.begin(account, head);
      this.watched.set(name, watched);
    }
    if (this.reverted.delete(name)) watched.due.unshift(head.height);
    await this.work(miner, account, head, watched);
  }

  private async work(miner: HeldMiner, account: MinerAccount, head: HeadView, watched: Watched): Promise<void> {
    const { clock } = watched;
    const isDue = (epoch: number): boolean => epoch <= head.height;
    if (!watched.due.some(isDue) && !watched.dueAhead.some(isDue)) return;
    const [now, ahead] = [watched.due.some(isDue), watched.dueAhead.some(isDue)];
    watched.due = watched.due.filter((epoch) => !isDue(epoch));
    watched.dueAhead = watched.dueAhead.filter((epoch) => !isDue(epoch));
    try {
      if (now && (this.options.mayProve?.(miner, clock.index) ?? true)) await this.prove(miner, account, head, clock);
      if (ahead) await this.declarer.look(miner, account, head, clock);
      watched.hasFailed = false;
    } catch (error) {
      const { height, key } = await account.chain.head();
      const hasMoved = height !== head.height || `${key}` !== `${head.key}`;
      if (!hasMoved && watched.hasFailed) {
        watched.hasFailed = false;
        throw error;
      }
      // On a head that is gone the failure says nothing. On one that stands it may have to do with null rounds below it:
      // gas is estimated without the cron of those, so that a deadline may not have begun there.
      watched.hasFailed = !hasMoved;
      if (now) watched.due.unshift(hasMoved ? clock.open : head.height + 1);
      if (ahead) watched.dueAhead.unshift(hasMoved ? clock.open : head.height + 1);
    }
  }

  /** The deadline that the epoch after the head belongs to. */
  private async begin({ chain, tracker }: MinerAccount, head: HeadView): Promise<Watched> {
    const clock = await chain.deadline(head);
    // Messages of deadlines that are long past are nobody's concern.
    const oldest = clock.open - WINDOW_POST.provingPeriod;
    await tracker.prune(KEY, (key) => Number(key.slice(KEY.length).split("/")[0]) < oldest);
    const { challengeWindow } = WINDOW_POST;
    const due = [clock.open, ...RETRIES.map((part) => clock.open + Math.round(part * challengeWindow))];
    return { clock, due, dueAhead: [clock.open], hasFailed: false };
  }

  private account(miner: HeldMiner): MinerAccount {
    const name = miner.address.toString();
    let account = this.accounts.get(name);
    if (account === undefined) {
      account = this.options.accountOf(miner);
      account.chain.onHeadChange((hasReverted) => hasReverted && this.reverted.add(name));
      this.accounts.set(name, account);
    }
    return account;
  }

  /** Proves what of a deadline is neither proven nor on its way; a message holds as many partitions as it may. */
  private async prove(miner: HeldMiner, account: MinerAccount, head: HeadView, clock: DeadlineClock): Promise<void> {
    const { chain } = account;
    const { partitions, proven } = await chain.sectorsDue(clock.index, head);
    const open = partitions.filter((one) => !proven.includes(one.partition) && toProve(one).length > 0);
    if (open.length === 0) return;
    const calls = minerMessages(chain.miner, head.networkVersion, chain.prefix);
    const size = calls.maxPostPartitions((await chain.facts(head)).partitionSectors);
    // The same partitions go together at every attempt, whatever is proven by then.
    const failures: unknown[] = [];
    for (let at = 0; at < partitions.length; at += size) {
      const key = `${KEY}${clock.open}/${partitions[at]?.partition}`;
      const group = partitions.slice(at, at + size).filter((one) => open.includes(one));
      if (group.length > 0)
        await this.proveGroup(miner, account, { key, head, clock, group }).catch((error: unknown) =>
          failures.push(error),
        );
    }
    if (failures.length > 0) throw failures[0];
  }

  private async proveGroup(
    miner: HeldMiner,
    { chain, tracker }: MinerAccount,
    work: {
      readonly key: string;
      readonly head: HeadView;
      readonly clock: DeadlineClock;
      readonly group: readonly Partition[];
    },
  ): Promise<void> {
    const { key, head, clock, group } = work;
    if ((await tracker.find(key)) !== null) {
      if ((await tracker.check(key, 0)) === null) return;
      // It was executed and the partitions are not proven: it failed, or its block is gone.
      await tracker.forget(key);
    }
    const entropy = minerEntropy(chain.miner);
    const randomness = await chain.randomness("beacon", DRAW_TAG.windowPost, clock.challenge, entropy, head);
    const sealedOf: SealedOf = async (sector) => (await chain.sector(sector, head))?.sealedCid ?? null;
    const made = await this.proof(miner, randomness, group, head.networkVersion, sealedOf);
    if (made === null) return;
    const calls = minerMessages(chain.miner, head.networkVersion, chain.prefix);
    const commitEpoch = calls.commitEpochAt(head.height, clock);
    const commitRandomness = await chain.randomness("ticket", DRAW_TAG.commit, commitEpoch, new Uint8Array(0), head);
    const { partitions, proof } = made;
    const post = { deadline: clock.index, partitions, proofs: [proof], commitEpoch, commitRandomness };
    await tracker.send(key, calls.submitWindowPost(post));
  }

  /** Proves the partitions; sectors that fail are skipped. Null if none is left. */
  private async proof(
    miner: HeldMiner,
    randomness: Uint8Array,
    group: readonly Partition[],
    networkVersion: number,
    sealedOf: SealedOf,
  ) {
    const skipped = new Set<number>();
    for (;;) {
      const left = group
        .map((one) => ({ ...one, good: without(toProve(one), [...skipped]) }))
        // A partition of which nothing is left is not named: its sectors are as faulty as skipped ones.
        .filter(({ good }) => good.length > 0);
      if (left.length === 0) return null;
      const sectors = left.flatMap(({ good }) => good);
      try {
        const { prover } = this.options;
        const proof: PoStProof = await prover.window(miner, randomness, sectors, networkVersion, sealedOf);
        const partitions = left.map((one) => ({
          index: one.partition,
          skipped: toProve(one).filter((sector) => skipped.has(sector)),
        }));
        return { proof, partitions };
      } catch (error) {
        const fault = faultIn(error);
        this.options.onFault?.(miner, fault.data.sectors, fault.message);
        const before = skipped.size;
        for (const sector of fault.data.sectors) skipped.add(sector);
        // Each attempt leaves out more, so that they end.
        if (skipped.size === before) throw error;
      }
    }
  }
}

function copyOf({ clock, due, dueAhead, hasFailed }: Watched): Watched {
  return { clock, due: [...due], dueAhead: [...dueAhead], hasFailed };
}

/** Sectors of a partition that its proof must be about: recovering ones too, other faulty ones not. */
export function toProve({ sectors, faults, recoveries, terminated }: Partition): readonly number[] {
  return without(sectors, without(faults, recoveries), terminated);
}
