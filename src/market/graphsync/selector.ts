/**
 * Selectors of IPLD: which part of a DAG is meant. Read from their CBOR within bounds, then stepped through a DAG: each step
 * gives the selector of a child. States are interned: where a selector comes back to itself it is the same object, so that a
 * walk can tell what it has done already, and no union of edges grows without end.
 *
 * Not done, and refused by name: conditions on data ("&"), other readings of data ("~": paths of UnixFS as fields), and
 * subsets of a matcher, which choose no blocks, are passed over.
 * Source: go-ipld-prime v0.21.0, traversal/selector.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { decode as decodeCbor } from "cborg";
import { CID } from "../../types/cid.ts";
import { excessOfCbor } from "../data/nesting.ts";
import { GraphsyncError } from "./errors.ts";

/** A state of a selector; states of one kind and content are one object. */
export type Selector = { readonly id: number } & (
  | { readonly kind: "matcher" | "edge" }
  | { readonly kind: "all"; readonly next: Selector }
  | { readonly kind: "fields"; readonly fields: ReadonlyMap<string, Selector> }
  | { readonly kind: "index"; readonly index: number; readonly next: Selector }
  | { readonly kind: "range"; readonly start: number; readonly end: number; readonly next: Selector }
  | { readonly kind: "union"; readonly members: readonly Selector[] }
  | {
      readonly kind: "recursive";
      readonly sequence: Selector;
      readonly current: Selector;
      /** Edges that are followed yet; null: any number. */
      readonly limit: number | null;
      readonly stopAt: string | null;
    }
);
type Shape = Selector extends infer One ? (One extends Selector ? Omit<One, "id"> : never) : never;

export const SELECTOR_LIMITS = {
  bytes: 64 << 10,
  /** selectors inside of one another, and all together */
  depth: 64,
  selectors: 1024,
  /** fields of all, and elements of a range */
  fields: 4096,
  range: 1 << 17,
  /** states that a walk may come to, and alternatives of one of them */
  states: 4096,
  members: 64,
  /** alternatives that are looked at for each child, on the average */
  work: 16,
} as const;

/** The whole DAG: what most requests ask for. CBOR of {R: {l: {none: {}}, :>: {a: {>: {@: {}}}}}}. */
export const WHOLE_DAG: Uint8Array = dagCbor.encode({ R: { l: { none: {} }, ":>": { a: { ">": { "@": {} } } } } });
/** The root alone. */
export const ROOT_ONLY: Uint8Array = dagCbor.encode({ ".": {} });

function bad(why: string): never {
  throw new GraphsyncError({ code: "BAD_SELECTOR" }, `selector: ${why}`);
}

/** Where a step leads: a key of a map, or a place in a list. */
export type Segment = string | number;

/** What a child is, as far as selectors ask: its CID if it is a link. */
export type Child = { readonly link: CID | null };

/** A selector that was read, and the states that come of it. */
export class Selection {
  readonly root: Selector;
  private readonly interned = new Map<string, Selector>();
  private selectors = 0;
  private fields = 0;
  private steps = 0;
  private work = 0;

  /** Throws `GraphsyncError` BAD_SELECTOR or UNSUPPORTED_SELECTOR, which say what is wrong. */
  constructor(bytes: Uint8Array) {
    if (bytes.length > SELECTOR_LIMITS.bytes)
      bad(`${bytes.length} bytes, at most ${SELECTOR_LIMITS.bytes} are looked at`);
    this.root = this.parse(decode(bytes), null, 0);
  }

  /**
   * The state for a child, or null if the walk does not go there. `isList`: whether the parent is a list.
   * Throws `GraphsyncError` LIMIT when a selector comes to too many states.
   */
  step(from: Selector, isList: boolean, segment: Segment, child: Child): Selector | null {
    this.steps++;
    return this.stepFrom(from, isList, segment, child);
  }

  private stepFrom(from: Selector, isList: boolean, segment: Segment, child: Child): Selector | null {
    if (++this.work > SELECTOR_LIMITS.work * (this.steps + SELECTOR_LIMITS.states)) throw tooMany("work");
    switch (from.kind) {
      case "all":
        return from.next;
      case "fields":
        return from.fields.get(`${segment}`) ?? null;
      case "index":
        return isList && Number(segment) === from.index ? from.next : null;
      case "range":
        return isList && Number(segment) >= from.start && Number(segment) < from.end ? from.next : null;
      case "union":
        return this.union(from.members.map((member) => this.stepFrom(member, isList, segment, child)));
      case "recursive":
        return this.stepRecursive(from, isList, segment, child);
      default:
        return null;
    }
  }

