/**
 * Checks of the messages that a block carries, in the reference's order: the aggregate of the BLS signatures, then
 * message by message its form, the sum of gas, the sender, the nonce and, for the second list, type and signature.
 * Source: lotus chain/consensus/common.go (checkBlockMessages), chain/types/message.go (ValidForBlockInclusion).
 */

import { isFilError } from "../base/errors.ts";
import { actorOfCode } from "../params/actor-codes.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { addressProtocols, chainRule, signatureTypes } from "../schema/versions/chain-rules.ts";
import type { ActorEntry, StateView } from "../state/state-view.ts";
import { Address, type NetworkPrefix } from "../types/address.ts";
import type { CID } from "../types/cid.ts";
import {
  chainLength,
  type Message,
  messageCid,
  messageLength,
  SIGNATURE_TYPE,
  type SignedMessage,
} from "../types/message.ts";
import { blockError } from "./errors.ts";
import type { IncomingBlock } from "./header-checks.ts";

export type BlockMessages = { readonly bls: readonly Message[]; readonly secp: readonly SignedMessage[] };

/** What the messages of one block are held against. */
export type MessageContext = {
  readonly networkVersion: number;
  /** State after the parent tipset. */
  readonly view: StateView;
  /** Gas for a message of this many bytes on chain. */
  readonly inclusionGas: (bytes: number) => bigint;
};

/** Verifiers of signatures over message CIDs. */
export type MessageVerifiers = {
  readonly aggregate: (
    messages: readonly { readonly publicKey: Uint8Array; readonly message: Uint8Array }[],
    signature: Uint8Array,
  ) => Promise<boolean> | boolean;
  readonly signed: (signed: SignedMessage, key: Address) => Promise<boolean> | boolean;
};

const BLS_PROTOCOL = 3;
const AGGREGATE_BYTES = 96;
/** The BLS address of the point at infinity. */
const ZERO_BLS = Address.fromBytes(Uint8Array.from({ length: 49 }, (_, i) => (i === 0 ? 3 : i === 1 ? 0xc0 : 0)));

/** What is wrong with a message's form, or null; `prefix`: of addresses in the text. The order is the reference's. */
export function syntaxFault(
  m: Message,
  networkVersion: number,
  inclusionGas: bigint,
  prefix: NetworkPrefix,
): string | null {
  const protocols = addressProtocols(networkVersion);
  if (chainRule("refusesZeroReceiver", networkVersion) && m.to.equals(ZERO_BLS))
    return "it goes to the zero BLS address";
  if (!protocols.includes(m.to.protocol)) return `receiver ${m.to.toString(prefix)} is of protocol ${m.to.protocol}`;
  if (!protocols.includes(m.from.protocol))
    return `sender ${m.from.toString(prefix)} is of protocol ${m.from.protocol}`;
  if (m.value < 0n) return "its value is negative";
  if (m.value > CHAIN_LIMITS.totalFilecoin) return "its value is more than all there is";
  if (m.gasFeeCap < 0n) return "its fee cap is negative";
  if (m.gasPremium < 0n) return "its premium is negative";
  if (m.gasPremium > m.gasFeeCap) return "its premium is above its fee cap";
  if (m.gasLimit > CHAIN_LIMITS.blockGasLimit) return "its gas limit is above a block's";
  if (m.gasLimit <= 0n) return "its gas limit is not above 0";
  if (m.gasLimit < inclusionGas) return `its gas limit ${m.gasLimit} is below the ${inclusionGas} of being on chain`;
  return null;
}

/** Throws `BlockError` if a block may not carry these messages. */
export async function checkMessages(
  block: IncomingBlock,
  messages: BlockMessages,
  context: MessageContext,
  verifiers: MessageVerifiers,
): Promise<void> {
  await checkAggregate(block, messages.bls, context.view, verifiers);
  const run = new MessageRun(block, context);
  for (const message of messages.bls) await run.next(message, messageLength(message));
  for (const signed of messages.secp) {
    checkSignatureType(block.cid, signed, context.networkVersion);
    await run.next(signed.message, chainLength(signed));
    const key = await keyOf(block, context.view, signed.message.from);
    if (!(await verifiers.signed(signed, key))) {
      const why = `message ${messageCid(signed.message)} is not signed by ${key.toString(block.prefix)}`;
      throw blockError("MESSAGE_SIGNATURE", block.cid, why);
    }
  }
}

