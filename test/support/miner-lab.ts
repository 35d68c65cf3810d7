/**
 * A network of miners with sectors whose time is a test's: blocks are made by the first miner without elections, and all
 * epochs but those in which something is to be done are null rounds. The actors, the proofs and the miners' software are
 * the real ones.
 */

import type { MinerCall, MinerMessages } from "../../src/miner/chain-side/calls.ts";
import type { MinerChain } from "../../src/miner/chain-side/chain.ts";
import { minerMessages } from "../../src/miner/chain-side/messages.ts";
import { MessageTracker } from "../../src/miner/chain-side/tracker.ts";
import type { OwnMiner } from "../../src/miner/own-sectors.ts";
import { Producer } from "../../src/miner/producer.ts";
import { MinerSwitches } from "../../src/miner/switches.ts";
import type { WindowPoster } from "../../src/miner/window-poster.ts";
import { Devnet, type DevnetOptions } from "../../src/node/devnet.ts";
import { beaconDataOf } from "../../src/node/devnet-chain.ts";
import { Laboratory } from "../../src/node/laboratory.ts";
import { type LocalMiners, minerWorker } from "../../src/node/local-miners.ts";
import { WINDOW_POST } from "../../src/params/proving.ts";
import { networkFigures } from "../../src/stmgr/pledge-figures.ts";

const { provingPeriod, challengeWindow } = WINDOW_POST;
const DEADLINES = provingPeriod / challengeWindow;

/** A miner with its dealings. */
export type LabMiner = {
  readonly own: OwnMiner;
  readonly chain: MinerChain;
  readonly tracker: MessageTracker;
  readonly calls: MinerMessages;
};

export class MinerLab {
  readonly net: Devnet;
  readonly lab: Laboratory;
  readonly poster: WindowPoster;
  readonly miners: readonly LabMiner[];
  /** What was told of sectors that could not be proved. */
  readonly told: { readonly miner: string; readonly sectors: readonly number[]; readonly why: string }[] = [];
  private readonly producer: Producer;
  private readonly deadlines = new Map<string, readonly number[]>();

  private constructor(net: Devnet) {
    this.net = net;
    net.clock.setAutomine(false);
    const local = net.local as LocalMiners;
    const { node } = net;
    const switches = new MinerSwitches();
    this.lab = new Laboratory({ node, local, switches, clock: net.clock, sealing: net.sealing });
    this.poster = local.poster(node, {
      mayProve: (miner, deadline) => switches.isOn(miner) && switches.mayProve(miner, deadline),
      onFault: ({ address }, sectors, why) => this.told.push({ miner: `${address}`, sectors, why }),
    });
    this.miners = local.miners.map((own) => {
      const chain = local.chainOf(own, node);
      const calls = minerMessages(own.address, node.states.networkVersionAt(1), chain.prefix);
      return { own, chain, tracker: new MessageTracker(chain, node.chain.blocks), calls };
    });
    const { states, pool, crypto } = node;
    const { seed } = net.options;
    const worker = minerWorker(crypto, seed, 0);
    this.producer = new Producer({
      states,
      pool,
      crypto,
      miner: net.miner,
      worker,
      beacon: beaconDataOf(crypto, seed),
    });
  }

  static async open(options: Partial<DevnetOptions>): Promise<MinerLab> {
    return new MinerLab(await Devnet.open({ accounts: 2, seed: "lab", genesisTime: 1_700_000_000, ...options }));
  }

  get height(): number {
    return this.net.head.height;
  }

  /** Lets the miners look at the head, then makes the tipset of an epoch, by default the next. */
  async step(epoch = this.height + 1): Promise<void> {
    await this.poster.headMoved(this.miners.map(({ own }) => own));
    await this.producer.produce(epoch);
  }

  /** Passes epochs up to one whose tipset is made; stops where miners have something to do on the way. */
  async passTo(epoch: number): Promise<void> {
    while (this.height < epoch) {
      const next = Math.min(epoch, await this.nextStop());
      await this.step(next);
      // After null rounds gas is estimated for an epoch that is past; the next head is right. Its message is in the third.
      for (let i = 0; i < 2 && this.height < epoch; i++) await this.step();
    }
  }

  /** Sends a miner's message, makes tipsets until it was executed, and gives its exit code. */
  async done({ tracker }: LabMiner, key: string, call: MinerCall): Promise<number> {
    await tracker.send(key, call);
    for (let i = 0; i < 5; i++) {
      const executed = await tracker.check(key, 0);
      if (executed !== null) return executed.receipt.exitCode;
      await this.step();
    }
    throw new Error(`${key} was not executed`);
  }

  /** Deadlines in which a miner had sectors when they were first asked for, with their first epochs from the head on. */
  async deadlinesOf({ own, chain }: LabMiner): Promise<readonly { readonly index: number; readonly open: number }[]> {
    const name = `${own.address}`;
    let indexes = this.deadlines.get(name);
    if (indexes === undefined) {
      const all = Array.from({ length: DEADLINES }, (_, index) => index);
      const due = await Promise.all(all.map((index) => chain.sectorsDue(index)));
      indexes = all.filter((index) => due[index]?.partitions.some(({ sectors }) => sectors.length > 0));
      this.deadlines.set(name, indexes);
    }
    const { periodStart } = await chain.deadline();
    return indexes.map((index) => {
      let open = periodStart + index * challengeWindow;
      while (open + challengeWindow <= this.height + 1) open += provingPeriod;
      return { index, open };
    });
  }

  /** The only deadline of a miner whose sectors are in one. */
  async deadlineOf(miner: LabMiner): Promise<{ readonly index: number; readonly open: number }> {
    const [only, ...others] = await this.deadlinesOf(miner);
    if (only === undefined || others.length > 0) throw new Error("one deadline with sectors expected");
    return only;
  }

  /** What penalties are computed from, in the state after the head. */
  async figures() {
    const { states } = this.net.node;
    return networkFigures(states, this.net.head, await states.stateAfter(this.net.head), states.chain.blocks);
  }

  /** The only message that the head carries, with its receipt and the base fee that it paid; executes it. */
  async lastMessage() {
    const { chain, states } = this.net.node;
    const [{ message } = { message: null }, ...others] = await chain.tipsetMessages(this.net.head);
    if (message === null || others.length > 0) throw new Error("one message expected");
    await states.result(this.net.head);
    const [receipt] = await chain.receipts(this.net.head);
    if (receipt === undefined) throw new Error("a receipt expected");
    return { message, receipt, baseFee: this.net.head.blocks[0]?.parentBaseFee ?? 0n };
  }

  /** Gas whose base fee is burnt: what was used, and a growing part of what was asked for above a tenth more. Source: lotus chain/vm/burn.go. */
  burntGas(used: bigint, limit: bigint): bigint {
    const over = limit - (11n * used) / 10n;
    if (over <= 0n) return used;
    const part = over > used ? used : over;
    return used + ((limit - used) * part) / used;
  }

  close(): Promise<void> {
    return this.net.close();
  }

  /** The next epoch at which some miner has to prove, or to look ahead. */
  private async nextStop(): Promise<number> {
    let next = Number.MAX_SAFE_INTEGER;
    for (const miner of this.miners)
      for (const { open } of await this.deadlinesOf(miner))
        for (const at of [
          open,
          open - 2 * challengeWindow,
          open + provingPeriod,
          open + provingPeriod - 2 * challengeWindow,
        ])
          if (at + 1 > this.height) next = Math.min(next, at + 1);
    return next;
  }
}