  private stepRecursive(
    from: Extract<Selector, { kind: "recursive" }>,
    isList: boolean,
    segment: Segment,
    child: Child,
  ): Selector | null {
    const { sequence, current, limit, stopAt } = from;
    if (stopAt !== null && child.link !== null && `${child.link}` === stopAt) return null;
    if (current.kind === "edge") return null;
    const next = this.stepFrom(current, isList, segment, child);
    if (next === null) return null;
    if (!hasEdge(next)) return this.intern({ kind: "recursive", sequence, current: next, limit, stopAt });
    if (limit !== null && limit < 2) return this.replaceEdge(next, null);
    const inner = this.replaceEdge(next, sequence);
    const rest = limit === null ? null : limit - 1;
    return inner === null ? null : this.intern({ kind: "recursive", sequence, current: inner, limit: rest, stopAt });
  }

  /** An edge becomes the sequence that begins again; the edges of a recursion inside stay its own. */
  private replaceEdge(selector: Selector, by: Selector | null): Selector | null {
    if (selector.kind === "edge") return by;
    if (selector.kind !== "union") return selector;
    return this.union(selector.members.map((member) => this.replaceEdge(member, by)));
  }

  /** Members that are no union, each once: what is in one twice leads to the same blocks. */
  private union(members: readonly (Selector | null)[]): Selector | null {
    const flat = members.flatMap((one) => (one === null ? [] : one.kind === "union" ? one.members : [one]));
    const once = [...new Set(flat)];
    if (once.length > SELECTOR_LIMITS.members) throw tooMany("members");
    return once.length < 2 ? (once[0] ?? null) : this.intern({ kind: "union", members: once });
  }

  private intern(shape: Shape): Selector {
    const key = keyOf(shape);
    const known = this.interned.get(key);
    if (known !== undefined) return known;
    if (this.interned.size >= SELECTOR_LIMITS.states) throw tooMany("states");
    const made = { ...shape, id: this.interned.size } as Selector;
    this.interned.set(key, made);
    return made;
  }

  /** `edges`: counts the edges of the recursion around; null outside of any. */
  private parse(value: unknown, edges: { count: number } | null, depth: number): Selector {
    if (depth > SELECTOR_LIMITS.depth) bad(`nested deeper than ${SELECTOR_LIMITS.depth}`);
    if (++this.selectors > SELECTOR_LIMITS.selectors) bad(`more than ${SELECTOR_LIMITS.selectors} selectors in one`);
    const [kind, body] = only(value, "a selector");
    if (kind === "|") return this.parseUnion(body, edges, depth);
    const fields = mapOf(body, `"${kind}"`);
    const next = (): Selector => this.parse(field(fields, ">", kind), edges, depth + 1);
    switch (kind) {
      case ".":
        return this.intern({ kind: "matcher" });
      case "a":
        return this.intern({ kind: "all", next: next() });
      case "f":
        return this.parseFields(field(fields, "f>", kind), edges, depth);
      case "i":
        return this.intern({ kind: "index", index: whole(field(fields, "i", kind), "an index"), next: next() });
      case "r":
        return this.parseRange(fields, next);
      case "R":
        return this.parseRecursive(fields, depth);
      case "@":
        if (edges === null) bad("an edge outside of any recursion");
        else edges.count++;
        return this.intern({ kind: "edge" });
      case "&":
      case "~":
        throw new GraphsyncError(
          { code: "UNSUPPORTED_SELECTOR" },
          `selector: ${kind === "&" ? "conditions" : "other readings of data"} ("${kind}") are not done here`,
        );
      default:
        return bad(`no kind "${kind.slice(0, 16)}" of selectors`);
    }
  }

  private parseUnion(body: unknown, edges: { count: number } | null, depth: number): Selector {
    if (!Array.isArray(body)) return bad("a union is a list");
    const members = body.map((member) => this.parse(member, edges, depth + 1));
    return this.union(members) ?? bad("a union of nothing");
  }

  private parseFields(body: unknown, edges: { count: number } | null, depth: number): Selector {
    const fields = new Map<string, Selector>();
    for (const [name, value] of mapOf(body, '"f>"')) {
      if (++this.fields > SELECTOR_LIMITS.fields) bad(`more than ${SELECTOR_LIMITS.fields} fields`);
      fields.set(name, this.parse(value, edges, depth + 1));
    }
    return this.intern({ kind: "fields", fields });
  }

  private parseRange(fields: ReadonlyMap<string, unknown>, next: () => Selector): Selector {
    const start = whole(field(fields, "^", "r"), "the start of a range");
    const end = whole(field(fields, "$", "r"), "the end of a range");
    if (start >= end) bad("a range ends where it begins, or before");
    if (end - start > SELECTOR_LIMITS.range) bad(`a range of more than ${SELECTOR_LIMITS.range} elements`);
    return this.intern({ kind: "range", start, end, next: next() });
  }

