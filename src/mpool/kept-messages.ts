/**
 * What the pool keeps in the node's store: messages of the node's own user under "mpool/local/<CID>", whole, and its
 * configuration under "mpool/config".
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { CID } from "../types/cid.ts";
import { decodeSignedMessage, encodeSignedMessage, type SignedMessage } from "../types/message.ts";
import { checkPoolConfig, type PoolConfig } from "./config.ts";

const LOCAL = "mpool/local/";
const CONFIG = "mpool/config";

export class PoolStore {
  private readonly store: BlockStore;

  constructor(store: BlockStore) {
    this.store = store;
  }

  /** Resolves when a killed process would find the message again. */
  add(cid: CID, signed: SignedMessage): Promise<void> {
    return this.store.write({ metadata: [[LOCAL + cid.toString(), encodeSignedMessage(signed)]] });
  }

  remove(cids: readonly CID[]): Promise<void> {
    return this.store.write({ metadata: cids.map((cid) => [LOCAL + cid.toString(), null] as const) });
  }

  /** All that were kept; `onBad` hears of those that cannot be read. */
  async all(onBad: (cid: CID, error: unknown) => void = () => undefined): Promise<SignedMessage[]> {
    const out: SignedMessage[] = [];
    for (const [name, bytes] of await this.store.metadataWith(LOCAL)) {
      try {
        out.push(decodeSignedMessage(bytes));
      } catch (error) {
        onBad(CID.parse(name.slice(LOCAL.length)), error);
      }
    }
    return out;
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
