/**
 * What can be told of a block from its chain alone: time, weight and base fee. Elections, signatures and beacon entries take
 * what is not in the chain, the network's description; `validator.ts` checks them where that is known.
 */
import { weightOf } from "../chain/weight.ts";
import { isFvm } from "../schema/versions/rows.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { headerCid } from "../types/block-header.ts";
import { blockError } from "./errors.ts";
import { checkBaseFee, checkParentWeight } from "./header-checks.ts";
import { chainWeight } from "./weight.ts";

/** Checks of a chain whose genesis and head are given; each rejects with `BlockError`. */
export class HeadersInChain {
  private readonly states: StateManager;
  private readonly genesis: BlockHeader;

  constructor(states: StateManager, genesis: Tipset) {
    this.states = states;
    this.genesis = genesis.blocks[0] as BlockHeader;
  }

  /** Seconds an epoch, as the block that is asked for has them; 0 if they are no whole number. */
  private secondsOf({ timestamp, height }: BlockHeader): bigint {
    const passed = timestamp - this.genesis.timestamp;
    return height > 0 && passed % BigInt(height) === 0n ? passed / BigInt(height) : 0n;
  }

  private isOnPace(header: BlockHeader): boolean {
    const pace = this.secondsOf(this.states.chain.head.blocks[0] as BlockHeader);
    return pace > 0n && this.secondsOf(header) === pace;
  }

  /**
   * The chain's clock has one pace, which the head tells; only where nobody is elected, from version 16 on, it may be set forward. Weight
   * and base fee are checked where the parent's state is here. `baseFee`: false where the version is not known that rules it.
   */
  async check(header: BlockHeader, { baseFee = true }: { readonly baseFee?: boolean } = {}): Promise<void> {
    if (header.height === 0) return;
    const { states } = this;
    const { chain } = states;
    const cid = headerCid(header);
    const parent = await chain.tipset(header.parents);
    const [below] = parent.blocks as [BlockHeader];
    const isSet = header.winPoStProof.length === 0 && isFvm(states.networkVersionAt(header.height));
    if (isSet ? header.timestamp <= below.timestamp : !this.isOnPace(header))
      throw blockError("TIMESTAMP", cid, `timestamp ${header.timestamp} is not that of epoch ${header.height}`);
    if (!(await chain.blocks.has(below.parentStateRoot.bytes))) return;
    // Without elections nobody proves anything, and each tipset weighs the same.
    const weight = header.winPoStProof.length === 0 ? weightOf(parent) : await chainWeight(states, parent);
    checkParentWeight({ header, cid }, weight);
    if (!baseFee || !(await chain.blocks.has(below.messages.bytes))) return;
    checkBaseFee({ header, cid }, await states.nextBaseFee(parent));
  }
}