  private parseRecursive(fields: ReadonlyMap<string, unknown>, depth: number): Selector {
    const [mode, most] = only(field(fields, "l", "R"), "the limit of a recursion");
    if (mode !== "none" && mode !== "depth") bad(`no limit "${mode.slice(0, 16)}" of recursions`);
    const limit = mode === "none" ? null : whole(most, "the depth of a recursion");
    const edges = { count: 0 };
    const sequence = this.parse(field(fields, ":>", "R"), edges, depth + 1);
    if (edges.count === 0) bad("a recursion without an edge");
    const stop = fields.get("!");
    return this.intern({
      ...{ kind: "recursive", sequence, current: sequence, limit },
      stopAt: stop === undefined ? null : `${stopLink(stop)}`,
    });
  }
}

function tooMany(limit: "states" | "members" | "work"): GraphsyncError {
  const what = { states: "states", members: "alternatives at once", work: "alternatives a child on the average" };
  const why = `selector: it comes to more than ${SELECTOR_LIMITS[limit]} ${what[limit]}`;
  return new GraphsyncError({ code: "LIMIT", limit: "states" }, why);
}

/**
 * Children that a selector asks for by name or place, as often as it does; null: all of them. `length`: elements of the list
 * that is stepped into; null for a map.
 */
export function interestsOf(selector: Selector, length: number | null): readonly Segment[] | null {
  switch (selector.kind) {
    case "all":
      return null;
    case "fields":
      return [...selector.fields.keys()];
    case "index":
      return length === null ? [] : [selector.index];
    case "range": {
      const count = Math.min(selector.end, length ?? 0) - selector.start;
      return Array.from({ length: Math.max(0, count) }, (_, i) => selector.start + i);
    }
    case "recursive":
      return interestsOf(selector.current, length);
    case "union": {
      const all = selector.members.map((member) => interestsOf(member, length));
      return all.includes(null) ? null : (all as (readonly Segment[])[]).flat();
    }
    default:
      return [];
  }
}

function hasEdge(selector: Selector): boolean {
  return selector.kind === "edge" || (selector.kind === "union" && selector.members.some(hasEdge));
}

function keyOf(shape: Shape): string {
  switch (shape.kind) {
    case "all":
      return `a${shape.next.id}`;
    case "fields":
      return `f${JSON.stringify([...shape.fields].map(([name, { id }]) => [name, id]))}`;
    case "index":
      return `i${shape.index}:${shape.next.id}`;
    case "range":
      return `r${shape.start}:${shape.end}:${shape.next.id}`;
    case "union":
      return `|${shape.members.map(({ id }) => id).join()}`;
    case "recursive":
      return `R${shape.sequence.id}:${shape.current.id}:${shape.limit ?? "-"}:${shape.stopAt ?? ""}`;
    default:
      return shape.kind;
  }
}

function decode(bytes: Uint8Array): unknown {
  try {
    // Three levels of data a selector.
    const excess = excessOfCbor(bytes, { depth: 4 * SELECTOR_LIMITS.depth, links: SELECTOR_LIMITS.selectors });
    if (excess === "depth") return bad(`nested deeper than ${SELECTOR_LIMITS.depth}`);
    if (excess === "links") return bad("too many links");
    return decodeCbor(bytes, { ...dagCbor.decodeOptions, useMaps: true });
  } catch (cause) {
    if (cause instanceof GraphsyncError) throw cause;
    throw new GraphsyncError({ code: "BAD_SELECTOR" }, "selector: no DAG-CBOR", { cause });
  }
}

function mapOf(value: unknown, what: string): ReadonlyMap<string, unknown> {
  return value instanceof Map ? (value as ReadonlyMap<string, unknown>) : bad(`${what} is a map`);
}

/** The one pair of a map. */
function only(value: unknown, what: string): [string, unknown] {
  const entries = [...mapOf(value, what)];
  return entries.length === 1 ? (entries[0] as [string, unknown]) : bad(`${what} is a map of one pair`);
}

function field(fields: ReadonlyMap<string, unknown>, name: string, of: string): unknown {
  return fields.has(name) ? fields.get(name) : bad(`"${of}" without "${name}"`);
}

function whole(value: unknown, what: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : bad(`${what} is a whole number`);
}

/** The link that ends a recursion: {"/": link}. Other conditions are not done. */
function stopLink(value: unknown): CID {
  const [kind, link] = only(value, "a condition");
  const cid = kind === "/" ? CID.asCID(link) : null;
  if (cid !== null) return cid;
  throw new GraphsyncError(
    { code: "UNSUPPORTED_SELECTOR" },
    `selector: the condition "${kind.slice(0, 16)}" is not done here`,
  );
}
