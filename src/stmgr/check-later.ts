/**
 * What is checked of a whole state of network version 16 and later: that all of it is there, that every actor has code of the list that
 * the state names, an id that was given out and a state of its actor's form, and that no attoFIL was made or lost. The invariants of
 * single actors, and between them, are known of this engine's own actors alone (`src/core/state-check.ts`).
 */
import { toHex } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { linksOf } from "../exec/reachable.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { readManifest } from "../state/manifest.ts";
import { type ActorEntry, describeCode, StateView } from "../state/state-view.ts";
import { loadNode } from "../storage/amt.ts";
import { WrongBlockError } from "../storage/check-block.ts";
import { CidSet } from "../storage/cid-set.ts";
import type { BlockSource } from "../storage/contract.ts";
import { hamtEntries } from "../storage/hamt.ts";
import { Address } from "../types/address.ts";
import { formatFil } from "../types/amount.ts";
import { CID, cidFromBytes, cidKey, textOfCid } from "../types/cid.ts";
import { INIT, SYSTEM } from "../types/singletons.ts";

export type LaterReport = {
  /** What does not hold, in the order found; empty where all that is looked at does. */
  readonly complaints: readonly string[];
  readonly actors: number;
  /** attoFIL held by all actors together. */
  readonly total: bigint;
};

type LaterOptions = {
  readonly onProgress?: (actors: number) => void;
  readonly signal?: AbortSignal;
};

/** Ids below are given by the protocol. */
const FIRST_GIVEN_ID = 100n;
/** Complaints that are kept; a state may have as many as actors. */
const MOST_COMPLAINTS = 10_000;
const PROGRESS_EVERY = 256;
const DAG_CBOR = 0x71;
/** Nonces are unsigned numbers of 64 bits. */
const MAX_NONCE = 1n << 64n;
/** Of network versions 16 and 17, and from 18 on. Source: lotus b835fab702eb chain/state/statetree.go (VersionForNetwork). */
const TREE_VERSIONS: readonly unknown[] = [4, 5];
/** Codecs of blocks that a state has; commitments of sectors and pieces have others. */
const STORED = new Set([DAG_CBOR, 0x51, 0x55]);
const IDENTITY = 0x00;

/** Whether a state is of network version 16 or later: its actors' code is no text any more. */
export async function isLaterState(blocks: BlockSource, root: CID): Promise<boolean> {
  const system = await (await StateView.open(blocks, root)).actor(SYSTEM);
  return system !== null && textOfCid(system.code) === null;
}

/** Checks the state under `root`; whether bytes are what their CIDs say only where `blocks` compares them. Throws what reading its tree does where that cannot be read at all. */
export async function checkLaterState(
  root: CID,
  blocks: BlockSource,
  { onProgress, signal }: LaterOptions = {},
): Promise<LaterReport> {
  const complaints: string[] = [];
  const complain = (text: string): void => {
    if (complaints.length < MOST_COMPLAINTS) complaints.push(text);
    else if (complaints.length === MOST_COMPLAINTS) complaints.push("and more, which are not told");
  };
  const walked = new CidSet();
  /** Null for one with other bytes than its CID names, which is told. */
  const read = async (cid: Uint8Array, name: string): Promise<Uint8Array | undefined | null> => {
    try {
      return blocks.peek(cid) ?? (await blocks.get(cid));
    } catch (error) {
      if (!(error instanceof WrongBlockError)) throw error;
      complain(`${name}: ${error.message}`);
      return null;
    }
  };
  /** Every block below a link that was not seen yet has to be there. */
  const walk = async (from: CID, name: string): Promise<void> => {
    const open: Uint8Array[] = [from.bytes];
    for (let bytes = open.pop(); bytes !== undefined; bytes = open.pop()) {
      if (!walked.add(bytes)) continue;
      const cid = cidFromBytes(bytes);
      const own = cid.multihash.code === IDENTITY;
      if (!STORED.has(cid.code)) continue;
      const block = own ? cid.multihash.digest : await read(bytes, name);
      if (block === null) continue;
      if (block === undefined) complain(`${name}: block ${cid} is not there`);
      else if (cid.code === DAG_CBOR) open.push(...linksOf(block));
    }
  };
  const view = await StateView.open(blocks, root);
  const [version] = (await loadNode(blocks, root)) as readonly unknown[];
  if (!TREE_VERSIONS.includes(version)) complain(`the state tree: its version is none of ${TREE_VERSIONS.join(", ")}`);
  const { codes } = await readManifest(blocks, view);
  const known = new Set([...codes.values()].map(cidKey));
  const ids = new Set<bigint>();
  let [actors, total] = [0, 0n];
  for await (const [address, entry] of view.entries()) {
    if (++actors % PROGRESS_EVERY === 0) {
      signal?.throwIfAborted();
      onProgress?.(actors);
    }
    const id = address.actorId;
    if (id === null) complain(`${address}: a key of the state tree is no ID address`);
    else ids.add(id);
    if (entry.nonce < 0n || entry.nonce >= MAX_NONCE) complain(`${address}: nonce ${entry.nonce} is out of range`);
    if (entry.balance < 0n) complain(`${address}: balance is negative`);
    total += entry.balance;
    if (!known.has(cidKey(entry.code))) complain(`${address}: code ${entry.code} is none of the state's list`);
    await walk(entry.code, `${address}`);
    await walk(entry.head, `${address}`);
    const wrong = await formOf(view, entry);
    if (wrong !== null) complain(`${address}: ${wrong}`);
  }
  if (total !== CHAIN_LIMITS.totalFilecoin)
    complain(
      `the actors hold ${formatFil(total)} FIL together, and ${formatFil(CHAIN_LIMITS.totalFilecoin)} FIL is what there is on any network whose balances nobody has set by hand`,
    );
  await checkIds(blocks, view, ids, complain);
  // Last, so that what is missing is told of the actor that misses it.
  await walk(root, "the state tree");
  return { complaints, actors, total };
}

/** Why an actor's state is none of its kind; null if it is, or if nobody knows the kind. */
async function formOf(view: StateView, entry: ActorEntry): Promise<string | null> {
  if (describeCode(entry.code) === null) return null;
  try {
    await view.stateJson(entry, "f");
    return null;
  } catch (error) {
    return `its state cannot be read: ${describeError(error)}`;
  }
}

/** Ids are given out in order, and each address that has one leads to an actor. */
async function checkIds(
  blocks: BlockSource,
  view: StateView,
  ids: ReadonlySet<bigint>,
  complain: (text: string) => void,
): Promise<void> {
  const init = await view.requireActor(INIT);
  const fields = await loadNode(blocks, init.head);
  const [map, next] = Array.isArray(fields) ? (fields as unknown[]) : [];
  const addresses = CID.asCID(map);
  if (addresses === null || (typeof next !== "number" && typeof next !== "bigint")) {
    complain(`${INIT}: its state names no addresses and no next id`);
    return;
  }
  for (const id of ids)
    if (id >= FIRST_GIVEN_ID && id >= BigInt(next)) complain(`actor f0${id} has an id that was not given out`);
  for await (const [key, id] of hamtEntries(blocks, addresses))
    if ((typeof id !== "number" && typeof id !== "bigint") || !ids.has(BigInt(id)))
      complain(`${INIT}: the address ${nameOf(key)} leads to ${id}, which is no actor`);
}

function nameOf(key: Uint8Array): string {
  try {
    return `${Address.fromBytes(key)}`;
  } catch {
    return `0x${toHex(key)}`;
  }
}
