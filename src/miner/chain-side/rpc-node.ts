/** A node that is asked over JSON-RPC, by a miner that is a process of its own. */
import type { KeyCrypto, KeyInfo } from "../../keys/keys.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import type { HeadView } from "./chain.ts";

/** Calls a method of the node by its whole name; throws `refusal` for the node's own "no", anything else if none was reached. */
export type RpcRequest = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

export type RpcChainOptions = {
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  readonly request: RpcRequest;
  /** Whether an error is the node's own "no": it was reached, and it did not do what it was asked for. */
  readonly isRefusal: (error: unknown) => boolean;
  /** Milliseconds from one question for the head to the next. */
  readonly pollMs: number;
  /** Keys that this process has; of all others the node's wallet signs. */
  readonly keys?: { readonly crypto: KeyCrypto; readonly of: (key: Address) => KeyInfo | null };
  /** Hears of failures to reach the node, once for each time that it went away. */
  readonly onLost?: (error: unknown) => void;
};

export type Link = { readonly "/": string };
export type TipsetJson = { readonly Cids: readonly Link[]; readonly Height: number };

/** Questions to the node in the spelling of its network. */
export class RpcNode {
  readonly options: RpcChainOptions;

  constructor(options: RpcChainOptions) {
    this.options = options;
  }

  /** The miner's address. */
  get name(): string {
    return this.text(this.options.miner);
  }

  text(address: Address): string {
    return address.toString(this.options.prefix);
  }

  ask(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.options.request(`Filecoin.${method}`, ...params);
  }
}

export const cidOf = (link: Link): CID => parseCid(link["/"]);

export function keyOf(at: HeadView | undefined): readonly Link[] | null {
  return at === undefined ? null : at.key.map((cid) => ({ "/": cid.toString() }));
}
