/** Room in a full pool: last messages of senders give way to one of another sender that pays more. */
import type { Address } from "../types/address.ts";
import type { PoolEntry, SenderQueue } from "./sender-queue.ts";

/** A sender's last message. */
export type Tail = { readonly queue: SenderQueue; readonly entry: PoolEntry };

/** What a message lacks: places, and bytes; room where neither is more than 0. */
export type Lack = { readonly count: number; readonly bytes: number };

export function isLacking({ count, bytes }: Lack): boolean {
  return count > 0 || bytes > 0;
}

/** Last messages of all senders but one that have a premium (attoFIL per gas) below `premium`, in no order. */
export function cheaperTails(queues: Iterable<SenderQueue>, sender: Address, premium: bigint): Tail[] {
  const tails: Tail[] = [];
  for (const queue of queues) {
    const entry = queue.inOrder().at(-1);
    if (entry === undefined || entry.signed.message.gasPremium >= premium || queue.sender.equals(sender)) continue;
    tails.push({ queue, entry });
  }
  return tails;
}

/** Whether all of them together make the room. */
export function wouldMakeRoom(tails: readonly Tail[], lack: Lack): boolean {
  return lack.count <= tails.length && lack.bytes <= tails.reduce((sum, { entry }) => sum + entry.bytes, 0);
}

/** The cheapest of them that make the room. */
export function cheapestFor(tails: readonly Tail[], { count, bytes }: Lack): Tail[] {
  const premium = ({ entry }: Tail): bigint => entry.signed.message.gasPremium;
  const sorted = [...tails].sort((a, b) => (premium(a) < premium(b) ? -1 : Number(premium(a) > premium(b))));
  let taken = 0;
  for (let left = bytes; taken < sorted.length && (taken < count || left > 0); taken++)
    left -= (sorted[taken] as Tail).entry.bytes;
  return sorted.slice(0, taken);
}
