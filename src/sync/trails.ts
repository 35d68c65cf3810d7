/**
 * Ways back that broke off, or whose chain could not be fetched to its end: kept, so that the next attempt, and the walk from a
 * later head of the same chain, goes on where they ended. Without them a node whose connections break would begin anew each time.
 *
 * A few, of which each takes some bytes a tipset; what is checked again when one is gone on with is said in `header-walk.ts`.
 */
import { concat } from "../base/bytes.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";

/** Tipsets from one key that is kept to the next, at most. */
export const ANCHOR_EVERY = 8;
/** As many targets are fetched at once, see `syncer.ts`. */
const MAX_TRAILS = 3;
/** Anchors from the top at which another walk can come upon a trail: a later head stands on, or close to, the earlier one. */
const MAX_JOINTS = 128;

type Anchor = { readonly at: number; readonly key: Uint8Array };

/** From a key down: epochs of all tipsets, and the keys of some. */
export class Trail {
  /** What lies below the last tipset. */
  next: readonly CID[];
  private heights: number[] = [];
  private anchors: Anchor[] = [];

  constructor(top: readonly CID[]) {
    this.next = top;
  }

  get tipsets(): number {
    return this.heights.length;
  }

  /** Epoch of the highest tipset; -1 if there is none. */
  get top(): number {
    return this.heights[0] ?? -1;
  }

  get bottom(): number {
    return this.heights.at(-1) ?? -1;
  }

  /** Epoch of the tipset that so many of the lowest are below. */
  heightAbove(fromBottom: number): number {
    return this.heights[this.tipsets - 1 - fromBottom] ?? this.top;
  }

  /** Keys at which another walk can come upon this one. */
  *joints(): Generator<readonly [string, number]> {
    for (const [index, { key }] of this.anchors.slice(0, MAX_JOINTS).entries())
      yield [tipsetKeyText(unpack(key)), index];
  }

  /** The next lower tipset, whose parents lead on. */
  add({ key, height, blocks }: Tipset): void {
    this.anchor(key);
    this.heights.push(height);
    this.next = blocks[0]?.parents ?? [];
  }

  /** Goes on with another trail, from one of its anchors on, on which this one stands now. */
  join(other: Trail, anchor: number): void {
    const from = (other.anchors[anchor] as Anchor).at;
    const by = this.tipsets - from;
    for (const { at, key } of other.anchors.slice(anchor)) this.anchors.push({ at: at + by, key });
    for (const height of other.heights.slice(from)) this.heights.push(height);
    this.next = other.next;
  }

  /** Cuts off what is here by now: below a tipset that is known all are. */
  async cutKnown(knows: (key: readonly CID[]) => Promise<boolean>): Promise<void> {
    let [low, high] = [0, this.anchors.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (await knows(unpack((this.anchors[middle] as Anchor).key))) high = middle;
      else low = middle + 1;
    }
    const known = this.anchors[low];
    if (known === undefined) return;
    this.next = unpack(known.key);
    this.heights = this.heights.slice(0, known.at);
    this.anchors = this.anchors.slice(0, low);
  }

  /** Tipsets that are not above an epoch. */
  notAbove(epoch: number): number {
    let [low, high] = [0, this.heights.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.heights[middle] as number) <= epoch) high = middle;
      else low = middle + 1;
    }
    return this.heights.length - low;
  }

  /**
   * Stretches from the bottom up, of the `tipsets` that are missing: the key of the highest tipset of each, and how many it has,
   * about `wanted`. Counted from the top, which is 0, the lowest that is missing is the last.
   */
  stretch(fromBottom: number, wanted: number): { readonly key: readonly CID[]; readonly length: number } {
    const lowest = this.tipsets - 1 - fromBottom;
    // The lowest anchor that is high enough, or the top.
    let [low, high] = [0, this.anchors.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.anchors[middle] as Anchor).at <= lowest - wanted + 1) low = middle;
      else high = middle - 1;
    }
    const { at, key } = this.anchors[low] as Anchor;
    return { key: unpack(key), length: lowest - at + 1 };
  }

  /** The key of the top; null if there is no tipset. */
  topKey(): readonly CID[] | null {
    const [first] = this.anchors;
    return first === undefined ? null : unpack(first.key);
  }

  private anchor(key: readonly CID[]): void {
    const last = this.anchors.at(-1);
    if (last === undefined || this.tipsets - last.at >= ANCHOR_EVERY)
      this.anchors.push({ at: this.tipsets, key: pack(key) });
  }
}

export class Trails {
  /** The one that was left last at the end. */
  private kept: { readonly trail: Trail; readonly joints: ReadonlyMap<string, number> }[] = [];

  keep(trail: Trail): void {
    if (trail.tipsets === 0) return;
    const joints = new Map(trail.joints());
    // One that the new one goes on with is in it.
    this.kept = this.kept.filter(({ trail: old }) => {
      const top = old.topKey();
      return top === null || !joints.has(tipsetKeyText(top)) || old.tipsets > trail.tipsets;
    });
    this.kept.push({ trail, joints });
    this.kept.splice(0, this.kept.length - MAX_TRAILS);
  }

  /** The trail that has a key as an anchor, and which one it is. */
  find(key: readonly CID[]): { readonly trail: Trail; readonly anchor: number } | null {
    if (this.kept.length === 0) return null;
    const name = tipsetKeyText(key);
    for (const { trail, joints } of [...this.kept].reverse()) {
      const anchor = joints.get(name);
      if (anchor !== undefined) return { trail, anchor };
    }
    return null;
  }

  /** Epoch of the highest top below an epoch; -1 if there is none. */
  topBelow(epoch: number): number {
    return Math.max(-1, ...this.kept.map(({ trail }) => trail.top).filter((top) => top < epoch));
  }

  /** Forgets those whose tipsets are all here. */
  async dropKnown(knows: (key: readonly CID[]) => Promise<boolean>): Promise<void> {
    for (const one of [...this.kept]) {
      const top = one.trail.topKey();
      if (top !== null && (await knows(top))) this.kept = this.kept.filter((other) => other !== one);
    }
  }
}

/** CIDs of one length after another. */
function pack(key: readonly CID[]): Uint8Array {
  return concat(...key.flatMap(({ bytes }) => [Uint8Array.of(bytes.length), bytes]));
}

function unpack(packed: Uint8Array): CID[] {
  const key: CID[] = [];
  for (let at = 0; at < packed.length; at += 1 + (packed[at] as number))
    key.push(cidFromBytes(packed.subarray(at + 1, at + 1 + (packed[at] as number))));
  return key;
}
