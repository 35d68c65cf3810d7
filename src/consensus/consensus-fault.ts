/**
 * Producers that break the rules of producing: two blocks of one epoch, two epochs on one parent set, a parent left out
 * that was its own. The three kinds are those that the miner actor's ReportConsensusFault takes.
 * Source: lotus chain/vm/syscalls.go (VerifyConsensusFault); slash filter: chain/gen/slashfilter/slashfilter.go.
 */
import { type BlockHeader, headerCid, sameKey, tipsetKeyText } from "../types/block-header.ts";
import { type CID, cidKey } from "../types/cid.ts";

export type FaultKind = "double-fork mining" | "time-offset mining" | "parent-grinding";

export type ConsensusFault = {
  readonly kind: FaultKind;
  readonly first: BlockHeader;
  readonly second: BlockHeader;
  /** For parent-grinding: the block among the parents of the second that proves what was left out. */
  readonly witness: BlockHeader | null;
};

/** The fault that two different blocks of one miner show, or null. `witness`: a block that may prove parent-grinding. */
export function faultBetween(
  a: BlockHeader,
  b: BlockHeader,
  witness: BlockHeader | null = null,
): ConsensusFault | null {
  if (!a.miner.equals(b.miner) || headerCid(a).equals(headerCid(b))) return null;
  const [first, second] = b.height >= a.height ? [a, b] : [b, a];
  if (first.height === second.height) return { kind: "double-fork mining", first, second, witness: null };
  if (sameKey(first.parents, second.parents)) return { kind: "time-offset mining", first, second, witness: null };
  if (
    witness !== null &&
    witness.height === first.height &&
    sameKey(witness.parents, first.parents) &&
    includes(second.parents, headerCid(witness)) &&
    !includes(second.parents, headerCid(first))
  )
    return { kind: "parent-grinding", first, second, witness };
  return null;
}

function includes(cids: readonly CID[], cid: CID): boolean {
  return cids.some((one) => one.equals(cid));
}

/** Epochs of which a watcher remembers blocks: what is older than finality is not punished. */
const WATCHED_EPOCHS = 900;

/** Watches blocks as they arrive and tells of faults. Memory is bounded by epochs and blocks an epoch. */
export class FaultWatcher {
  /** By miner: blocks by epoch and by parents. */
  private readonly blocks = new Map<string, Map<string, BlockHeader>>();
  private readonly byCid = new Map<string, BlockHeader>();
  private readonly order: { readonly height: number; readonly forget: () => void }[] = [];

  /** Takes a block whose signature is good; returns the fault that it completes, or null. */
  see(header: BlockHeader): ConsensusFault | null {
    const miner = header.miner.toString();
    const own = this.blocks.get(miner) ?? new Map<string, BlockHeader>();
    this.blocks.set(miner, own);
    const cid = headerCid(header);
    if (this.byCid.has(cidKey(cid))) return null;
    const names = [`height/${header.height}`, `parents/${tipsetKeyText(header.parents)}`];
    const fault =
      names
        .map((name) => own.get(name))
        .flatMap((other) => (other === undefined ? [] : (faultBetween(other, header) ?? [])))[0] ??
      this.grinding(header, own);
    this.byCid.set(cidKey(cid), header);
    for (const name of names) if (!own.has(name)) own.set(name, header);
    this.order.push({
      height: header.height,
      forget: () => {
        this.byCid.delete(cidKey(cid));
        for (const name of names) if (own.get(name) === header) own.delete(name);
        if (own.size === 0) this.blocks.delete(miner);
      },
    });
    this.forgetBelow(header.height - WATCHED_EPOCHS);
    return fault;
  }

  /** A block that leaves out its miner's own earlier block, though a sibling of that one is its parent. */
  private grinding(header: BlockHeader, own: ReadonlyMap<string, BlockHeader>): ConsensusFault | null {
    for (const cid of header.parents) {
      const parent = this.byCid.get(cidKey(cid));
      const mine = parent === undefined ? undefined : own.get(`height/${parent.height}`);
      if (parent === undefined || mine === undefined) continue;
      const fault = faultBetween(mine, header, parent);
      if (fault !== null) return fault;
    }
    return null;
  }

  private forgetBelow(height: number): void {
    while (this.order.length > 0 && (this.order[0]?.height as number) < height) this.order.shift()?.forget();
    while (this.order.length > MAX_WATCHED) this.order.shift()?.forget();
  }
}

/** Blocks remembered: some five an epoch, and as many again for forks. */
const MAX_WATCHED = 16_384;
