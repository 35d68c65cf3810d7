/**
 * Which of the blocks that a run made belong to its result.
 *
 * Execution writes intermediate states that nothing keeps. Only what the roots reach is worth storing; the search stops
 * at blocks that are not new, whose children are known already.
 */
import { type Block, type CID, cidKey } from "../types/cid.ts";

/** Tag 42 as CBOR writes it. */
const LINK_HEAD_0 = 0xd8;
const LINK_HEAD_1 = 0x2a;

/** Binary CIDs that a canonical DAG-CBOR block links to. */
export function linksOf(block: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  let at = 0;
  while (at < block.length) {
    const first = block[at] as number;
    if (first === LINK_HEAD_0 && block[at + 1] === LINK_HEAD_1) {
      const [start, length] = head(block, at + 2);
      out.push(block.subarray(start + 1, start + length));
      at = start + length;
      continue;
    }
    const major = first >> 5;
    const [start, value] = head(block, at);
    at = major === 2 || major === 3 ? start + value : start;
  }
  return out;
}

/** Position behind a head, and its argument. */
function head(block: Uint8Array, at: number): [number, number] {
  const info = (block[at] as number) & 31;
  if (info < 24) return [at + 1, info];
  const size = 1 << (info - 24);
  let value = 0;
  for (let i = 1; i <= size; i++) value = value * 256 + (block[at + i] ?? 0);
  return [at + 1 + size, value];
}

/** The blocks of `made` that `roots` reach, children before parents. */
export function reachable(roots: readonly CID[], made: Iterable<Block>): Block[] {
  const byKey = new Map<string, Block>();
  for (const block of made) byKey.set(cidKey(block.cid), block);
  const out: Block[] = [];
  const visit = (cid: CID | Uint8Array): void => {
    const key = cidKey(cid);
    const block = byKey.get(key);
    if (block === undefined) return;
    byKey.delete(key);
    for (const link of linksOf(block.bytes)) visit(link);
    out.push(block);
  };
  for (const root of roots) visit(root);
  return out;
}
