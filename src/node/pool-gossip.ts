/**
 * The message pool and the network's messages topic: what peers pass on enters the pool, or not, with a verdict; what this
 * node's own user sends goes out at once and, while it waits, again from time to time.
 * Sources: lotus chain/sub/incoming.go (MessageValidator), chain/messagepool/repub.go.
 */

import type { MessagePool } from "../mpool/pool.ts";
import { PoolError, type PoolErrorData } from "../mpool/rules.ts";
import type { Verdict } from "../network/gossip.ts";
import type { SignedMessage } from "../types/message.ts";

/** What gossip is to do with a message that the pool refuses: `reject` where whoever sent it could have known. */
export const MESSAGE_VERDICTS = {
  TOO_LARGE: "reject",
  BAD_FIELD: "reject",
  BAD_ADDRESS: "reject",
  BAD_SIGNATURE: "reject",
  GAS_LIMIT: "reject",
  FEE_TOO_LOW: "ignore",
  FEE_BELOW_BASE_FEE: "ignore",
  NONCE_TOO_LOW: "ignore",
  NONCE_GAP: "ignore",
  REPLACE_FEE_TOO_LOW: "ignore",
  ALREADY_PENDING: "ignore",
  TOO_MANY_PENDING: "ignore",
  POOL_FULL: "ignore",
  INSUFFICIENT_FUNDS: "ignore",
  UNKNOWN_SENDER: "ignore",
  NOT_KEPT: "ignore",
  BAD_CONFIG: "ignore",
} as const satisfies Readonly<Record<PoolErrorData["code"], Verdict>>;

/** Messages of one round of sending again. Source: lotus chain/messagepool/repub.go (repubMsgLimit). */
const REPUBLISHED = 30;
/** Messages that are being handed to peers; beyond, they go out with the next round. */
const MAX_PUBLISHING = 256;

export type PoolGossipParts = {
  readonly pool: MessagePool;
  readonly publish: (signed: SignedMessage) => Promise<unknown>;
  readonly onFault: (where: string, error: unknown) => void;
};

export class PoolGossip {
  private readonly parts: PoolGossipParts;
  private readonly stopListening: () => void;
  private publishing = 0;
  /** Where the next round begins among this node's own messages. */
  private next = 0;

  constructor(parts: PoolGossipParts) {
    this.parts = parts;
    this.stopListening = parts.pool.onChange(({ kind, signed, isLocal }) => {
      if (kind === "add" && isLocal) void this.publish(signed);
    });
  }

  /** Takes a message of a peer; throws for a fault of this node only. */
  async received(signed: SignedMessage): Promise<Verdict> {
    try {
      await this.parts.pool.push(signed, "network");
      return "accept";
    } catch (error) {
      if (error instanceof PoolError) return MESSAGE_VERDICTS[error.data.code];
      throw error;
    }
  }

  /** Sends messages of this node's own user again: some each time, all in turn. */
  async republish(): Promise<void> {
    const all = this.parts.pool.localMessages();
    const count = Math.min(REPUBLISHED, all.length);
    for (let i = 0; i < count; i++) await this.publish(all[(this.next + i) % all.length] as SignedMessage);
    this.next = all.length === 0 ? 0 : (this.next + count) % all.length;
  }

  close(): void {
    this.stopListening();
  }

  private async publish(signed: SignedMessage): Promise<void> {
    if (this.publishing >= MAX_PUBLISHING) return;
    this.publishing++;
    try {
      await this.parts.publish(signed);
    } catch (error) {
      this.parts.onFault("messages", error);
    } finally {
      this.publishing--;
    }
  }
}
