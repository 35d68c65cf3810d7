/**
 * A selector's walk over a DAG, one link at a time: `next` says which block is wanted, `give` takes it, `skip` passes over
 * it. Whoever asks for a DAG and whoever answers walk the same way, so that each block can be checked as it comes.
 *
 * Bounded in depth, links, nodes and bytes. A block that was walked under the same state of the selector before is told of
 * (`isDone`): a responder does not walk below it again, however often links lead there.
 * Source: go-ipld-prime v0.21.0, traversal/walk.go.
 */
import type * as dagPb from "@ipld/dag-pb";
import { CID, cidKey, isIdentity } from "../../types/cid.ts";
import { CODEC, decodeBlock, decodeOrdered } from "../data/links.ts";
import { GraphsyncError } from "./errors.ts";
import { interestsOf, type Segment, type Selection, type Selector } from "./selector.ts";

export type WalkLimits = {
  /** blocks below one another */
  readonly depth: number;
  /** links that are followed, those counted that recur */
  readonly links: number;
  /** values of plain data that are looked at */
  readonly nodes: number;
  /** of all blocks, those counted that recur */
  readonly bytes: number;
};

export const WALK_LIMITS: WalkLimits = { depth: 1024, links: 1 << 20, nodes: 1 << 26, bytes: 2 ** 41 };

/** A link that is to be followed. */
export type Wanted = {
  readonly cid: CID;
  /** Whether the same block was walked, or is being walked, under the same state. */
  readonly isDone: boolean;
  /** Whether nothing lies below it, whatever the selector says. */
  readonly isLeaf: boolean;
  /** Blocks above it. */
  readonly depth: number;
};

/** Plain data: lists, maps in their order, links, and all else. */
type Node = unknown;
type Frame = {
  readonly node: readonly Node[] | ReadonlyMap<string, Node>;
  readonly selector: Selector;
  readonly children: Iterator<readonly [Segment, Node]>;
  readonly depth: number;
};

export class Traversal {
  private readonly selection: Selection;
  private readonly limits: WalkLimits;
  private readonly frames: Frame[] = [];
  /** Blocks that may have links, by CID and state. */
  private readonly done = new Set<string>();
  private wanted: { readonly link: Wanted; readonly selector: Selector } | null;
  private links = 0;
  private nodes = 0;
  private walkedBytes = 0;

  constructor(root: CID, selection: Selection, limits: WalkLimits = WALK_LIMITS) {
    this.selection = selection;
    this.limits = limits;
    this.wanted = { link: this.want(root, selection.root, 0), selector: selection.root };
    this.count("links");
  }

  /** The link that is wanted next; null when the walk is over. Throws `GraphsyncError` LIMIT. */
  next(): Wanted | null {
    if (this.wanted !== null) return this.wanted.link;
    for (let top = this.frames.at(-1); top !== undefined; top = this.frames.at(-1)) {
      const { done, value } = top.children.next();
      if (done === true) {
        this.frames.pop();
        continue;
      }
      const [segment, child] = value;
      this.count("nodes");
      const link = linkOf(child);
      const selector = this.selection.step(top.selector, Array.isArray(top.node), segment, { link });
      if (selector === null) continue;
      if (link === null) this.enter(child, selector, top.depth);
      else {
        this.count("links");
        this.wanted = { link: this.want(link, selector, top.depth + 1), selector };
        return this.wanted.link;
      }
    }
    return null;
  }

  /** Takes the block of the link that is wanted: the walk goes on in it. Throws `DataError` for what is not of its codec. */
  give(bytes: Uint8Array): void {
    const { link, selector } = this.taken();
    this.walkedBytes += bytes.length;
    if (this.walkedBytes > this.limits.bytes) throw over("bytes", this.limits.bytes);
    if (link.isLeaf) return;
    this.done.add(doneKey(link.cid, selector));
    this.enter(plainNode(link.cid, bytes), selector, link.depth);
  }

