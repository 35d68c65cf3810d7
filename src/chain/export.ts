/**
 * The chain as a snapshot, piece by piece: all headers from a tipset down to the genesis, messages, states of the newest
 * epochs and of the genesis. The order of blocks is the reference's, so that the same chain gives the same file.
 * Source: lotus chain/store/snapshot.go (WalkSnapshot, ExportRange) at 04e7c94a7d64.
 */
import { concat } from "../base/bytes.ts";
import { encodeVarint } from "../base/varint.ts";
import { linksOf } from "../exec/reachable.ts";
import { carHeader } from "../storage/car.ts";
import { CidSet } from "../storage/cid-set.ts";
import type { Block, BlockSource } from "../storage/contract.ts";
import { type BlockHeader, encodeHeader, type Tipset } from "../types/block-header.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import { ChainError } from "./errors.ts";
import { loadBlock } from "./links.ts";
import { encodeMetadata } from "./snapshot-format.ts";

export type ExportOptions = {
  /** Epochs below the tipset whose states are exported; 0: none but the genesis'. */
  readonly recentRoots: number;
  /** Whether messages of older epochs are left out. */
  readonly skipOldMessages: boolean;
  /** Receipts of the newest epochs, too; the reference leaves them out. Default: no. */
  readonly receipts?: boolean;
  /** Format of the file. Default 1. */
  readonly version?: 1 | 2;
};

export type RangeOptions = {
  /** What is exported of the tipsets above this epoch; below it are headers alone. */
  readonly above: number;
  readonly messages: boolean;
  readonly receipts: boolean;
  readonly stateRoots: boolean;
};

type Source = {
  readonly blocks: BlockSource;
  /** Epoch of the lowest tipset after which the state is kept. */
  readonly statesFrom: number;
  /** Epoch of the lowest tipset whose messages are here. */
  readonly messagesFrom: number;
  parent(tipset: Tipset): Promise<Tipset | null>;
};

/** What of a tipset at an epoch is exported beside its headers. */
type Wanted = {
  readonly messages: boolean;
  readonly state: boolean;
  /** "found": as far as they are in the store. */
  readonly receipts: boolean | "found";
};

const RAW = 0x55;
const CBOR = 0x51;
const DAG_CBOR = 0x71;
const IDENTITY = 0x00;

/**
 * The sections of the file, its header first. Throws `ChainError`: STATES_COLLECTED for more states than there are, MESSAGES_NOT_KEPT
 * for more messages.
 */
export function exportChain(chain: Source, tipset: Tipset, options: ExportOptions): AsyncGenerator<Uint8Array> {
  const { recentRoots, skipOldMessages, receipts = false, version = 1 } = options;
  if (recentRoots > 0) requireStates(chain, tipset, tipset.height - recentRoots);
  requireMessages(chain, skipOldMessages ? tipset.height - recentRoots : -1);
  return sections(chain, tipset, version, (height) => {
    const recent = height > tipset.height - recentRoots;
    return { messages: recent || !skipOldMessages, state: recent || height === 0, receipts: receipts && recent };
  });
}

/** As `exportChain`, with whatever is wanted of a range of epochs. */
export function exportRange(chain: Source, tipset: Tipset, options: RangeOptions): AsyncGenerator<Uint8Array> {
  const { above, messages, receipts, stateRoots } = options;
  if (stateRoots) requireStates(chain, tipset, above);
  if (messages) requireMessages(chain, above);
  return sections(chain, tipset, 1, (height) => {
    const within = height > above && height > 0;
    const state = (within && stateRoots) || height === 0;
    return { messages: within && messages, state, receipts: within && receipts ? "found" : false };
  });
}

/** States before all tipsets above an epoch are wanted. */
function requireStates({ statesFrom: from }: Source, { height }: Tipset, epoch: number): void {
  if (from === 0 || epoch >= from) return;
  throw new ChainError(
    { code: "STATES_COLLECTED", epoch: Math.max(0, epoch), from },
    `states are kept from epoch ${from} on: those of ${Math.max(0, height - from)} epochs can be exported`,
  );
}

/** Messages of all tipsets above an epoch are wanted. */
function requireMessages({ messagesFrom: from }: Source, above: number): void {
  if (above + 1 >= from) return;
  throw new ChainError(
    { code: "MESSAGES_NOT_KEPT", epoch: Math.max(0, above + 1), from },
    `messages are kept from epoch ${from} on, as the snapshot had them: an export has to leave out older ones`,
  );
}

async function* sections(
  chain: Source,
  tipset: Tipset,
  version: 1 | 2,
  wantedAt: (height: number) => Wanted,
): AsyncGenerator<Uint8Array> {
  if (version === 2) {
    const metadata = encodeMetadata({ head: tipset.key, f3: null });
    yield carHeader([cidFromBytes(metadata.cid)]);
    yield section(metadata);
  } else yield carHeader(tipset.key);
  const seen = new CidSet();
  for (let at: Tipset | null = tipset; at !== null; at = await chain.parent(at)) {
    const { messages, state, receipts } = wantedAt(at.height);
    for (let i = 0; i < at.key.length; i++) {
      const [cid, block] = [at.key[i] as CID, at.blocks[i] as BlockHeader];
      if (!seen.add(cid.bytes)) continue;
      yield section({ cid: cid.bytes, bytes: encodeHeader(block) });
      if (messages) yield* below(chain.blocks, block.messages, seen);
      if (at.height === 0) for (const parent of block.parents) yield* below(chain.blocks, parent, seen, true);
      if (state) yield* below(chain.blocks, block.parentStateRoot, seen);
      if (receipts !== false) yield* below(chain.blocks, block.parentMessageReceipts, seen, receipts === "found");
    }
  }
}

/** A block and what lies below it, each block once, before those below it. With `found` missing ones are left out. */
async function* below(blocks: BlockSource, root: CID, seen: CidSet, found = false): AsyncGenerator<Uint8Array> {
  const open = [root];
  for (let cid = open.pop(); cid !== undefined; cid = open.pop()) {
    const own = cid.multihash.code === IDENTITY;
    if (cid.code !== DAG_CBOR && (own || (cid.code !== RAW && cid.code !== CBOR))) continue;
    if (!seen.add(cid.bytes)) continue;
    if (found && !own && (await blocks.get(cid.bytes)) === undefined) continue;
    const bytes = await loadBlock(blocks, cid);
    if (!own) yield section({ cid: cid.bytes, bytes });
    if (cid.code === DAG_CBOR) for (const link of linksOf(bytes).reverse()) open.push(cidFromBytes(link));
  }
}

function section({ cid, bytes }: Block): Uint8Array {
  return concat(encodeVarint(cid.length + bytes.length), cid, bytes);
}
