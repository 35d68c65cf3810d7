/**
 * Whether a block could be a part of the chain itself: a header, a message, a list of messages or of receipts.
 *
 * States and chain share one store, and where a block of both is the same one (an empty array, say), it has one CID. So who
 * removes blocks of a state leaves alone all that have the form of chain objects; few blocks of states do. The forms:
 *
 *   header           list of 16
 *   message          list of 10 that begins with a number
 *   signed message   list of 2: a list of 10, bytes
 *   message lists    list of 2: link, link
 *   array            list of 3: height, count, node; a node is a list of 3: bytes, links, values. Its values are links (to
 *                    messages) or lists of a number, bytes and a number (receipts; later ones have a fourth), or it has none;
 *                    of an inner node, those of the first node below it
 */
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "../types/cid.ts";

const HEADER_FIELDS = 16;
const MESSAGE_FIELDS = 10;
/** 8^21 exceeds 2^63. */
const MAX_HEIGHT = 21;

type Read = (cid: Uint8Array) => Promise<Uint8Array | undefined>;

/** `read` gives blocks below, for arrays of several levels. A block that does not decode has no such form. */
export async function isChainForm(block: Uint8Array, read: Read): Promise<boolean> {
  // Lists of 2, 3, 10 and 16 alone are looked into.
  if (![0x82, 0x83, 0x80 + MESSAGE_FIELDS, 0x80 + HEADER_FIELDS].includes(block[0] as number)) return false;
  const value = decoded(block);
  if (!Array.isArray(value)) return false;
  if (value.length === HEADER_FIELDS) return true;
  if (value.length === MESSAGE_FIELDS) return isNumber(value[0]) && value[1] instanceof Uint8Array;
  if (value.length === 2) {
    const [first, second] = value as [unknown, unknown];
    if (CID.asCID(first) !== null) return CID.asCID(second) !== null;
    return Array.isArray(first) && first.length === MESSAGE_FIELDS && second instanceof Uint8Array;
  }
  const node = isNumber(value[0]) && isNumber(value[1]) ? value[2] : value;
  return isListNode(node, read, 0);
}

async function isListNode(node: unknown, read: Read, depth: number): Promise<boolean> {
  if (!Array.isArray(node) || node.length !== 3 || depth > MAX_HEIGHT) return false;
  const [bitmap, links, values] = node as [unknown, unknown, unknown];
  if (!(bitmap instanceof Uint8Array) || !Array.isArray(links) || !Array.isArray(values)) return false;
  if (links.length === 0) return values.every((one) => CID.asCID(one) !== null || isReceipt(one));
  const below = await read((CID.asCID(links[0]) as CID | null)?.bytes ?? new Uint8Array(0));
  return below !== undefined && isListNode(decoded(below), read, depth + 1);
}

function isReceipt(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    (value.length === 3 || value.length === 4) &&
    isNumber(value[0]) &&
    value[1] instanceof Uint8Array &&
    isNumber(value[2])
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

function decoded(block: Uint8Array): unknown {
  try {
    return dagCbor.decode(block);
  } catch {
    return undefined;
  }
}
