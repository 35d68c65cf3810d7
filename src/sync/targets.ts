/**
 * Chains that peers spoke of and that are to be fetched: a bounded bucket, the one that is said to be heaviest first.
 *
 * What a peer claims is believed only as far as it decides the order. A peer has few places; when the bucket is full one of
 * those goes who have most of them, so that no few of them can crowd out the others.
 */
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";

export type Target = {
  readonly name: string;
  readonly key: readonly CID[];
  /** As claimed. */
  readonly height: number;
  /** Weight of the chain with this tipset, or a bound below it, as claimed. */
  weight: bigint;
  /** Who spoke of it; true: as of its own head, which it vouches for. */
  readonly peers: Map<string, boolean>;
  /** Attempts that failed for no fault of the chain. */
  attempts: number;
  /** Not tried before; milliseconds. */
  notBefore: number;
  /** When the first attempt began whose way back has not come to its end, milliseconds; null while there is none. */
  walkingSince: number | null;
  /** Headers that came since then. */
  headers: number;
  /** Once its headers are known. */
  tipset: Tipset | null;
};

/** Targets that wait. Source: lotus chain/sync_manager.go keeps as many as come; ours are bounded. */
const MAX_TARGETS = 64;
const MAX_PER_PEER = 4;
/** Peers remembered of one target. */
const MAX_PEERS = 32;

export class Targets {
  private readonly waiting = new Map<string, Target>();

  get size(): number {
    return this.waiting.size;
  }

  all(): readonly Target[] {
    return [...this.waiting.values()];
  }

  /** Takes note of what a peer spoke of; `active`: targets that are being fetched. */
  add(
    peer: string,
    key: readonly CID[],
    claim: { readonly height: number; readonly weight: bigint; readonly own: boolean },
    active: ReadonlyMap<string, Target>,
  ): void {
    const name = tipsetKeyText(key);
    const known = active.get(name) ?? this.waiting.get(name);
    if (known !== undefined) {
      if (known.peers.size < MAX_PEERS || known.peers.has(peer))
        known.peers.set(peer, claim.own || known.peers.get(peer) === true);
      if (claim.weight > known.weight) known.weight = claim.weight;
      return;
    }
    const ofPeer = this.all().filter((one) => one.peers.size === 1 && one.peers.has(peer));
    if (ofPeer.length >= MAX_PER_PEER) this.waiting.delete((ofPeer[0] as Target).name);
    const peers = new Map([[peer, claim.own]]);
    const { height, weight } = claim;
    const fresh = { attempts: 0, notBefore: 0, walkingSince: null, headers: 0, tipset: null };
    this.waiting.set(name, { name, key, height, weight, peers, ...fresh });
    if (this.waiting.size > MAX_TARGETS) this.waiting.delete(this.leastMissed().name);
  }

  /** Takes the heaviest that may be tried now out of the bucket. */
  take(now: number): Target | null {
    const ready = this.all().filter(({ notBefore }) => notBefore <= now);
    const [first, ...rest] = ready;
    if (first === undefined) return null;
    const best = rest.reduce((a, b) => (b.weight > a.weight ? b : a), first);
    this.waiting.delete(best.name);
    return best;
  }

  /** Puts one back that is to be tried again. */
  putBack(target: Target): void {
    this.waiting.set(target.name, target);
  }

  /** When the next one may be tried; infinity if there is none. */
  nextAt(): number {
    return Math.min(...this.all().map(({ notBefore }) => notBefore), Number.POSITIVE_INFINITY);
  }

  /** Forgets those that are of no use any more. */
  drop(isUseless: (target: Target) => boolean): void {
    for (const target of this.all()) if (isUseless(target)) this.waiting.delete(target.name);
  }

  /** The lightest of those whose peer has most targets of its own; what several peers speak of is missed most. */
  private leastMissed(): Target {
    const all = this.all();
    const own = new Map<string, number>();
    for (const { peers } of all)
      if (peers.size === 1) for (const peer of peers.keys()) own.set(peer, (own.get(peer) ?? 0) + 1);
    const shareOf = ({ peers }: Target): number =>
      peers.size === 1 ? (own.get([...peers.keys()][0] as string) ?? 0) : 0;
    return all.reduce((a, b) => {
      const more = shareOf(b) - shareOf(a);
      return more > 0 || (more === 0 && b.weight < a.weight) ? b : a;
    });
  }
}
