/**
 * Ethereum's blocks over tipsets: one a tipset, its number the epoch, its hash the digest of the CID of the tipset's key.
 *
 * "latest" is the tipset below the head, since only the head says what became of its messages. Null rounds have no block: asking for
 * one, for its receipts or for its traces is error 12; the state at one, calls on it and fees up to it are those of the block before it.
 * "safe" is 200 epochs and "finalized" 900 below the latest. Source: lotus at b835fab702eb node/impl/eth/tipsetresolver.go, utils.go.
 */

import { equal } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { blockHash } from "../../chain/eth-index.ts";
import type { CarriedMessage } from "../../chain/message-store.ts";
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { BlockHeader, Tipset } from "../../types/block-header.ts";
import { CID } from "../../types/cid.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import type { BlockRef } from "./codecs.ts";

const SAFE_DISTANCE = 200;
/** Tipsets below the head that are searched for a block that is not indexed. */
const HASH_SEARCH = 2880;

/** The CID of a message by the hash that stands for it: blake2b-256 of DAG-CBOR. */
function cidOfHash(hash: Uint8Array): CID {
  const head = [1, 0x71, 0xa0, 0xe4, 0x02, 0x20];
  return CID.decode(Uint8Array.from([...head, ...hash]));
}

/** The CID of a transaction's message, if it is one that is known here. */
export async function cidOfTransaction({ chain }: NodeServices, hash: Uint8Array): Promise<CID> {
  return (await chain.transaction(hash)) ?? cidOfHash(hash);
}

/** A message of a block, or one that waits; null where it is neither. */
export async function knownMessage({ chain }: NodeServices, cid: CID): Promise<CarriedMessage | null> {
  return chain.message(cid).catch((error: unknown) => {
    // Not there, or a block of another kind.
    if (isFilError(error)) return null;
    throw error;
  });
}

/** The newest block whose execution is known. */
export async function latest(node: NodeServices): Promise<Tipset> {
  const { head } = node.chain;
  return (await node.chain.parent(head)) ?? head;
}

/** The tipset of a block, or null if it is not there yet. Error 12 for a null round, unless `orBefore`. */
export async function findBlock(node: NodeServices, ref: BlockRef, orBefore = false): Promise<Tipset | null> {
  const { chain } = node;
  if (ref === "pending") return chain.head;
  if (typeof ref === "object" && "hash" in ref) return blockByHash(node, ref.hash);
  const newest = await latest(node);
  if (ref === "latest") return newest;
  if (ref === "earliest") return chain.tipsetAtOrBefore(0);
  if (ref === "safe") return chain.tipsetAtOrBefore(Math.max(0, newest.height - SAFE_DISTANCE));
  if (ref === "finalized") return chain.tipsetAtOrBefore(Math.max(0, newest.height - CHAIN_LIMITS.finality));
  if (ref.epoch > BigInt(newest.height)) return null;
  const epoch = Number(ref.epoch);
  const found = await chain.tipsetAtOrBefore(epoch);
  if (found.height === epoch || orBefore) return found;
  throw new RpcError(RPC_CODE.nullRound, `requested epoch was a null round (${epoch})`, epoch);
}

/** The same; throws where it is not there. */
export async function requireBlock(node: NodeServices, ref: BlockRef, orBefore = false): Promise<Tipset> {
  const found = await findBlock(node, ref, orBefore);
  if (found !== null) return found;
  throw new RpcError(RPC_CODE.untyped, "there is no such block (yet)");
}

/** By the index of the chain; else among the newest tipsets. Null if it is in neither. */
async function blockByHash({ chain }: NodeServices, hash: Uint8Array): Promise<Tipset | null> {
  const epoch = (await chain.ethereum?.epochOf(hash)) ?? null;
  if (epoch !== null) {
    const found = await chain.tipsetAtOrBefore(epoch);
    if (equal(blockHash(found), hash)) return found;
  }
  let at: Tipset | null = chain.head;
  for (let i = 0; i <= HASH_SEARCH && at !== null; i++) {
    if (equal(blockHash(at), hash)) return at;
    at = await chain.parent(at);
  }
  return null;
}

export const firstOf = (tipset: Tipset): BlockHeader => tipset.blocks[0] as BlockHeader;
