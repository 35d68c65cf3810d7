/** Whether a store has all that a chain must keep: headers, messages and receipts from the genesis on, whole kept states. */
import type { Chain } from "../../src/chain/chain.ts";
import { linksOf } from "../../src/exec/reachable.ts";
import type { BlockStore } from "../../src/storage/contract.ts";
import type { BlockHeader, Tipset } from "../../src/types/block-header.ts";
import { CID, cidFromBytes, cidKey } from "../../src/types/cid.ts";

const STORED = [0x71, 0x51, 0x55];

/** Adds a block and all below it to `seen`; throws at the first that is missing. */
export async function walkWhole(store: BlockStore, root: CID, seen: Set<string>): Promise<void> {
  const open: Uint8Array[] = [root.bytes];
  for (let bytes = open.pop(); bytes !== undefined; bytes = open.pop()) {
    const cid = cidFromBytes(bytes);
    if (cid.multihash.code === 0 || !STORED.includes(cid.code) || seen.has(cidKey(bytes))) continue;
    const block = store.peek(bytes) ?? (await store.get(bytes));
    if (block === undefined) throw new Error(`block ${cid} is missing`);
    seen.add(cidKey(bytes));
    if (cid.code === 0x71) for (const link of linksOf(block)) open.push(link);
  }
}

/** Everything that the chain below its head must keep; throws where something is missing. Gives the keys of its blocks. */
export async function checkWhole(chain: Chain): Promise<Set<string>> {
  const kept = new Set<string>();
  const genesis = await chain.genesis();
  const walk = (root: CID): Promise<void> => walkWhole(chain.blocks, root, kept);
  for (let at: Tipset | null = chain.head; at !== null; at = await chain.parent(at)) {
    const first = at.blocks[0] as BlockHeader;
    for (const cid of at.key) kept.add(cidKey(cid));
    for (const { messages } of at.blocks) await walk(messages);
    await walk(first.parentMessageReceipts);
    await chain.tipsetMessages(at);
    const result = await chain.knownResult(at);
    if (result !== null) {
      await walk(result.receiptsRoot);
      await chain.receiptsAt(result.receiptsRoot);
    }
    const isKept = at.height >= chain.statesFrom || at.height === 0;
    try {
      if (isKept && result !== null) await walk(result.stateRoot);
      if (at.height > chain.statesFrom) await walk(first.parentStateRoot);
    } catch (cause) {
      throw new Error(`state of epoch ${at.height} (kept from ${chain.statesFrom} on)`, { cause });
    }
  }
  for (const { parentStateRoot } of genesis.blocks) await walk(parentStateRoot);
  return kept;
}

export function describeBlock(key: string): string {
  return `${CID.decode(Uint8Array.from(key, (c) => c.charCodeAt(0)))}`;
}