async function checkAggregate(
  block: IncomingBlock,
  messages: readonly Message[],
  view: StateView,
  verifiers: MessageVerifiers,
): Promise<void> {
  // Whatever stands there: with no messages, nothing is looked at.
  if (messages.length === 0) return;
  const { header, cid, prefix } = block;
  const list = [];
  for (const message of messages) {
    const key = await keyOf(block, view, message.from);
    if (key.protocol !== BLS_PROTOCOL)
      throw blockError("SENDER", cid, `sender ${message.from.toString(prefix)} has no BLS key`);
    list.push({ publicKey: key.payload, message: messageCid(message).bytes });
  }
  const { type, data } = header.blsAggregate;
  const isRight =
    type === SIGNATURE_TYPE.bls && data.length === AGGREGATE_BYTES && (await verifiers.aggregate(list, data));
  if (!isRight) throw blockError("BLS_AGGREGATE", cid, "the aggregate is not the BLS messages' signatures");
}

async function keyOf({ cid, prefix }: IncomingBlock, view: StateView, address: Address): Promise<Address> {
  try {
    return await view.accountKey(address);
  } catch (cause) {
    if (!isFilError(cause)) throw cause;
    throw blockError("SENDER", cid, `sender ${address.toString(prefix)} has no key: ${cause.message}`, { cause });
  }
}

function checkSignatureType(cid: CID, { signature, message }: SignedMessage, networkVersion: number): void {
  if (!chainRule("checksSignatureTypes", networkVersion)) return;
  const isAllowed = signature.type !== SIGNATURE_TYPE.bls && signatureTypes(networkVersion).includes(signature.type);
  if (!isAllowed)
    throw blockError("SIGNATURE_TYPE", cid, `message ${messageCid(message)} has a signature of type ${signature.type}`);
}

/** Source: lotus chain/consensus/common.go (IsValidForSending). */
function maySend({ code, nonce, delegated }: ActorEntry, networkVersion: number): boolean {
  const name = actorOfCode(code)?.name;
  if (name === "account") return true;
  if (!chainRule("ethAccountsSend", networkVersion)) return false;
  return name === "ethaccount" || (name === "placeholder" && nonce === 0n && (delegated?.ethereum ?? null) !== null);
}

/** The messages of a block one after another: gas adds up, nonces follow each other for each sender. */
class MessageRun {
  private readonly cid: CID;
  private readonly prefix: NetworkPrefix;
  private readonly context: MessageContext;
  private readonly nonces = new Map<string, bigint>();
  private gas = 0n;

  constructor({ cid, prefix }: IncomingBlock, context: MessageContext) {
    this.cid = cid;
    this.prefix = prefix;
    this.context = context;
  }

  async next(m: Message, bytes: number): Promise<void> {
    const { networkVersion, inclusionGas } = this.context;
    const fault = syntaxFault(m, networkVersion, inclusionGas(bytes), this.prefix);
    if (fault !== null) throw blockError("MESSAGE_SYNTAX", this.cid, `message ${messageCid(m)}: ${fault}`);
    this.gas += m.gasLimit;
    if (this.gas > CHAIN_LIMITS.blockGasLimit)
      throw blockError("GAS_LIMIT_SUM", this.cid, `the messages ask for more than ${CHAIN_LIMITS.blockGasLimit} gas`);
    const sender = await this.senderOf(m.from);
    const expected = this.nonces.get(sender.key) ?? (await this.firstNonce(sender, m));
    if (m.nonce !== expected)
      throw blockError("NONCE", this.cid, `message ${messageCid(m)} has nonce ${m.nonce}, ${expected} is next`);
    this.nonces.set(sender.key, expected + 1n);
  }

  /** Whose nonces count together: before version 13, each way of writing an address on its own. */
  private async senderOf(from: Address): Promise<Address> {
    const { networkVersion, view } = this.context;
    if (!chainRule("resolvesSenderIds", networkVersion)) return from;
    const id = await view.lookupId(from);
    if (id === null) throw blockError("SENDER", this.cid, `sender ${from.toString(this.prefix)} does not exist`);
    return id;
  }

  private async firstNonce(sender: Address, { from }: Message): Promise<bigint> {
    const actor = await this.context.view.actor(sender);
    if (actor === null) throw blockError("SENDER", this.cid, `sender ${from.toString(this.prefix)} does not exist`);
    if (!maySend(actor, this.context.networkVersion))
      throw blockError("SENDER", this.cid, `sender ${from.toString(this.prefix)} is no account`);
    return actor.nonce;
  }
}
