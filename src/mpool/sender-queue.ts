/** The waiting messages of one sender, by nonce. Source of the rules: lotus chain/messagepool/messagepool.go (msgSet). */
import type { Address, NetworkPrefix } from "../types/address.ts";
import { type CidKey, cidKey } from "../types/cid.ts";
import { type SignedMessage, signedLength, signedMessageCid } from "../types/message.ts";
import { POOL_LIMITS, refuse, replacementPremium, requiredFunds } from "./rules.ts";

/** Where a message comes from: this node's own user, a stranger who uses this node, or another node. */
export type Origin = "local" | "untrusted" | "network";

/**
 * How a message enters: from somebody; under the nonce that was chosen for it, which must be free still ("next"); from
 * the disk at the start; or from a block that was reverted.
 */
export type Way = Origin | "next" | "loaded" | "returned";

export type PoolEntry = {
  readonly signed: SignedMessage;
  readonly key: CidKey;
  /** Length of the encoded signed message. */
  readonly bytes: number;
  readonly isLocal: boolean;
};

export function poolEntry(signed: SignedMessage, isLocal: boolean): PoolEntry {
  return { signed, key: cidKey(signedMessageCid(signed)), bytes: signedLength(signed), isLocal };
}

export class SenderQueue {
  /** Key address. */
  readonly sender: Address;
  private text: string | null = null;
  private readonly entries = new Map<bigint, PoolEntry>();
  private sorted: readonly PoolEntry[] | null = null;
  private next: bigint;
  private funds = 0n;

  /** `nonce`: the one that the sender's next message carries by the state. */
  constructor(sender: Address, nonce: bigint) {
    this.sender = sender;
    this.next = nonce;
  }

  /** The key address as text. */
  get name(): string {
    this.text ??= this.sender.toString();
    return this.text;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The nonce after those that follow each other without a gap. */
  get nextNonce(): bigint {
    return this.next;
  }

  get(nonce: bigint): PoolEntry | undefined {
    return this.entries.get(nonce);
  }

  /** By nonce. */
  inOrder(): readonly PoolEntry[] {
    this.sorted ??= [...this.entries.values()].sort((a, b) => (nonceOf(a) < nonceOf(b) ? -1 : 1));
    return this.sorted;
  }

  /** attoFIL that the gas of all messages but the one of `nonce` may cost. */
  fundsWithout(nonce: bigint): bigint {
    const entry = this.entries.get(nonce);
    return entry === undefined ? this.funds : this.funds - requiredFunds(entry.signed.message);
  }

  /** Throws `PoolError` if the message may not join; otherwise gives the one that it replaces, if any. */
  check({ signed, key }: PoolEntry, way: Way, prefix: NetworkPrefix): PoolEntry | undefined {
    const { nonce, gasPremium } = signed.message;
    const strict = way === "network";
    const gap = way === "untrusted" ? 0n : POOL_LIMITS.nonceGap;
    const limit = way === "untrusted" ? POOL_LIMITS.pendingPerUntrusted : POOL_LIMITS.pendingPerSender;
    if ((strict || way === "untrusted") && nonce > this.next + gap)
      refuse("NONCE_GAP", `nonce ${nonce} is too far ahead; the next one is ${this.next}`);
    const old = this.entries.get(nonce);
    if (old === undefined) {
      if (this.entries.size >= limit)
        refuse(
          "TOO_MANY_PENDING",
          `too many pending messages: ${this.sender.toString(prefix)} has ${this.entries.size} waiting`,
        );
      return undefined;
    }
    if (way === "next") refuse("NONCE_TOO_LOW", `nonce ${nonce} is taken; the next one is ${this.next}`);
    if (old.key === key) refuse("ALREADY_PENDING", "the message waits already");
    if (strict && nonce > this.next)
      refuse("NONCE_GAP", `a message behind a gap is not replaced; the next nonce is ${this.next}`);
    const least = replacementPremium(old.signed.message.gasPremium);
    if (gasPremium < least)
      refuse(
        "REPLACE_FEE_TOO_LOW",
        `message from ${signed.message.from.toString(prefix)} with nonce ${nonce} already in mpool, increase GasPremium to ${least} from ` +
          `${gasPremium} to trigger replace by fee`,
      );
    return old;
  }

  /** Puts a message in, in place of one of the same nonce. */
  set(entry: PoolEntry): void {
    const nonce = nonceOf(entry);
    this.funds = this.fundsWithout(nonce) + requiredFunds(entry.signed.message);
    this.entries.set(nonce, entry);
    this.sorted = null;
    this.advance();
  }

  /** Takes a message out. `applied`: a block has it, or another one of this nonce. */
  delete(nonce: bigint, applied: boolean): PoolEntry | undefined {
    const entry = this.entries.get(nonce);
    if (entry !== undefined) {
      this.funds = this.fundsWithout(nonce);
      this.entries.delete(nonce);
      this.sorted = null;
    }
    if (applied && nonce >= this.next) this.next = nonce + 1n;
    if (!applied && entry !== undefined && nonce < this.next) this.next = nonce;
    this.advance();
    return entry;
  }

  /** The state has come to another nonce. */
  rebase(nonce: bigint): void {
    this.next = nonce;
    this.advance();
  }

  private advance(): void {
    while (this.entries.has(this.next)) this.next++;
  }
}

function nonceOf(entry: PoolEntry): bigint {
  return entry.signed.message.nonce;
}
