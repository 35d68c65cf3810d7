/**
 * The chain as a CAR file (version 1), piece by piece: all headers from a tipset down to the genesis, messages, and the
 * states of the newest epochs and of the genesis. Source: lotus chain/store/snapshot.go (ExportV1) at b835fab702eb.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat } from "../base/bytes.ts";
import type { Block, BlockSource } from "../storage/contract.ts";
import { type BlockHeader, encodeHeader, type Tipset } from "../types/block-header.ts";
import { type CID, cidKey } from "../types/cid.ts";
import { walkBlocks } from "./links.ts";

export type ExportOptions = {
  /** Epochs below the tipset whose states are exported; 0: none but the genesis'. */
  readonly recentRoots: number;
  /** Whether messages of older epochs are left out. */
  readonly skipOldMessages: boolean;
};

type Source = { readonly blocks: BlockSource; parent(tipset: Tipset): Promise<Tipset | null> };

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...out, rest]);
}

function section({ cid, bytes }: Block): Uint8Array {
  return concat(varint(cid.length + bytes.length), cid, bytes);
}

/** Sections of the file; joined they are a CAR whose roots are the tipset's blocks. */
export async function* exportChain(
  chain: Source,
  tipset: Tipset,
  { recentRoots, skipOldMessages }: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const header = dagCbor.encode({ roots: tipset.key, version: 1 });
  yield concat(varint(header.length), header);
  const seen = new Set<string>();
  for (let at: Tipset | null = tipset; at !== null; at = await chain.parent(at)) {
    const recent = at.height > tipset.height - recentRoots;
    for (let i = 0; i < at.key.length; i++) {
      const [cid, block] = [at.key[i] as CID, at.blocks[i] as BlockHeader];
      seen.add(cidKey(cid));
      yield section({ cid: cid.bytes, bytes: encodeHeader(block) });
      const roots = recent || !skipOldMessages ? [block.messages] : [];
      if (recent || at.height === 0) roots.push(block.parentMessageReceipts, block.parentStateRoot);
      for (const root of roots) for await (const one of walkBlocks(chain.blocks, root, seen)) yield section(one);
    }
  }
}
