/** What executing tipsets left, of every fork: metadata "result/<tipset key>", [state root, receipts root]; states by epoch in `states-from.ts`. */
import * as dagCbor from "@ipld/dag-cbor";
import { BoundedMap } from "../base/bounded-map.ts";
import type { Additions, Block, BlockStore } from "../storage/contract.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { CID } from "../types/cid.ts";
import { stateName } from "./states-from.ts";

/** State after a tipset, and root of the array of its receipts. */
export type TipsetResult = { readonly stateRoot: CID; readonly receiptsRoot: CID };

const KEPT_RESULTS = 1024;

export class ResultStore {
  private readonly blocks: BlockStore;
  private kept = new BoundedMap<string, TipsetResult>(KEPT_RESULTS);

  constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  /** The result of a tipset, or null if it was not executed yet. */
  async get(tipset: Tipset): Promise<TipsetResult | null> {
    const name = tipsetKeyText(tipset.key);
    const known = this.kept.get(name);
    if (known !== undefined) return known;
    const stored = await this.blocks.metadata(`result/${name}`);
    if (stored === undefined) return null;
    const [stateRoot, receiptsRoot] = dagCbor.decode(stored) as [unknown, unknown];
    const result = { stateRoot: CID.asCID(stateRoot) as CID, receiptsRoot: CID.asCID(receiptsRoot) as CID };
    this.kept.set(name, result);
    return result;
  }

  /** Forgets what it has in memory: what is stored may be another. */
  reread(): void {
    this.kept = new BoundedMap(KEPT_RESULTS);
  }

  /** What must be written to keep a result together with the blocks of its state and receipts. */
  batchOf(tipset: Tipset, { stateRoot, receiptsRoot }: TipsetResult, blocks: readonly Block[]): Additions {
    const result = [`result/${tipsetKeyText(tipset.key)}`, dagCbor.encode([stateRoot, receiptsRoot])] as const;
    // The genesis' state is never given up.
    const state = tipset.height === 0 ? [] : [[stateName(tipset.height, stateRoot), new Uint8Array(0)] as const];
    return { blocks, metadata: [result, ...state] };
  }
}
