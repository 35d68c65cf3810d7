/**
 * Which part of a DAG is retrieved, as a person says it: a path through the data as its codecs have it ("Links/0/Hash"), below which
 * all is taken, or a selector of IPLD as DAG-JSON: what lotus' ClientRetrieve takes as DataSelector.
 */
import * as dagCbor from "@ipld/dag-cbor";
import * as dagJson from "@ipld/dag-json";
import { utf8 } from "../../base/bytes.ts";
import type { BlockSource } from "../../storage/contract.ts";
import { CID } from "../../types/cid.ts";
import { DataError } from "../data/errors.ts";
import { blockOf } from "../data/links.ts";
import { excessOfJson } from "../data/nesting.ts";
import { GraphsyncError } from "../graphsync/errors.ts";
import { SELECTOR_LIMITS, Selection, WHOLE_DAG } from "../graphsync/selector.ts";
import { plainNode } from "../graphsync/traversal.ts";

/** `selector`: CBOR. `path`: where the part begins that is taken as a whole; null where a selector says what is taken. */
export type DataSelector = { readonly selector: Uint8Array; readonly path: readonly string[] | null };

/** Segments of a path: below the last one the selector of a whole DAG is nested, too. */
const MAX_SEGMENTS = SELECTOR_LIMITS.depth - 4;

function bad(why: string, cause?: unknown): never {
  throw new GraphsyncError({ code: "BAD_SELECTOR" }, `data selector: ${why}`, { cause });
}

/** Throws `GraphsyncError` BAD_SELECTOR or UNSUPPORTED_SELECTOR. */
export function readDataSelector(text: string): DataSelector {
  const selected = text.trimStart().startsWith("{") ? ofJson(text) : ofPath(text);
  // Whatever is not done here is told before anybody is asked.
  new Selection(selected.selector);
  return selected;
}

function ofJson(text: string): DataSelector {
  const bytes = utf8(text);
  const excess = excessOfJson(bytes, { depth: 4 * SELECTOR_LIMITS.depth, links: SELECTOR_LIMITS.selectors });
  if (excess !== null) bad(excess === "depth" ? "nested too deep" : "too many links");
  try {
    return { selector: dagCbor.encode(dagJson.decode(bytes)), path: null };
  } catch (cause) {
    return bad("neither a path nor a selector as DAG-JSON", cause);
  }
}

function ofPath(text: string): DataSelector {
  const path = text.split("/").filter((segment) => segment !== "");
  if (path.length === 0) bad("a path with at least one segment, such as Links/0/Hash, or a selector as DAG-JSON");
  if (path.length > MAX_SEGMENTS) bad(`a path of ${path.length} segments, at most ${MAX_SEGMENTS} are followed`);
  const whole: unknown = dagCbor.decode(WHOLE_DAG);
  return {
    selector: dagCbor.encode(path.reduceRight((next, name) => ({ f: { "f>": { [name]: next } } }), whole)),
    path,
  };
}

/** The root of the part that a path leads to, through blocks that are here. Throws `DataError` NO_SUCH_PATH, MISSING_BLOCK. */
export async function rootAt(blocks: BlockSource, root: CID, path: readonly string[]): Promise<CID> {
  let cid = root;
  let node = plainNode(cid, await blockOf(blocks, cid));
  let link: CID | null = null;
  for (const [i, name] of path.entries()) {
    if (link !== null) {
      cid = link;
      node = plainNode(cid, await blockOf(blocks, cid));
    }
    node = childOf(node, name);
    if (node === undefined) {
      const missing = path.slice(0, i + 1).join("/");
      throw new DataError({ code: "NO_SUCH_PATH", path: missing }, `there is no ${missing} below ${root}`);
    }
    link = node instanceof Object ? CID.asCID(node) : null;
  }
  if (link !== null) return link;
  const name = path.join("/");
  throw new DataError({ code: "NO_SUCH_PATH", path: name }, `${name} is inside of block ${cid}, and leads to no other`);
}

function childOf(node: unknown, name: string): unknown {
  if (node instanceof Map) return (node as ReadonlyMap<string, unknown>).get(name);
  return Array.isArray(node) && /^(?:0|[1-9]\d{0,9})$/.test(name) ? node[Number(name)] : undefined;
}
