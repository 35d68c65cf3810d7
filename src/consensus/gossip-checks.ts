/**
 * A block at the door: what is checked before it is passed on, without its messages or its parent's state.
 * Source: lotus chain/consensus/{iface,common}.go and filcns/filecoin.go (ValidateBlockPubsub, ValidateBlockHeader).
 */
import { isFilError } from "../base/errors.ts";
import { messageRoot } from "../chain/message-store.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import { type BlockHeader, headerCid, type Tipset } from "../types/block-header.ts";
import { type CID, type CidKey, cidKey } from "../types/cid.ts";
import { checkBlockSignature, type VerifyBls } from "./election-checks.ts";
import { type BlockAction, BlockError, blockError } from "./errors.ts";
import { checkComplete, checkMessageCount, checkRange, checkWins, type IncomingBlock } from "./header-checks.ts";
import { BLOCK_LIMITS } from "./limits.ts";
import { minerStanding, whyNotEligible } from "./power.ts";

export type AnnouncedBlock = {
  readonly header: BlockHeader;
  readonly blsMessages: readonly CID[];
  readonly secpMessages: readonly CID[];
};

export type DoorOptions = {
  readonly states: StateManager;
  readonly verifyBls: VerifyBls;
  /** Unix time of the genesis, seconds. */
  readonly genesisTime: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type DoorVerdict = { readonly action: BlockAction | "accept"; readonly error: BlockError | null };

/** Blocks that were seen and are remembered. Source: lotus chain/sub/incoming.go keeps 4,096 counts of received blocks. */
const MAX_SEEN = 4096;

export class BlockDoor {
  private readonly options: DoorOptions;
  private readonly seen = new Set<CidKey>();

  constructor(options: DoorOptions) {
    this.options = options;
  }

  /** Never throws for what a block is; a fault of this node does. */
  async judge(announced: AnnouncedBlock): Promise<DoorVerdict> {
    try {
      await this.check(announced);
      return { action: "accept", error: null };
    } catch (error) {
      if (error instanceof BlockError) return { action: error.action, error };
      throw error;
    }
  }

  private async check({ header, blsMessages, secpMessages }: AnnouncedBlock): Promise<void> {
    const { states, genesisTime, now } = this.options;
    const cid = headerCid(header);
    checkMessageCount(cid, blsMessages.length + secpMessages.length);
    const block: IncomingBlock = checkComplete(header, cid, states.network.prefix);
    const epochNow = Math.floor((now() / 1000 - genesisTime) / states.network.blockDelaySeconds);
    const head = states.chain.head;
    checkRange(cid, header.height, head.height, epochNow);
    if (!messageRoot(blsMessages, secpMessages).equals(header.messages))
      throw blockError("MESSAGE_ROOT", cid, "the CIDs of the messages are not those of the header");
    const worker = await this.worker(block, head);
    checkWins(block);
    await checkBlockSignature(block, worker, this.options.verifyBls);
    const key = cidKey(cid);
    if (this.seen.has(key)) throw blockError("SEEN", cid, "the block was seen already");
    this.seen.add(key);
    if (this.seen.size > MAX_SEEN) this.seen.delete(this.seen.values().next().value as CidKey);
  }

  /**
   * Worker key (48 bytes) of a miner that could win on top of our head. A node that is behind cannot tell an unknown miner
   * from a new one: it ignores the block.
   */
  private async worker({ header, cid, prefix }: IncomingBlock, head: Tipset): Promise<Uint8Array> {
    const { states, now } = this.options;
    const { blocks } = states.chain;
    const miner = header.miner.toString(prefix);
    try {
      const found = await states.lookback(head, header.height);
      const standing = await minerStanding(blocks, await states.stateAt(found.stateRoot), header.miner);
      if (standing === null) throw blockError("LOOKBACK_UNKNOWN", cid, `${miner} is not known at the lookback`);
      const why = await whyNotEligible(states, found.tipset, head, header.miner);
      if (why === null) return standing.worker.payload;
      const isNear = now() - Number(head.blocks[0]?.timestamp ?? 0n) * 1000 < BLOCK_LIMITS.nearSyncedMs;
      throw blockError(isNear ? "NOT_ELIGIBLE" : "LOOKBACK_UNKNOWN", cid, `miner ${miner} may not win: ${why}`);
    } catch (cause) {
      if (cause instanceof BlockError || !isFilError(cause)) throw cause;
      throw blockError("LOOKBACK_UNKNOWN", cid, `miner ${miner} cannot be looked up: ${cause.message}`, {
        cause,
      });
    }
  }
}
