/** What payment channels ask of a node: the chain's view of a channel, keys, and messages. */
import * as dagCbor from "@ipld/dag-cbor";
import { toBase64 } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { type KeyCrypto, signBytes, signMessage, verifyBytes } from "../../keys/keys.ts";
import type { Keystore } from "../../keys/keystore.ts";
import type { MessagePool } from "../../mpool/pool.ts";
import { actorCodes } from "../../params/actor-codes.ts";
import { ObjectReader } from "../../state/actor-reader.ts";
import { describeCode, encodeMethodParams } from "../../state/state-view.ts";
import type { GasEstimator } from "../../stmgr/gas-estimator.ts";
import { sameCall } from "../../stmgr/message-search.ts";
import type { StateManager } from "../../stmgr/state-manager.ts";
import { Address, type NetworkPrefix } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import type { Message, MessageReceipt, Signature, SignedMessage } from "../../types/message.ts";
import { INIT } from "../../types/singletons.ts";
import { type SignedVoucher, voucherToJson } from "../../types/voucher.ts";
import { PaychError } from "./errors.ts";
import type { Lane, Ledger } from "./lanes.ts";

/** A channel as the chain has it now. */
export type ChannelView = {
  readonly id: Address;
  /** attoFIL */
  readonly balance: bigint;
  /** Key addresses. */
  readonly from: Address;
  readonly to: Address;
  readonly ledger: Ledger;
  /** Epoch from which it can be collected; 0 while open. */
  readonly settlingAt: number;
  /** Whether vouchers name it by its ID address (actors v0) or by any. */
  readonly namedById: boolean;
};

/** A message without nonce, gas and signature. */
export type Draft = Pick<Message, "from" | "to" | "value" | "method" | "params">;

/** All that the manager asks; tests give another one. */
export type ChainAccess = {
  /** Letter of addresses in texts. */
  readonly prefix: NetworkPrefix;
  /** Epoch of the head. */
  readonly epoch: number;
  /** The channel; null if nothing is at the address, or no channel. */
  channel(address: Address): Promise<ChannelView | null>;
  /** ID address; null for what the chain does not know. */
  idOf(address: Address): Promise<Address | null>;
  /** Key address of an account; the address itself for a key that the chain does not know. */
  keyOf(address: Address): Promise<Address>;
  hasKey(address: Address): boolean;
  sign(address: Address, bytes: Uint8Array): Signature;
  verify(signature: Signature, address: Address, bytes: Uint8Array): boolean;
  hash(bytes: Uint8Array): Uint8Array;
  /** Completes and signs a message, calls `keep` with it, and gives it to the pool. */
  send(draft: Draft, keep: (signed: SignedMessage) => Promise<void>): Promise<void>;
  /** Gives a message to the pool, unless one of its nonce waits there: that may be it with another fee, given by hand. A block may have it. */
  resend(signed: SignedMessage): Promise<void>;
  /** Resolves when a message was executed and is some epochs deep. */
  wait(cid: CID, signal: AbortSignal): Promise<MessageReceipt>;
  /** Exit code of a message that is tried. */
  tryOut(draft: Draft): Promise<number>;
  createDraft(from: Address, to: Address, value: bigint): Promise<Draft>;
  updateDraft(from: Address, channel: Address, voucher: SignedVoucher, open: Opening): Promise<Draft>;
};

/** What opens a voucher's conditions: a secret, and a proof for its extra call (actors v0). */
export type Opening = { readonly secret: Uint8Array; readonly proof: Uint8Array };

/** Epochs on top of a message before it counts. Source: lotus build/buildconstants (MessageConfidence). */
const CONFIDENCE = 5;
const EXEC = 2n;
const UPDATE = 2n;
const PAYCH = "paymentchannel";

export type NodeAccess = {
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly gas: GasEstimator;
  readonly keystore: Pick<Keystore, "has" | "get">;
  readonly crypto: KeyCrypto;
};

/** Whether a message waits in the pool, be it with a fee that somebody gave it by hand, and so under another CID. */
export function isPending(pool: Pick<MessagePool, "get" | "pendingOf">, cid: CID, message: Message | null): boolean {
  if (pool.get(cid.bytes) !== undefined) return true;
  return message !== null && pool.pendingOf(message.from).some((one) => sameCall(one.message, message));
}

