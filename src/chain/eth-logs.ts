/**
 * Ethereum's logs: events with topics (keys "t1" to "t4") and data ("d") in raw, which the EVM actor emits, of the messages of a tipset.
 * Source: lotus at b835fab702eb chain/types/ethtypes/eth_types.go (EthLogFromEvent, EthBloomSet); FIP-0049, FIP-0054.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { equal, toHex } from "../base/bytes.ts";
import type { StateView } from "../state/state-view.ts";
import type { BlockSource } from "../storage/contract.ts";
import { eventValues } from "../storage/event-amt.ts";
import { Address } from "../types/address.ts";
import type { MessageReceipt } from "../types/message.ts";
import { ChainError } from "./errors.ts";

export type Log = {
  readonly address: Uint8Array;
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
};

const RAW = 0x55;
const TOPIC_KEYS = ["t1", "t2", "t3", "t4"];
const BLOOM_BYTES = 256;

/** The logs of a receipt, in order. `view`: the state after the tipset, for the emitters' addresses. */
export async function logsOf(blocks: BlockSource, receipt: MessageReceipt, view: StateView): Promise<Log[]> {
  if (receipt.eventsRoot == null) return [];
  const events = await eventValues(blocks, receipt.eventsRoot).catch((error: Error) => {
    throw new ChainError(
      { code: "UNKNOWN_EVENTS", root: `${receipt.eventsRoot}` },
      `the events of a message are not here: ${error.message}`,
      { cause: error },
    );
  });
  const logs: Log[] = [];
  for (const event of events) {
    const [emitter, entries] = Array.isArray(event) ? (event as unknown[]) : [];
    const log = Array.isArray(entries) ? logFrom(entries) : null;
    if (log === null || (typeof emitter !== "number" && typeof emitter !== "bigint")) continue;
    logs.push({ ...log, address: await ethereumOf(view, Address.id(emitter)) });
  }
  return logs;
}

/** Topics and data of an event; null if it is none of the EVM's. */
export function logFrom(entries: readonly unknown[]): Omit<Log, "address"> | null {
  const topics: (Uint8Array | undefined)[] = [];
  let data: Uint8Array | null = null;
  for (const entry of entries) {
    const [, key, codec, value] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (codec !== RAW || !(value instanceof Uint8Array)) return null;
    const place = TOPIC_KEYS.indexOf(key as string);
    if (place >= 0) {
      if (value.length !== 32 || topics[place] !== undefined) return null;
      topics[place] = value;
    } else if (key === "d" && data === null) data = value;
    else return null;
  }
  for (let i = 0; i < topics.length; i++) if (topics[i] === undefined) return null;
  return { topics: topics as Uint8Array[], data: data ?? new Uint8Array(0) };
}

/** The Ethereum address of an actor: its delegated one, or what stands for its id. */
export async function ethereumOf(view: StateView, address: Address): Promise<Uint8Array> {
  if (address.ethereum !== null && address.actorId === null) return address.ethereum;
  const id = await view.lookupId(address);
  // Of an actor that is not there: lotus' address for messages whose receiver never came to be.
  if (id === null) return NOBODY;
  const delegated = (await view.actor(id))?.delegated?.ethereum ?? null;
  return delegated ?? (id.ethereum as Uint8Array);
}

/** 0xff, zeros, then eight times 0xff. */
const NOBODY = Uint8Array.from({ length: 20 }, (_, i) => (i === 0 || i >= 12 ? 0xff : 0));

/** The three bits of an address or a topic: byte and mask. */
function bitsOf(item: Uint8Array): readonly (readonly [at: number, mask: number])[] {
  const digest = keccak_256(item);
  return [0, 2, 4].map((i) => {
    const bit = (((digest[i] as number) << 8) | (digest[i + 1] as number)) % (8 * BLOOM_BYTES);
    return [BLOOM_BYTES - 1 - (bit >> 3), 1 << (bit & 7)] as const;
  });
}

/** 2048 bits, three set for each address and topic. */
export function bloomOf(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const { address, topics } of logs)
    for (const item of [address, ...topics])
      for (const [at, mask] of bitsOf(item)) bloom[at] = (bloom[at] as number) | mask;
  return bloom;
}

/** A bloom's question: for each list one of its items must be there. */
export type BloomWish = readonly (readonly (readonly [at: number, mask: number])[])[][];

export function bloomWish({ addresses, topics }: LogWish): BloomWish {
  return [addresses, ...topics].flatMap((items) => (items === null ? [] : [items.map(bitsOf)]));
}

/** Whether logs with such a bloom may hold what is wished. */
export function mayHave(bloom: Uint8Array, wish: BloomWish): boolean {
  return wish.every((items) => items.some((bits) => bits.every(([at, mask]) => ((bloom[at] as number) & mask) !== 0)));
}

/** Addresses (any of them), and for each place of a topic those that may stand there, null for any. */
export type LogWish = {
  readonly addresses: readonly Uint8Array[] | null;
  readonly topics: readonly (readonly Uint8Array[] | null)[];
};

export function isWished({ addresses, topics }: LogWish, log: Log): boolean {
  if (addresses !== null && !addresses.some((one) => equal(one, log.address))) return false;
  return topics.every((wanted, i) => {
    const topic = log.topics[i];
    return wanted === null || (topic !== undefined && wanted.some((one) => equal(one, topic)));
  });
}

export const hex = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;
