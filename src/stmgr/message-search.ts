/**
 * Finding out what became of a message: by its sender and nonce in the index, on the chain below any tipset.
 *
 * A message is found once it was executed: that is, in the tipset whose parent carries it, since only there the receipt
 * stands. Another message of the same sender and nonce that differs in nothing but gas replaces it; one that differs in
 * more is an error. Source: lotus chain/stmgr/searchwait.go at b835fab702eb (as with its index switched off, the default).
 */

import { equal } from "../base/bytes.ts";
import type { Chain } from "../chain/chain.ts";
import { ChainError } from "../chain/errors.ts";
import type { CarriedMessage } from "../chain/message-store.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Message, MessageReceipt } from "../types/message.ts";
import { StateManagerError } from "./errors.ts";

export type SearchOptions = {
  /** Epochs below `from` that are looked at; -1 for all. */
  readonly lookback: number;
  /** Whether a message that replaced the wanted one is an answer. */
  readonly allowReplaced: boolean;
};

export type FoundMessage = {
  /** CID of the message that was executed: another than was asked for, if it was replaced. */
  readonly cid: CID;
  readonly message: Message;
  readonly receipt: MessageReceipt;
  /** The tipset that executed the message: the one on top of that which carries it. */
  readonly tipset: Tipset;
};

/** All of a chain. */
export const NO_LIMIT = -1;

export class MessageSearch {
  private readonly chain: Chain;
  private readonly execute: (tipset: Tipset) => Promise<unknown>;

  /** `execute` executes a tipset whose receipts are not here, as after taking in a snapshot, and keeps them. */
  constructor(chain: Chain, execute: (tipset: Tipset) => Promise<unknown> = async () => undefined) {
    this.chain = chain;
    this.execute = execute;
  }

  /** A message that this node knows; throws `StateManagerError` MESSAGE_UNKNOWN. */
  async known(cid: CID): Promise<Message> {
    try {
      return (await this.chain.message(cid)).message;
    } catch (error) {
      if (!(error instanceof ChainError && error.code === "UNKNOWN_MESSAGE")) throw error;
      throw new StateManagerError(
        { code: "MESSAGE_UNKNOWN", cid: `${cid}` },
        `failed to load message: ${cid} not found`,
      );
    }
  }

  /**
   * What became of a message on the chain that ends with `from`; null if it was not executed there within `lookback`.
   * Throws `StateManagerError` MESSAGE_REPLACED for another message in its place, and without `message`, the message of
   * that CID, MESSAGE_UNKNOWN.
   */
  async find(
    from: Tipset,
    cid: CID,
    { lookback, allowReplaced }: SearchOptions,
    message?: Message,
  ): Promise<FoundMessage | null> {
    const wanted = message ?? (await this.known(cid));
    const carrier = await this.carrier(wanted, from);
    if (carrier === null) return null;
    const tipset = await this.chain.tipsetAtOrAfter(carrier.height + 1, from);
    const near = tipset.height === from.height || lookback === NO_LIMIT || tipset.height > from.height - lookback;
    return near ? this.executedIn(tipset, carrier, cid, wanted, allowReplaced) : null;
  }

  /** The tipset below `from` that carries the first message of this sender and nonce. */
  private async carrier(wanted: Message, from: Tipset): Promise<Tipset | null> {
    let first: Tipset | null = null;
    let at: Tipset | null = from;
    for (; at !== null && !(await this.chain.isCanonical(at)); at = await this.chain.parent(at))
      if (at !== from && (await this.carries(at, wanted))) first = at;
    const canonical = at === null ? null : await this.chain.locate(wanted);
    // A carrier at `from` itself was not executed yet.
    if (canonical === null || at === null || canonical.height > at.height) return first;
    return canonical.height < from.height ? canonical : first;
  }

  private async carries(tipset: Tipset, wanted: Message): Promise<boolean> {
    return (await this.chain.tipsetMessages(tipset)).some(({ message }) => isRival(message, wanted));
  }

  /** The message as `tipset` executed it, if its parent `carrier` carries it or one in its place. */
  async executedIn(
    tipset: Tipset,
    carrier: Tipset,
    cid: CID,
    wanted: Message,
    allowReplaced: boolean,
  ): Promise<FoundMessage | null> {
    const carried = await this.chain.tipsetMessages(carrier);
    const index = carried.findIndex(({ message }) => isRival(message, wanted));
    const found = carried[index];
    if (found === undefined) return null;
    checkReplacement(cid, wanted, found, allowReplaced);
    const { parentMessageReceipts } = tipset.blocks[0] as BlockHeader;
    if (!(await this.chain.blocks.has(parentMessageReceipts.bytes))) await this.execute(carrier);
    const receipt = await this.chain.receiptAt(parentMessageReceipts, index);
    return { cid: found.cid, message: found.message, receipt, tipset };
  }
}

/** Whether two messages have the same sender, as it is spelt, and the same nonce. */
export function isRival(a: Message, b: Message): boolean {
  return a.nonce === b.nonce && a.from.equals(b.from);
}

function checkReplacement(cid: CID, wanted: Message, found: CarriedMessage, allowReplaced: boolean): void {
  if (found.cid.equals(cid) || (sameCall(wanted, found.message) && allowReplaced)) return;
  const what = sameCall(wanted, found.message) ? "" : " that is NOT a valid replacement message";
  throw new StateManagerError(
    { code: "MESSAGE_REPLACED", wanted: `${cid}`, found: `${found.cid}` },
    `message was replaced: found message ${found.cid} with equal nonce as the one we are looking for${what}`,
  );
}

/** Whether messages differ in nothing but gas. */
export function sameCall(a: Message, b: Message): boolean {
  return (
    a.to.equals(b.to) &&
    a.from.equals(b.from) &&
    a.nonce === b.nonce &&
    a.value === b.value &&
    a.method === b.method &&
    equal(a.params, b.params)
  );
}
