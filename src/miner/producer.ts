/**
 * The single producer of a local network: makes every block, without election.
 *
 * One step: draw a ticket and an election proof (VRF = BLS signature of the worker) for the next epoch, choose messages at
 * the epoch's base fee, put them under a signed header that commits to the parent's result, execute the new tipset at
 * once, and append everything in one batch. Proof of spacetime and power play no part: `elected-producer.ts` is for
 * networks where they do.
 * Everything is a function of the chain, the pool and the worker's key: the same inputs give the same CIDs.
 */
import type { Rewind, Rewindable } from "../base/rewind.ts";
import { splitMessages } from "../chain/message-store.ts";
import { minTicket } from "../chain/randomness.ts";
import { weightOf } from "../chain/weight.ts";
import { electionInput, ticketInput } from "../consensus/draws.ts";
import { type KeyInfo, signBytes } from "../keys/keys.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import { makeTipset, type Tipset } from "../types/block-header.ts";
import type { SignedMessage } from "../types/message.ts";
import type { BlockTimes } from "./block-times.ts";
import { type BlockCrypto, draftBlock, naturalTime, signBlock } from "./draft-block.ts";
import { usable } from "./usable.ts";

export type ProducerOptions = {
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly crypto: BlockCrypto;
  readonly miner: Address;
  /** BLS key of the miner's worker. */
  readonly worker: KeyInfo;
  /** Data of the local beacon's round. */
  readonly beacon: (round: bigint) => Uint8Array;
  /** Times of blocks that somebody sets. */
  readonly times?: BlockTimes;
};

/** A tipset that was made, and how many messages it carries. */
export type Produced = { readonly tipset: Tipset; readonly messages: number };

/** Whoever makes tipsets on top of the head; null for an epoch in which nobody may. `signal` ends a run in a worker. */
export type TipsetProducer = Partial<Rewindable> & {
  produce(epoch: number, signal?: AbortSignal): Promise<Produced | null>;
  /** Why nobody may make the tipset of an epoch on top of the head, for people. */
  whyNobody?(epoch: number): Promise<string>;
};

/** The tipset that is wanted, whatever it carries. */
type Wanted = {
  readonly parent: Tipset;
  readonly epoch: number;
  readonly baseFee: bigint;
  readonly signal?: AbortSignal;
};

export class Producer {
  private readonly options: ProducerOptions;

  constructor(options: ProducerOptions) {
    this.options = options;
  }

  /** Makes the tipset of `epoch`, which must be above the head's; epochs between are null rounds. */
  async produce(epoch: number, signal?: AbortSignal): Promise<Produced> {
    const { states, pool } = this.options;
    const { chain } = states;
    const parent = chain.head;
    const baseFee = await states.nextBaseFee(parent);
    const made = await usable(await pool.select(baseFee), {
      signal,
      attempt: (chosen) =>
        this.attempt({ parent, epoch, baseFee, ...(signal === undefined ? {} : { signal }) }, chosen),
      drop: ({ message }, reason) => pool.dropNonce(message.from, message.nonce, reason),
    });
    const tipset = await chain.append(made.added);
    this.options.times?.made();
    await pool.settled();
    return { tipset, messages: made.count };
  }

  remember(): Rewind {
    return this.options.times?.remember() ?? (async () => undefined);
  }

  private async attempt({ parent, epoch, baseFee, ...run }: Wanted, chosen: readonly SignedMessage[]) {
    const { states, crypto, worker } = this.options;
    const timestamp = this.timeOf(parent, epoch);
    const spec = { ...this.drawn(parent, epoch), parent, epoch, baseFee, timestamp, parentWeight: weightOf(parent) };
    const { header, blocks } = signBlock(crypto, await draftBlock(this.options, spec, chosen), worker);
    const messages = [splitMessages(chosen)];
    const executed = await states.execute(makeTipset([header]), { ...run, given: messages, priority: "mine" });
    const added = { headers: [header], messages, blocks: [...blocks, ...executed.blocks], result: executed.result };
    return { added, count: chosen.length };
  }

  private timeOf(parent: Tipset, epoch: number): number {
    const { states, times } = this.options;
    const natural = naturalTime(parent, epoch, states.network.blockDelaySeconds);
    return times?.stamp(natural, naturalTime(parent, parent.height, 0)) ?? natural;
  }

  /** What stands in the header of an epoch's block for beacon and election, which is always won once. */
  private drawn(parent: Tipset, epoch: number) {
    const { states, crypto, miner, worker, beacon } = this.options;
    const entry = { round: BigInt(epoch), data: beacon(BigInt(epoch)) };
    const draw = { beacon: entry, epoch, miner };
    const vrf = (input: Uint8Array): Uint8Array => signBytes(crypto, worker, input).data;
    return {
      miner,
      ticket: vrf(ticketInput(draw, minTicket(parent), states.networkVersionAt(epoch))),
      electionProof: { winCount: 1n, vrfProof: vrf(electionInput(draw)) },
      beaconEntries: [entry],
      winPoStProof: [],
    };
  }
}
