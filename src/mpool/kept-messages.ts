/**
 * What the pool keeps in the node's store: which messages are those of the node's own user, by an empty fact
 * "mpool/local/<CID>" beside the message itself, and its configuration under "mpool/config".
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import type { Batch, BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { type CID, parseCid } from "../types/cid.ts";
import { type SignedMessage, signedMessageCid } from "../types/message.ts";
import { checkPoolConfig, type PoolConfig } from "./config.ts";

const LOCAL = "mpool/local/";
const CONFIG = "mpool/config";

/** Where signed messages lie, by their CIDs: the chain. */
export type MessageShelf = {
  /** Stores messages, and facts with them in one write. */
  remember(messages: readonly SignedMessage[], facts?: Batch["metadata"]): Promise<void>;
  /** A message as it was sent; throws if it is not there. */
  signedMessage(cid: CID): Promise<SignedMessage>;
};

/** Messages that were kept; of those that cannot be read, why. */
export type FoundMessages = {
  readonly messages: readonly SignedMessage[];
  readonly unreadable: readonly { readonly cid: CID; readonly reason: string }[];
};

export class PoolStore {
  private readonly store: BlockStore;
  private readonly shelf: MessageShelf;

  constructor(store: BlockStore, shelf: MessageShelf) {
    this.store = store;
    this.shelf = shelf;
  }

  /** Resolves when a killed process would find the message again. */
  add(signed: SignedMessage): Promise<void> {
    return this.shelf.remember([signed], [[LOCAL + signedMessageCid(signed), new Uint8Array(0)]]);
  }

  /** Stores a message of somebody else: it stays known by its CID, and does not wait again after a restart. */
  remember(signed: SignedMessage): Promise<void> {
    return this.shelf.remember([signed]);
  }

  remove(cids: readonly CID[]): Promise<void> {
    return this.store.write({ metadata: cids.map((cid) => [LOCAL + cid, null] as const) });
  }

  async all(): Promise<FoundMessages> {
    const messages: SignedMessage[] = [];
    const unreadable: { cid: CID; reason: string }[] = [];
    for (const [name] of await this.store.metadataWith(LOCAL)) {
      const cid = parseCid(name.slice(LOCAL.length));
      try {
        messages.push(await this.shelf.signedMessage(cid));
      } catch (error) {
        unreadable.push({ cid, reason: describeError(error) });
      }
    }
    return { messages, unreadable };
  }

  /** The configuration that was set, or null. */
  async config(): Promise<PoolConfig | null> {
    const bytes = await this.store.metadata(CONFIG);
    if (bytes === undefined) return null;
    const json = JSON.parse(fromUtf8(bytes)) as Omit<PoolConfig, "priorityAddresses"> & { priorityAddresses: string[] };
    const config = { ...json, priorityAddresses: json.priorityAddresses.map((text) => Address.parse(text)) };
    checkPoolConfig(config);
    return config;
  }

  setConfig(config: PoolConfig): Promise<void> {
    const priorityAddresses = config.priorityAddresses.map(String);
    return this.store.write(
      { metadata: [[CONFIG, utf8(JSON.stringify({ ...config, priorityAddresses }))]] },
      { sync: true },
    );
  }
}
