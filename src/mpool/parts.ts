/** What the pool asks of the node around it, and what it tells. */
import type { Address, NetworkPrefix } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Message, SignedMessage } from "../types/message.ts";
import type { PoolStore } from "./kept-messages.ts";

/** What the pool asks about a sender: its next nonce and its balance in the state of the head; null if unknown. */
export type SenderState = { readonly nonce: bigint; readonly balance: bigint };

export type PoolParts = {
  /** Of addresses in what people read. */
  readonly prefix: NetworkPrefix;
  /** Key address behind an ID address or another that is none; null if there is none. */
  readonly resolveKey: (address: Address) => Promise<Address | null>;
  readonly senderState: (address: Address) => Promise<SenderState | null>;
  readonly verify: (signed: SignedMessage, signer: Address) => boolean;
  /** Gas for storing a message on chain. */
  readonly minGas: (signed: SignedMessage) => bigint;
  /** Network version of the block that comes next. */
  readonly networkVersion: () => number;
  /** Base fee of the block that comes next, attoFIL per gas. */
  readonly baseFee: () => Promise<bigint>;
  /** Messages of a tipset, and those of them that can be sent again. */
  readonly carried: (tipset: Tipset) => Promise<readonly Message[]>;
  readonly signedOf: (tipset: Tipset) => Promise<readonly SignedMessage[]>;
  /** The world as seen from another tipset than the head; null for the head. */
  readonly seenFrom: (tipset: Tipset) => Promise<OtherBase | null>;
  /** Where messages of this node's own user, and the configuration, outlive the process; null keeps none. */
  readonly kept: KeptMessages | null;
};

/** A tipset to build on that is not the head: the states there, and the messages that tipsets up to the head carry. */
export type OtherBase = {
  readonly senderState: (address: Address) => Promise<SenderState | null>;
  readonly carried: readonly SignedMessage[];
};

export type KeptMessages = Pick<PoolStore, "add" | "remember" | "remove" | "all" | "config" | "setConfig">;

export type PoolChange = {
  readonly kind: "add" | "remove";
  readonly signed: SignedMessage;
  /** Whether it is of this node's own user, or of a block that was reverted. */
  readonly isLocal: boolean;
};
/** Something that people should know of a message: that it was dropped, that it waits for what may not come. */
export type PoolNote = {
  readonly kind: "dropped" | "waits" | "unreadable";
  /** CID of the signed form. */
  readonly cid: CID;
  /** Null for one that was kept and cannot be read. */
  readonly message: Message | null;
  readonly reason: string;
};
/** How the head moved: what the pool needs of it. */
export type PoolHeadChange = { readonly type: "current" | "apply" | "revert"; readonly tipset: Tipset };