export function chainAccess({ states, pool, gas, keystore, crypto }: NodeAccess): ChainAccess {
  const { chain, network } = states;
  const view = () => states.stateAfter(chain.head);
  const keyOf = async (address: Address): Promise<Address> => {
    const state = await view();
    return state.accountKey(address);
  };
  return {
    prefix: network.prefix,
    get epoch() {
      return chain.head.height;
    },
    async channel(address) {
      const state = await view();
      const entry = await state.actor(address);
      const described = entry === null ? null : describeCode(entry.code);
      if (entry === null || described?.actor.name !== PAYCH) return null;
      const reader = await ObjectReader.open(chain.blocks, entry, network.prefix);
      const lanes = new Map<bigint, Lane>();
      for await (const [id, lane] of reader.elements("LaneStates")) {
        const { Redeemed, Nonce } = lane as { Redeemed: string; Nonce: number | string };
        lanes.set(id, { redeemed: BigInt(Redeemed), nonce: BigInt(Nonce) });
      }
      const party = (name: string): Promise<Address> => state.accountKey(Address.parse(reader.field(name) as string));
      return {
        id: await state.requireId(address),
        balance: entry.balance,
        from: await party("From"),
        to: await party("To"),
        ledger: { owed: BigInt(reader.field("ToSend") as string), lanes },
        settlingAt: Number(reader.field("SettlingAt")),
        namedById: described.actorsVersion === 0,
      };
    },
    idOf: async (address) => (await view()).lookupId(address),
    keyOf,
    hasKey: (address) => keystore.has(address),
    sign: (address, bytes) => signBytes(crypto, keystore.get(address), bytes),
    verify: (signature, address, bytes) => verifyBytes(crypto, signature, address, bytes),
    hash: (bytes) => crypto.blake2b256(bytes),
    async send(draft, keep) {
      const key = await keyOf(draft.from);
      const secret = keystore.get(key);
      const bare = { ...draft, from: key, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
      const spec = { maxFee: 0n, maximizeFeeCap: false };
      await pool.pushNext(key, async (nonce) => {
        const signed = signMessage(crypto, secret, await gas.complete({ ...bare, nonce }, spec, chain.head));
        await keep(signed);
        return signed;
      });
    },
    async resend(signed) {
      const { from, nonce } = signed.message;
      if (pool.pendingOf(from).some(({ message }) => message.nonce === nonce)) return;
      await pool.push(signed).catch((error: unknown) => {
        // Of a nonce that is used, the search tells whether it was this message's.
        const codes = ["ALREADY_PENDING", "NONCE_TOO_LOW", "REPLACE_FEE_TOO_LOW"];
        if (!codes.some((code) => isFilError(error, code))) throw error;
      });
    },
    async wait(cid, signal) {
      const found = await states.wait(cid, { confidence: CONFIDENCE, lookback: -1, allowReplaced: true, signal });
      return found.receipt;
    },
    async tryOut(draft) {
      const message = { ...draft, nonce: 0n, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
      return (await states.call(message, chain.head)).receipt.exitCode;
    },
    async createDraft(from, to, value) {
      const version = states.networkVersionAt(chain.head.height + 1);
      const channelCode = actorCodes(network.bundles, version)?.get(PAYCH);
      if (channelCode === undefined)
        throw new PaychError(
          { code: "BAD_ARGUMENT" },
          `no code of payment channels is known at network version ${version}`,
        );
      const params = dagCbor.encode([channelCode, dagCbor.encode([from.bytes, to.bytes])]);
      return { from, to: INIT, value, method: EXEC, params };
    },
    async updateDraft(from, channel, voucher, { secret, proof }) {
      const entry = await (await view()).actor(channel);
      if (entry === null || describeCode(entry.code)?.actor.name !== PAYCH)
        throw new PaychError({ code: "NO_CHANNEL", channel: `${channel}` }, "the channel is not on the chain any more");
      const json = {
        Sv: voucherToJson(voucher, network.prefix, "SecretPreimage"),
        Secret: toBase64(secret),
        Proof: toBase64(proof),
      };
      const params = encodeMethodParams(entry.code, UPDATE, json, network.prefix);
      return { from, to: channel, value: 0n, method: UPDATE, params };
    },
  };
}
