/**
 * The blocks that a guest has at hand, by handles from 1 on; 0 stands for none.
 * Source: ref-fvm fvm/src/kernel/blocks.rs.
 */
import { Bytes } from "../base/bytes";
import { Cid, CODEC_DAG_CBOR, CODEC_RAW } from "../ipld/cid";
import { ILLEGAL_CODEC } from "./errors";

export const CODEC_CBOR: u64 = 0x51;
/** No block. */
export const NO_BLOCK: u32 = 0;
/** Largest block that a guest may make. */
export const MAX_BLOCK_BYTES: u32 = 1 << 20;

/** Of a block without links, or before the fourth generation. */
const NO_LINKS: Array<Cid> = [];

@final
export class Block {
  constructor(
    readonly codec: u64,
    readonly data: Bytes,
    /** Blocks that it links to, from the fourth generation on. */
    readonly links: Array<Cid> = NO_LINKS,
  ) {}
}

@final
export class BlockRegistry {
  private readonly blocks: Array<Block> = [];
  /** Handle of the block put last. */
  last: u32 = 0;

  /** Takes a block; 0, or the error. Its handle is `last`. */
  put(block: Block): i32 {
    const codec = block.codec;
    if (codec != CODEC_CBOR && codec != CODEC_DAG_CBOR && codec != CODEC_RAW) return ILLEGAL_CODEC;
    this.blocks.push(block);
    this.last = <u32>this.blocks.length;
    return 0;
  }

  get(handle: u32): Block | null {
    return handle == NO_BLOCK || handle > <u32>this.blocks.length ? null : this.blocks[handle - 1];
  }
}
