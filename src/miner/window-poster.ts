/**
 * Window PoSt: proves a miner's partitions in each of its deadlines, and sees to it that the proof is on chain.
 *
 * A deadline is worked on as soon as the head stands in it. Sectors whose files do not prove are left out ("skipped": the
 * actor marks them faulty) and told to `onFault`. A proof that is not on chain a third and two thirds into the window is
 * sent again; one that fails is made again on the next head before anybody is told. Source: lotus storage/wdpost (behaviour); rules:
 * the miner actor.
 */

import { toBase64 } from "../base/bytes.ts";
import { DRAW_TAG, minerEntropy } from "../consensus/draws.ts";
import { addressOf, type KeyCrypto, signMessage } from "../keys/keys.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { WINDOW_POST } from "../params/proving.ts";
import { SectorError } from "../sector/params.ts";
import { ObjectReader } from "../state/actor-reader.ts";
import { type Partition, partitionsOf, sectorsOf, without } from "../state/miner-sectors.ts";
import { encodeMethodParams } from "../state/state-view.ts";
import type { GasEstimator } from "../stmgr/gas-estimator.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { type PoStProof, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { Json } from "../types/schema-codec.ts";
import type { OwnMiner } from "./own-sectors.ts";
import type { PostProver } from "./post-prover.ts";

export type WindowPosterOptions = {
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly gas: GasEstimator;
  readonly crypto: KeyCrypto;
  readonly prover: PostProver;
  /** Sectors that could not be proved and were skipped. */
  readonly onFault?: (miner: OwnMiner, sectors: readonly number[], why: string) => void;
};

const SUBMIT = 5n;
/** attoFIL that one proof may cost in gas. Source: lotus node/config/def.go, MaxWindowPoStGasFee. */
const MAX_FEE = 5n * 10n ** 18n;
/** When, in parts of the window, it is looked whether the proof is on chain. */
const RETRIES = [1 / 3, 2 / 3];

type Watched = {
  readonly index: number;
  readonly open: number;
  readonly close: number;
  /** Epochs at which the deadline is still to be worked on. */
  due: number[];
  /** Whether the last attempt failed and nobody was told yet: the next head has another. */
  hasFailed: boolean;
};

export class WindowPoster {
  private readonly options: WindowPosterOptions;
  private readonly watched = new Map<string, Watched>();

  constructor(options: WindowPosterOptions) {
    this.options = options;
  }