  /** Passes over the link that is wanted, and over what lies below it. */
  skip(): void {
    this.taken();
  }

  private taken(): { readonly link: Wanted; readonly selector: Selector } {
    const { wanted } = this;
    if (wanted === null) throw new Error("no link is wanted");
    this.wanted = null;
    return wanted;
  }

  private want(cid: CID, selector: Selector, depth: number): Wanted {
    if (depth > this.limits.depth) throw over("depth", this.limits.depth);
    const isLeaf = cid.code === CODEC.raw;
    return { cid, depth, isLeaf, isDone: !isLeaf && this.done.has(doneKey(cid, selector)) };
  }

  private enter(node: Node, selector: Selector, depth: number): void {
    const isList = Array.isArray(node);
    if (!isList && !(node instanceof Map)) return;
    const holder = node as Frame["node"];
    const interests = interestsOf(selector, isList ? (node as readonly Node[]).length : null);
    if (interests?.length === 0) return;
    this.count("nodes", interests?.length ?? 0);
    // A block's own data is no deeper than its decoder lets it be.
    const children = interests === null ? allOf(holder) : someOf(holder, interests);
    this.frames.push({ node: holder, selector, children, depth });
  }

  private count(what: "links" | "nodes", by = 1): void {
    const most = this.limits[what];
    this[what] += by;
    if (this[what] > most) throw over(what, most);
  }
}

function over(limit: keyof WalkLimits, most: number): GraphsyncError {
  return new GraphsyncError({ code: "LIMIT", limit }, `the walk over the DAG goes over its limit of ${most} ${limit}`);
}

const doneKey = (cid: CID, { id }: Selector): string => `${id}/${cidKey(cid)}`;

function linkOf(value: Node): CID | null {
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value) || value instanceof Map || value instanceof Uint8Array) return null;
  return CID.asCID(value);
}

function* allOf(node: Frame["node"]): Generator<readonly [Segment, Node]> {
  if (!Array.isArray(node)) {
    yield* node as ReadonlyMap<string, Node>;
    return;
  }
  for (let i = 0; i < node.length; i++) yield [i, node[i]];
}

function* someOf(node: Frame["node"], interests: readonly Segment[]): Generator<readonly [Segment, Node]> {
  for (const segment of interests) {
    if (!Array.isArray(node)) {
      const map = node as ReadonlyMap<string, Node>;
      if (map.has(`${segment}`)) yield [segment, map.get(`${segment}`)];
      continue;
    }
    const at = typeof segment === "number" ? segment : /^(0|[1-9]\d{0,9})$/.test(segment) ? Number(segment) : -1;
    if (at >= 0 && at < node.length) yield [at, node[at]];
  }
}

/** A block as plain data whose maps keep their order. A node of DAG-PB has its links before its data. */
export function plainNode(cid: CID, bytes: Uint8Array): unknown {
  if (cid.code === CODEC.dagCbor) return decodeOrdered(cid, bytes);
  const node = decodeBlock(cid, bytes);
  if (cid.code !== CODEC.dagPb) return ordered(node);
  const { Links, Data } = node as dagPb.PBNode;
  const links = Links.map((link) => new Map(Object.entries({ Hash: link.Hash, Name: link.Name, Tsize: link.Tsize })));
  return new Map<string, Node>([["Links", links], ...(Data === undefined ? [] : ([["Data", Data]] as const))]);
}

/** Objects of DAG-JSON as maps; their decoder bounds how deep they are. */
function ordered(value: Node): Node {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || linkOf(value) !== null)
    return value;
  if (Array.isArray(value)) return value.map(ordered);
  return new Map(Object.entries(value).map(([name, child]) => [name, ordered(child)]));
}

/** The block that a CID carries in itself; null for any other. */
export function inlineBlock(cid: CID): Uint8Array | null {
  return isIdentity(cid) ? cid.multihash.digest : null;
}
