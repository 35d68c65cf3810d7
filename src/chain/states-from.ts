/**
 * Which states are kept: metadata "states/from", the epoch of the lowest tipset after which the state is here with
 * everything above it, and "state/<16 digits of the epoch>-<CID>" for each state that can be collected once its epoch is
 * below. Without the former all states are kept. Who collects writes the former first, so that nobody relies on a state
 * of which parts are gone. Of a chain that was taken from a snapshot "messages/from" tells the same of messages, which nobody collects.
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { BlockStore } from "../storage/contract.ts";
import { type CID, parseCid } from "../types/cid.ts";

export const STATES_FROM = "states/from";
export const MESSAGES_FROM = "messages/from";
const DIGITS = 16;

/** Name of a state after a tipset of an epoch; without a root, what stands before all names of that epoch. */
export function stateName(epoch: number, root: CID | "" = ""): string {
  return `state/${epoch.toString().padStart(DIGITS, "0")}-${root}`;
}

/** Epoch and root of a state's name. */
export function parseStateName(name: string): { readonly epoch: number; readonly root: CID } {
  const [epoch, root] = name.slice("state/".length).split("-") as [string, string];
  return { epoch: Number(epoch), root: parseCid(root) };
}

export function encodeEpoch(epoch: number): Uint8Array {
  return dagCbor.encode(epoch);
}

/** Epoch from which states are kept, or messages; 0: all are. */
export async function readKeptFrom(
  blocks: BlockStore,
  what: typeof STATES_FROM | typeof MESSAGES_FROM,
): Promise<number> {
  const found = await blocks.metadata(what);
  return found === undefined ? 0 : (dagCbor.decode(found) as number);
}
