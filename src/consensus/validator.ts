/**
 * Full validation of a block on top of its parent tipset.
 *
 * Cheap checks first, in the reference's order; then what costs (signatures, draws, proofs of spacetime, messages, the
 * parent's execution), side by side. The first failure in the order below is the one that is reported, whichever ends
 * first. Nothing is stored here. Source: lotus chain/consensus/filcns/filecoin.go, chain/consensus/common.go.
 */

import { BoundedMap } from "../base/bounded-map.ts";
import { isFilError } from "../base/errors.ts";
import type { BeaconSchedule } from "../beacon/networks.ts";
import type { VerifyEntry } from "../beacon/rules.ts";
import { buildMessageMeta } from "../chain/message-store.ts";
import { latestBeaconEntry } from "../chain/randomness.ts";
import type { StateView } from "../state/state-view.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { BeaconEntry, BlockHeader, Tipset } from "../types/block-header.ts";
import { headerCid, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { winningPostRandomness } from "./draws.ts";
import {
  checkBeacon,
  checkBlockSignature,
  checkElectionProof,
  checkTicket,
  checkWinCount,
  type VerifyBls,
} from "./election-checks.ts";
import { blockError } from "./errors.ts";
import {
  beaconOf,
  checkBaseFee,
  checkComplete,
  checkHeight,
  checkMessageCount,
  checkNotFromFuture,
  checkParentWeight,
  checkTimestamp,
  checkWins,
  type IncomingBlock,
} from "./header-checks.ts";
import { type BlockMessages, checkMessages, type MessageVerifiers } from "./message-checks.ts";
import { type Claim, minerStanding, type PowerTable, powerTable, whyNotEligible } from "./power.ts";
import { chainWeight, WeightError } from "./weight.ts";
import { challengedSectors, checkWinningPost, type PickSector, type VerifyWinningPost } from "./winning-post.ts";

export type ValidatorOptions = {
  readonly states: StateManager;
  readonly beacons: BeaconSchedule;
  /** Unix time of the genesis, seconds. */
  readonly genesisTime: number;
  readonly verifyEntry: VerifyEntry;
  readonly verifyBls: VerifyBls;
  readonly messages: MessageVerifiers;
  readonly pickSector: PickSector;
  readonly verifyWinningPost: VerifyWinningPost;
  /** Gas for a message of this many bytes on chain, at a network version. */
  readonly inclusionGas: (bytes: number, networkVersion: number) => bigint;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type FullBlock = { readonly header: BlockHeader; readonly messages: BlockMessages };

/** What was checked of a block, for whoever counts. */
export type BlockReport = {
  readonly cid: CID;
  readonly beaconEntries: number;
  readonly blsMessages: number;
  readonly secpMessages: number;
  readonly winningPost: "verified" | "declared";
};

/** What every block on top of one parent has in common. */
type ParentContext = {
  readonly parent: Tipset;
  readonly version: number;
  readonly weight: bigint;
  readonly baseFee: bigint;
  readonly before: StateView;
  readonly beacon: BeaconEntry;
};

/** What decides who may make a block of one epoch on top of one parent. */
type RoundContext = {
  readonly lookback: Tipset;
  readonly lookbackState: StateView;
  readonly power: PowerTable;
};

/** Parents whose context is kept. */
const KEPT = 8;

export class BlockValidator {
  private readonly options: ValidatorOptions;
  private readonly parents = new BoundedMap<string, Promise<ParentContext>>(KEPT);

  constructor(options: ValidatorOptions) {
    this.options = options;
  }

  /** Validates a block; throws `BlockError`, or what this node failed of. The parent tipset must be stored; its state may still have to be computed. */
  async validate({ header, messages }: FullBlock): Promise<BlockReport> {
    const cid = headerCid(header);
    const block = checkComplete(header, cid, this.options.states.network.prefix);
    this.refuseBad(block);
    checkMessageCount(cid, messages.bls.length + messages.secp.length);
    const context = await this.parentOf(block);
    const { parent } = context;
    const { states, now } = this.options;
    checkHeight(block, parent);
    checkTimestamp(block, parent, states.network.blockDelaySeconds);
    checkNotFromFuture(block, now());
    checkParentWeight(block, context.weight);
    checkBaseFee(block, context.baseFee);
    checkWins(block);
    checkMessageRoot(block, messages);
    const round = await this.roundOf(block, context);
    const { worker, claim } = await this.producer(block, round);
    checkWinCount(block, claim, round.power.total);
    // The signature last: whatever is changed in a header breaks it as well, and the other checks say what was changed.
    const [, , , , , winningPost] = await inOrder([
      this.eligible(block, context, round),
      checkElectionProof(block, worker, context.beacon, this.options.verifyBls),
      checkTicket(block, worker, context.beacon, parent, context.version, this.options.verifyBls),
      this.beacon(block, context),
      this.parentState(block, messages, context),
      this.winningPost(block, context, round),
      checkBlockSignature(block, worker, this.options.verifyBls),
    ]);
    return {
      cid,
      beaconEntries: header.beaconEntries.length,
      blsMessages: messages.bls.length,
      secpMessages: messages.secp.length,
      winningPost,
    };
  }

  /** What is marked as bad is not taken, nor what stands on it. */
  private refuseBad({ header, cid }: IncomingBlock): void {
    const { bad } = this.options.states.chain;
    for (const one of [cid, ...header.parents]) {
      const why = bad.reasonOf(one);
      if (why !== null) throw blockError("MARKED_BAD", cid, `block ${one} is marked as bad: ${why}`);
    }
  }

  /** Weight of the chain up to and with a tipset. */
  weight(tipset: Tipset): Promise<bigint> {
    return chainWeight(this.options.states, tipset);
  }

  /** Read once for all blocks on one parent; what is wrong with one block's parent is said of that block. */
  private async parentOf(block: IncomingBlock): Promise<ParentContext> {
    const { states } = this.options;
    const parent = await this.load(block);
    const version = states.networkVersionAt(block.header.height);
    const key = `${tipsetKeyText(parent.key)}@${version}`;
    const reading = this.parents.get(key) ?? this.read(parent, version);
    this.parents.set(key, reading);
    return reading.catch((error: unknown) => {
      this.parents.delete(key);
      if (error instanceof WeightError)
        throw blockError("PARENT_WEIGHT", block.cid, `the parent has no weight: ${error.message}`, { cause: error });
      throw error;
    });
  }

  private async read(parent: Tipset, version: number): Promise<ParentContext> {
    const { states } = this.options;
    return {
      parent,
      version,
      weight: await this.weight(parent),
      baseFee: await states.nextBaseFee(parent),
      before: await states.stateBefore(parent),
      beacon: await latestBeaconEntry(states.chain, parent),
    };
  }

  private async load({ header, cid }: IncomingBlock): Promise<Tipset> {
    if (header.parents.length === 0) throw blockError("PARENT_UNKNOWN", cid, "the block has no parents");
    try {
      return await this.options.states.chain.tipset(header.parents);
    } catch (cause) {
      if (!isFilError(cause)) throw cause;
      throw blockError("PARENT_UNKNOWN", cid, `parent tipset ${tipsetKeyText(header.parents)} is not here`, { cause });
    }
  }

  private async roundOf({ header, cid }: IncomingBlock, { parent }: ParentContext): Promise<RoundContext> {
    const { states } = this.options;
    const found = await states.lookback(parent, header.height).catch((cause: unknown) => {
      if (!isFilError(cause)) throw cause;
      throw blockError("LOOKBACK_UNKNOWN", cid, `no lookback for epoch ${header.height}: ${cause.message}`, { cause });
    });
    const lookbackState = await states.stateAt(found.stateRoot);
    return { lookback: found.tipset, lookbackState, power: await powerTable(states.chain.blocks, lookbackState) };
  }

  /** Worker key (48 bytes) and claim of a block's miner in the lookback state. */
  private async producer(
    { header, cid, prefix }: IncomingBlock,
    { lookbackState, power }: RoundContext,
  ): Promise<{ readonly worker: Uint8Array; readonly claim: Claim | null }> {
    const { blocks } = this.options.states.chain;
    const miner = header.miner.toString(prefix);
    const standing = await minerStanding(blocks, lookbackState, header.miner).catch((cause: unknown) => {
      if (!isFilError(cause)) throw cause;
      throw blockError("MINER_UNKNOWN", cid, `${miner} is no miner: ${cause.message}`, { cause });
    });
    if (standing === null) throw blockError("MINER_UNKNOWN", cid, `${miner} is no miner at the lookback`);
    return { worker: standing.worker.payload, claim: await power.claim(header.miner) };
  }

  private async eligible(block: IncomingBlock, context: ParentContext, round: RoundContext): Promise<void> {
    const { states } = this.options;
    const { header, cid, prefix } = block;
    const miner = header.miner.toString(prefix);
    const claim = await (await powerTable(states.chain.blocks, context.before)).claim(header.miner);
    if (claim === null) throw blockError("MINER_UNKNOWN", cid, `miner ${miner} has no claim to power`);
    const why = await whyNotEligible(states, round.lookback, context.parent, header.miner);
    if (why !== null) throw blockError("NOT_ELIGIBLE", cid, `miner ${miner} may not win: ${why}`);
  }

  private async beacon(block: IncomingBlock, { parent, version, beacon }: ParentContext): Promise<void> {
    const { beacons, genesisTime, states, verifyEntry } = this.options;
    checkBeacon(
      block,
      {
        schedule: beacons,
        times: { genesisTime, blockDelay: states.network.blockDelaySeconds },
        networkVersion: version,
        epoch: block.header.height,
        parentEpoch: parent.height,
        previous: beacon,
      },
      verifyEntry,
    );
  }

  /** The parent's execution, and the messages, which are held against the state that it left. */
  private async parentState(block: IncomingBlock, messages: BlockMessages, context: ParentContext): Promise<void> {
    const { states, inclusionGas } = this.options;
    const { header, cid } = block;
    const { stateRoot, receiptsRoot } = await states.result(context.parent);
    if (!stateRoot.equals(header.parentStateRoot))
      throw blockError("STATE_ROOT", cid, `state ${header.parentStateRoot} where ${stateRoot} was computed`);
    if (!receiptsRoot.equals(header.parentMessageReceipts))
      throw blockError(
        "RECEIPTS_ROOT",
        cid,
        `receipts ${header.parentMessageReceipts} where ${receiptsRoot} was computed`,
      );
    await checkMessages(
      block,
      messages,
      {
        networkVersion: context.version,
        view: await states.stateAfter(context.parent),
        inclusionGas: (bytes) => inclusionGas(bytes, context.version),
      },
      this.options.messages,
    );
  }

  private async winningPost(block: IncomingBlock, context: ParentContext, round: RoundContext) {
    const { states, pickSector, verifyWinningPost } = this.options;
    const { header } = block;
    const beacon = beaconOf(header, context.beacon);
    const randomness = winningPostRandomness({ beacon, epoch: header.height, miner: header.miner });
    const sectors = await challengedSectors(
      states.chain.blocks,
      round.lookbackState,
      header.miner,
      randomness,
      states.networkVersionAt(context.parent.height),
      pickSector,
    );
    const prover = header.miner.actorId as bigint;
    return checkWinningPost(block, { prover, randomness, sectors, proofs: header.winPoStProof }, verifyWinningPost);
  }
}

function checkMessageRoot({ header, cid }: IncomingBlock, messages: BlockMessages): void {
  const { root } = buildMessageMeta(messages);
  if (!root.equals(header.messages))
    throw blockError("MESSAGE_ROOT", cid, `the messages have root ${root}, the header says ${header.messages}`);
}

/** Waits for all; if some fail, throws what the first of them in the list threw. */
async function inOrder<T extends readonly unknown[]>(checks: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const done = await Promise.allSettled(checks);
  for (const one of done) if (one.status === "rejected") throw one.reason;
  return done.map((one) => (one as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
