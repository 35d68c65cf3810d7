/** A change of the state itself, as the machine that executes a tipset runs it. */
import type { VmOptions } from "../core/vm.ts";
import type { Block, CID } from "../types/cid.ts";

export type UpgradeBlocks = {
  /** A block if it is at hand; for one that is not, throw `BLOCK_MISSING` and be run again. */
  readonly peek: (cid: Uint8Array) => Uint8Array | undefined;
  /** The same, awaited, so that a walk over a whole state does not run again for each of its blocks. Default: `peek` alone. */
  readonly get?: (cid: Uint8Array) => Promise<Uint8Array | undefined>;
  readonly put: (block: Block) => void;
};

/** The new root of a state after `epoch`. Blocks are read and written through `blocks`; `options` are the machine's. */
export type Migration = (root: CID, epoch: number, blocks: UpgradeBlocks, options: VmOptions) => Promise<CID>;
