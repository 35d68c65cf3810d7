/**
 * The one way into the chain for a tipset from elsewhere: every block that is not known to be valid is validated in full,
 * the tipset is stored, and the head is chosen anew. A stored header is one that passed.
 *
 * A block that breaks a rule for ever is marked as bad with the reason. What fails for another cause, a full disk, a state
 * that is not there, a clock, marks nothing.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import type { Chain } from "../chain/chain.ts";
import { buildMessageMeta } from "../chain/message-store.ts";
import { BlockError, isOwnFault } from "../consensus/errors.ts";
import type { BlockReport, FullBlock } from "../consensus/validator.ts";
import { WeightError } from "../consensus/weight.ts";
import { ExchangeError } from "../network/exchange-client.ts";
import { type BlockHeader, headerCid, makeTipset, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { HeadChoice } from "./head-choice.ts";
import { SyncError } from "./peers.ts";

export type TipsetImportParts = {
  readonly chain: Chain;
  readonly validator: { validate(block: FullBlock): Promise<BlockReport> };
  readonly choice: HeadChoice;
};

/** What was validated since the node started. */
export type ImportCounts = {
  readonly blocks: number;
  readonly messages: number;
  readonly winningPost: { readonly verified: number; readonly declared: number };
};

/** Blocks whose validation is remembered while their tipset is being stored. */
const KEPT_VALID = 1024;

export class TipsetImport {
  private readonly parts: TipsetImportParts;
  private readonly running = new Map<string, Promise<void>>();
  private readonly valid = new BoundedMap<string, true>(KEPT_VALID);
  private readonly counted = { blocks: 0, messages: 0, verified: 0, declared: 0 };

  constructor(parts: TipsetImportParts) {
    this.parts = parts;
  }

  get counts(): ImportCounts {
    const { blocks, messages, verified, declared } = this.counted;
    return { blocks, messages, winningPost: { verified, declared } };
  }

  /** Whether all blocks of a key are stored, and so valid. */
  async knows(key: readonly CID[]): Promise<boolean> {
    for (const cid of key) if (!(await this.parts.chain.blocks.has(cid.bytes))) return false;
    return key.length > 0;
  }

  /** Takes a tipset whose parent is known. Throws `BlockError`, `SyncError` DUPLICATE_MINER, or what this node failed of. */
  async take(blocks: readonly FullBlock[]): Promise<Tipset> {
    const { chain, choice } = this.parts;
    const headers = blocks.map(({ header }) => header);
    const tipset = makeTipset(headers);
    refuseDoubles(tipset);
    const done = await Promise.allSettled(blocks.map((block) => this.validateOnce(block)));
    for (const one of done) if (one.status === "rejected") throw one.reason;
    await chain.put({
      headers,
      blocks: blocks.flatMap(({ messages }) => buildMessageMeta(messages).blocks),
      messages: blocks.map(({ messages }) => messages),
    });
    await choice.consider(tipset);
    return tipset;
  }

  private async validateOnce(block: FullBlock): Promise<void> {
    const cid = headerCid(block.header);
    const name = `${cid}`;
    if (this.valid.get(name) !== undefined || (await this.parts.chain.blocks.has(cid.bytes))) return;
    const running = this.running.get(name) ?? this.validate(block, cid).finally(() => this.running.delete(name));
    this.running.set(name, running);
    await running;
    this.valid.set(name, true);
  }

  private async validate(block: FullBlock, cid: CID): Promise<void> {
    const { chain, validator } = this.parts;
    try {
      const report = await validator.validate(block);
      this.counted.blocks++;
      this.counted.messages += report.blsMessages + report.secpMessages;
      this.counted[report.winningPost]++;
    } catch (error) {
      if (isForEver(error)) await chain.bad.mark(cid, (error as BlockError).message);
      throw error;
    }
  }
}

/** Whether what was thrown says that the block can never be valid. Its messages were compared with its header before. */
export function isForEver(error: unknown): boolean {
  return error instanceof BlockError && error.action === "reject" && !isOwnFault(error);
}

/** Whether something of this node is behind what was thrown, no block and no peer. */
export function isFaultOfNode(error: unknown): boolean {
  if (error instanceof BlockError) return isOwnFault(error);
  return !(error instanceof ExchangeError || error instanceof SyncError || error instanceof WeightError);
}

function refuseDoubles(tipset: Tipset): void {
  const miners = new Set(tipset.blocks.map(({ miner }: BlockHeader) => miner.toString()));
  const key = tipsetKeyText(tipset.key);
  if (miners.size < tipset.blocks.length)
    throw new SyncError({ code: "DUPLICATE_MINER", key }, `tipset ${key} has two blocks of one miner`);
}
