/**
 * Makes the tipsets of a local network whose miners are all at hand: every miner tries for a block in each epoch, and those
 * that win make one tipset together. An epoch that nobody wins is a null round.
 *
 * Everything is a function of the chain, the pool and the miners' keys and sectors: the same inputs give the same CIDs.
 */
import type { Rewind } from "../base/rewind.ts";
import { splitMessages } from "../chain/message-store.ts";
import { entriesFor, miningBase } from "../consensus/base-info.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { makeTipset } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";
import { BlockMaker, type BlockMakerOptions, type Win } from "./block-maker.ts";
import { keyedMiner, type OwnMiner } from "./own-sectors.ts";
import type { Produced } from "./producer.ts";
import { usable } from "./usable.ts";
import type { WindowPoster } from "./window-poster.ts";

export type ElectedProducerOptions = BlockMakerOptions & {
  readonly pool: MessagePool;
  readonly miners: readonly OwnMiner[];
  readonly poster: WindowPoster;
  /** Whether a miner takes part; default: always. */
  readonly isOn?: (miner: OwnMiner) => boolean;
};

/** Milliseconds for the beacon's answer. */
const BEACON_MS = 30_000;
/** Miners that are told about one by one. */
const MAX_TOLD = 8;

export class ElectedProducer {
  private readonly options: ElectedProducerOptions;
  private readonly maker: BlockMaker;

  constructor(options: ElectedProducerOptions) {
    this.options = options;
    this.maker = new BlockMaker(options);
  }

  /** What is remembered of window proofs. */
  remember(): Rewind {
    return this.options.poster.remember();
  }

  /** Makes the tipset of `epoch` on top of the head; null if no miner won it. */
  async produce(epoch: number, signal?: AbortSignal): Promise<Produced | null> {
    const { states, pool, poster, isOn } = this.options;
    const miners = isOn === undefined ? this.options.miners : this.options.miners.filter(isOn);
    const { chain } = states;
    const parent = chain.head;
    // More null rounds than elections look back over are refused before an entry of the beacon is drawn for each of them.
    if (epoch > parent.height + 1) await states.lookback(parent, epoch);
    await poster.headMoved(miners);
    const drawn = await entriesFor(this.options, parent, epoch, AbortSignal.timeout(BEACON_MS));
    const tried = await Promise.all(miners.map((miner) => this.maker.tryFor(miner, parent, epoch, drawn)));
    const wins = tried.filter((win) => win !== null);
    if (wins.length === 0) return null;
    const baseFee = await states.nextBaseFee(parent);
    const best = Math.max(...wins.map(({ quality }) => quality));
    const made = await usable(await pool.select(baseFee, best), {
      signal,
      attempt: (chosen) => this.attempt(wins, baseFee, chosen, signal),
      drop: ({ message }, reason) => pool.dropNonce(message.from, message.nonce, reason),
    });
    const tipset = await chain.append(made.added);
    await pool.settled();
    return { tipset, messages: made.count };
  }

  /** What keeps each miner from making a block of `epoch` on top of the head. */
  async whyNobody(epoch: number): Promise<string> {
    const { states, miners, isOn } = this.options;
    const parent = states.chain.head;
    const drawn = await entriesFor(this.options, parent, epoch, AbortSignal.timeout(BEACON_MS));
    const told: string[] = [];
    for (const miner of miners.slice(0, MAX_TOLD)) {
      const base = await miningBase(this.options, parent, epoch, miner.address, drawn);
      const why = base === null ? "it has no sector that it could prove" : base.notEligible;
      const isOff = isOn?.(miner) === false;
      const name = miner.address.toString(states.network.prefix);
      told.push(
        `${name}: ${isOff ? "it was stopped" : (why ?? "it did not win, or could not prove the sector drawn")}`,
      );
    }
    return [...told, ...(miners.length > MAX_TOLD ? [`${miners.length - MAX_TOLD} more`] : [])].join("; ");
  }

  /** The blocks of all winners: the one with the best ticket carries the messages, the others are empty. */
  private async attempt(
    wins: readonly Win[],
    baseFee: bigint,
    chosen: readonly SignedMessage[],
    signal: AbortSignal | undefined,
  ) {
    const best = wins.reduce((a, b) => (b.quality > a.quality ? b : a));
    const blocks = await Promise.all(
      wins.map((win) =>
        this.maker.make(win, keyedMiner(this.options.miners, win.miner).worker, win === best ? chosen : [], baseFee),
      ),
    );
    const headers = blocks.map(({ header }) => header);
    const tipset = makeTipset(headers);
    const messagesOf = new Map(blocks.map(({ header, messages }) => [header, splitMessages(messages)]));
    const inOrder = tipset.blocks.map((header) => messagesOf.get(header) ?? { bls: [], secp: [] });
    const executed = await this.options.states.execute(tipset, {
      given: inOrder,
      priority: "mine",
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      added: {
        headers: tipset.blocks,
        messages: inOrder,
        blocks: [...blocks.flatMap((block) => block.blocks), ...executed.blocks],
        result: executed.result,
      },
      count: chosen.length,
    };
  }
}
