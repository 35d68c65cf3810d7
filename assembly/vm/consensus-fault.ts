/**
 * Consensus faults: two signed headers that no honest producer signs.
 *
 *   double fork    two headers of one producer at the same height
 *   time offset    the same parents at different heights
 *   parent grind   B's tipset of parents holds C, the sibling of A (same parents, same height), but not A
 *
 * Later rules in this list win over earlier ones. Blocks are taken as signed statements: their validity otherwise, and
 * whether they are on this chain, is not looked at.
 *
 * The signing key is that of the producer's worker: up to network version 6 in the present state, from 7 on in the state
 * from which the block's election was drawn; blocks older than finality then prove nothing any more. The machine knows
 * no state but the present one, and runs networks up to version 5 for real, so a report that hangs on such a key ends
 * the run; one that fails before that does not. Sources: lotus v1.0.0 and lotus v1.2.0 chain/vm/syscalls.go.
 */
import { endRun } from "../abi/engine";
import { Bytes } from "../base/bytes";
import { Cid, cidOf } from "../ipld/cid";
import { CborReader } from "../ipld/cbor-reader";
import { BlockStore } from "../ipld/store";
import { ConsensusFault } from "../runtime/runtime";
import { NetworkVersion } from "../runtime/versions.gen";
import { BlockHeader } from "../types/chain.gen";
import { keyAddressOf, workerOf } from "./foreign-state";
import { Registry } from "./registry";
import { checkSignature } from "./signature";
import { StateTree } from "./state-tree";

// Source: specs-actors runtime (ConsensusFaultType).
const DOUBLE_FORK: i64 = 1;
const PARENT_GRINDING: i64 = 2;
const TIME_OFFSET: i64 = 3;

/** Epochs for which that state is looked up. */
const FINALITY: i64 = 900;

/**
 * The fault that the headers prove, or null. State is read through `store`, which may charge. Ends the run if only a
 * worker key of an earlier state could tell.
 */
export function findConsensusFault(
  first: Bytes,
  second: Bytes,
  extra: Bytes,
  tree: StateTree,
  registry: Registry,
  store: BlockStore,
  epoch: i64,
  version: NetworkVersion,
): ConsensusFault | null {
  const a = decodeHeader(first);
  const b = decodeHeader(second);
  if (a === null || b === null) return null;
  if (cidOfHeader(a).eq(cidOfHeader(b)) || !a.miner.eq(b.miner) || b.height < a.height) return null;
  let kind: i64 = 0;
  if (a.height == b.height) kind = DOUBLE_FORK;
  else if (sameLinks(a.parents, b.parents)) kind = TIME_OFFSET;
  if (extra.length > 0) {
    const c = decodeHeader(extra);
    if (c === null) return null;
    const siblings = sameLinks(a.parents, c.parents) && a.height == c.height;
    if (siblings && holds(b.parents, cidOfHeader(c)) && !holds(b.parents, cidOfHeader(a))) kind = PARENT_GRINDING;
  }
  if (kind == 0) return null;
  if (version.faultKeyOfThatTime) {
    if (a.height < epoch - FINALITY) return null;
    endRun("a consensus fault hangs on a worker key of an earlier state (network version 7), which is not at hand");
  }
  if (!isSigned(a, tree, registry, store) || !isSigned(b, tree, registry, store)) return null;
  return new ConsensusFault(a.miner, b.height, kind);
}

function decodeHeader(bytes: Bytes): BlockHeader | null {
  const r = new CborReader(bytes);
  const header = new BlockHeader();
  header.read(r);
  return r.ok ? header : null;
}

function cidOfHeader(header: BlockHeader): Cid {
  return cidOf(header.encode(2));
}

/** As many links, and each of `b` in `a`; the order does not matter. */
function sameLinks(a: Array<Cid>, b: Array<Cid>): bool {
  if (a.length != b.length) return false;
  for (let i = 0; i < b.length; i++) if (!holds(a, b[i])) return false;
  return true;
}

function holds(links: Array<Cid>, link: Cid): bool {
  for (let i = 0; i < links.length; i++) if (links[i].eq(link)) return true;
  return false;
}

/** True if the producer's worker key signed the header. */
function isSigned(header: BlockHeader, tree: StateTree, registry: Registry, store: BlockStore): bool {
  const worker = workerOf(header.miner, tree, registry, store);
  if (worker === null) return false;
  const key = keyAddressOf(worker, tree, registry, store);
  const signature = header.blockSig;
  if (key === null || signature === null) return false;
  header.blockSig = null;
  const text = header.encode(2);
  header.blockSig = signature;
  return checkSignature(signature, key, text);
}