  /**
   * Does for each miner what the head asks for; resolves when the messages are in the pool. What fails for one miner keeps
   * no other from its turn; the first error is thrown afterwards.
   */
  async headMoved(miners: readonly OwnMiner[]): Promise<void> {
    const failures: unknown[] = [];
    for (const miner of miners)
      await this.forMiner(miner, this.options.states.chain.head).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  private async forMiner(miner: OwnMiner, head: Tipset): Promise<void> {
    const name = miner.address.toString();
    let watched = this.watched.get(name);
    if (watched === undefined || head.height >= watched.close || head.height < watched.open - 1) {
      watched = await this.deadlineAfter(miner, head);
      this.watched.set(name, watched);
    }
    const due = watched.due.filter((epoch) => epoch <= head.height);
    if (due.length === 0) return;
    watched.due = watched.due.filter((epoch) => epoch > head.height);
    try {
      await this.work(miner, head, watched);
      watched.hasFailed = false;
    } catch (error) {
      const hasMoved = tipsetKeyText(this.options.states.chain.head.key) !== tipsetKeyText(head.key);
      if (!hasMoved && watched.hasFailed) {
        watched.hasFailed = false;
        throw error;
      }
      // On a head that is gone the failure says nothing. On one that stands it may have to do with null rounds below it:
      // gas is estimated without the cron of those, so that a deadline may not have begun there.
      watched.hasFailed = !hasMoved;
      watched.due.unshift(hasMoved ? watched.open : head.height + 1);
    }
  }

  /** The deadline that the epoch after the head belongs to. */
  private async deadlineAfter(miner: OwnMiner, head: Tipset): Promise<Watched> {
    const state = await this.miner(miner, head);
    const start = Number(state.field("ProvingPeriodStart"));
    const index = Number(state.field("CurrentDeadline"));
    const { challengeWindow } = WINDOW_POST;
    const open = start + index * challengeWindow;
    const due = [open, ...RETRIES.map((part) => open + Math.round(part * challengeWindow))];
    return { index, open, close: open + challengeWindow, due, hasFailed: false };
  }

  private async miner(miner: OwnMiner, head: Tipset): Promise<ObjectReader> {
    const { states } = this.options;
    const view = await states.stateAfter(head);
    return ObjectReader.open(states.chain.blocks, await view.requireActor(miner.address), states.network.prefix);
  }

  private async work(miner: OwnMiner, head: Tipset, { index, open }: Watched): Promise<void> {
    const { states } = this.options;
    const view = await states.stateAfter(head);
    const entry = await view.requireActor(miner.address);
    const { blocks } = states.chain;
    const done = await this.submitted(miner, head, index);
    const partitions: Partition[] = [];
    for await (const partition of partitionsOf(blocks, entry, states.network.prefix))
      if (partition.deadline === index && !done.includes(partition.partition)) partitions.push(partition);
    const provable = partitions.filter((partition) => toProve(partition).length > 0);
    if (provable.length === 0 || this.isWaiting(miner)) return;
    const source = states.randomness(head);
    const challenge = open - WINDOW_POST.challengeLookback;
    const randomness = await source.beaconRandomness(DRAW_TAG.windowPost, challenge, minerEntropy(miner.address));
    const made = await this.prove(miner, randomness, provable);
    if (made === null) return;
    const commitEpoch = head.height - 1;
    const commit = await source.ticketRandomness(DRAW_TAG.commit, commitEpoch, new Uint8Array(0));
    await this.send(miner, head, {
      Deadline: index,
      Partitions: made.partitions,
      Proofs: [{ PoStProof: Number(made.proof.postProof), ProofBytes: toBase64(made.proof.proofBytes) }],
      ChainCommitEpoch: commitEpoch,
      ChainCommitRand: toBase64(commit),
    });
  }

  /** Whether a proof of this miner waits in the pool already. */
  private isWaiting(miner: OwnMiner): boolean {
    const worker = addressOf(this.options.crypto, miner.worker);
    return this.options.pool
      .pendingOf(worker)
      .some(({ message }) => message.method === SUBMIT && message.to.equals(miner.address));
  }

  private async submitted(miner: OwnMiner, head: Tipset, index: number): Promise<readonly number[]> {
    const state = await this.miner(miner, head);
    const deadlines = (await state.object("Deadlines")) as { readonly Due: readonly Json[] };
    const deadline = await state.linkedTo("Deadline", deadlines.Due[index] as Json);
    return sectorsOf(deadline.field("PostSubmissions"));
  }

  /** Proves the partitions; sectors that fail are skipped, and it is tried once more without them. */
  private async prove(
    miner: OwnMiner,
    randomness: Uint8Array,
    partitions: readonly Partition[],
  ): Promise<{ readonly proof: PoStProof; readonly partitions: Json } | null> {
    const skipped = new Set<number>();
    for (let attempt = 0; attempt < 2; attempt++) {
      const lists = partitions.map((one) => ({
        Index: one.partition,
        Skipped: runsOf(one.sectors.filter((sector) => skipped.has(sector))),
      }));
      const sectors = partitions.flatMap((one) => without(toProve(one), [...skipped]));
      if (sectors.length === 0) return null;
      try {
        return { proof: await this.options.prover.window(miner, randomness, sectors), partitions: lists };
      } catch (error) {
        if (!(error instanceof SectorError) || error.data.code !== "FAULTY_SECTORS") throw error;
        this.options.onFault?.(miner, error.data.sectors, error.message);
        for (const sector of error.data.sectors) skipped.add(sector);
      }
    }
    return null;
  }

  private async send(miner: OwnMiner, head: Tipset, params: Json): Promise<void> {
    const { states, pool, gas, crypto } = this.options;
    const from = addressOf(crypto, miner.worker);
    const { code } = await (await states.stateAfter(head)).requireActor(miner.address);
    const message = {
      to: miner.address,
      from,
      nonce: 0n,
      value: 0n,
      gasLimit: 0n,
      gasFeeCap: 0n,
      gasPremium: 0n,
      method: SUBMIT,
      params: encodeMethodParams(code, SUBMIT, params, states.network.prefix),
    };
    await pool.pushNext(from, async (nonce) =>
      signMessage(
        crypto,
        miner.worker,
        await gas.complete({ ...message, nonce }, { maxFee: MAX_FEE, maximizeFeeCap: false }, head),
      ),
    );
  }
}

/** Sectors of a partition that its proof must be about: recovering ones too, other faulty ones not. */
function toProve({ sectors, faults, recoveries, terminated }: Partition): readonly number[] {
  return without(sectors, without(faults, recoveries), terminated);
}

/** Run lengths, zeros first, of ascending numbers: JSON's spelling of a bitfield. */
function runsOf(numbers: readonly number[]): Json {
  const runs: number[] = [];
  let at = 0;
  for (let i = 0; i < numbers.length; ) {
    const first = numbers[i] as number;
    let end = first;
    while (numbers[i] === end) {
      end++;
      i++;
    }
    runs.push(first - at, end - first);
    at = end;
  }
  return runs.length === 0 ? null : runs;
}
