/**
 * Messages of a miner that a node takes over JSON-RPC, signed by the node's wallet or by keys of this process. Between the choice of a
 * nonce and the push this process makes no other message of that sender; another user of the same key must not send with it.
 */
import { fromBase64 } from "../../base/bytes.ts";
import { KeyedTurns } from "../../base/turns.ts";
import { signMessage } from "../../keys/keys.ts";
import { sameCall } from "../../stmgr/message-search.ts";
import { Address } from "../../types/address.ts";
import { parseCid } from "../../types/cid.ts";
import {
  type Message,
  messageFromJson,
  messageToJson,
  type SignedMessage,
  signedMessageCid,
  signedMessageFromJson,
  signedMessageToJson,
} from "../../types/message.ts";
import type { FeeLimit, Outcome, Outgoing } from "./chain.ts";
import { MinerError, notSent } from "./errors.ts";
import { lookbackTo } from "./lookback.ts";
import { raisedFees } from "./raise.ts";
import type { Link, RpcNode, TipsetJson } from "./rpc-node.ts";

export class RpcMessages {
  private readonly node: RpcNode;
  /** Gas that a message to an address wants beyond its estimate. */
  private readonly roomFor: (to: Address) => Promise<bigint>;
  private readonly turns = new KeyedTurns();

  constructor(node: RpcNode, roomFor: (to: Address) => Promise<bigint>) {
    this.node = node;
    this.roomFor = roomFor;
  }

  async canSign(address: Address): Promise<boolean> {
    const key = await this.keyAddress(address);
    if (this.node.options.keys?.of(key)) return true;
    return (await this.node.ask("WalletHas", this.node.text(key))) as boolean;
  }

  send(
    { name, ...outgoing }: Outgoing,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage> {
    return this.alone(name, outgoing.from, async (from) => {
      const nonce = BigInt((await this.node.ask("MpoolGetNonce", this.node.text(from))) as number | string);
      const bare = { ...outgoing, from, nonce, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
      const spec = { MaxFee: limit.maxFee.toString() };
      // What is signed is what was meant: of the answer only the gas is taken, and only within the limit.
      const priced = async (message: Message): Promise<Message> => {
        const answer = await this.node.ask(
          "GasEstimateMessageGas",
          messageToJson(message, this.node.options.prefix),
          spec,
          null,
        );
        const { gasLimit, gasFeeCap, gasPremium } = messageFromJson(answer);
        return { ...message, gasLimit, gasFeeCap, gasPremium };
      };
      const room = await this.roomFor(outgoing.to);
      const first = await priced(bare);
      const whole = room === 0n ? first : await priced({ ...bare, gasLimit: first.gasLimit + room });
      if (whole.gasLimit * whole.gasFeeCap > limit.maxFee)
        throw new MinerError(
          { code: "BAD_ANSWER", method: "GasEstimateMessageGas" },
          `the node prices a message at up to ${whole.gasLimit * whole.gasFeeCap} attoFIL, and ${limit.maxFee} is the most it may cost`,
        );
      return this.push(whole, keep);
    });
  }

  async resend(signed: SignedMessage): Promise<void> {
    try {
      await this.node.ask("MpoolPush", signedMessageToJson(signed, this.node.options.prefix));
    } catch (error) {
      if (!this.node.options.isRefusal(error)) throw error;
      const { from, nonce } = signed.message;
      if (BigInt((await this.node.ask("MpoolGetNonce", this.node.text(from))) as number | string) <= nonce) throw error;
    }
  }

  async raise(
    { message }: SignedMessage,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage | null> {
    const fees = await raisedFees(message, limit, async (gasPremium) => {
      const priced = messageToJson({ ...message, gasPremium }, this.node.options.prefix);
      return BigInt((await this.node.ask("GasEstimateFeeCap", priced, 20, null)) as string);
    });
    if (fees === null) return null;
    return this.alone("the message with a higher fee", message.from, () => this.push({ ...message, ...fees }, keep));
  }

  async outcome(signed: SignedMessage, since: number): Promise<Outcome> {
    const { Cids, Height } = (await this.node.ask("ChainHead")) as TipsetJson;
    const lookback = lookbackTo(since, Height);
    try {
      return await this.searched({ "/": `${signedMessageCid(signed)}` }, lookback);
    } catch (error) {
      if (!this.node.options.isRefusal(error)) throw error;
      // The node does not know the message, or another one has its nonce: which one, only the chain tells.
      const rival = await this.withNonceOf(signed.message, Cids, Height - lookback);
      if (rival === null) return { kind: "open" };
      return sameCall(rival.message, signed.message) ? this.searched(rival.link, lookback) : { kind: "displaced" };
    }
  }

  private async searched(link: Link, lookback: number): Promise<Outcome> {
    const found = (await this.node.ask("StateSearchMsg", null, link, lookback, true)) as {
      readonly Message: Link;
      readonly Height: number;
      readonly Receipt: { readonly ExitCode: number; readonly Return: string | null; readonly GasUsed: number };
    } | null;
    if (found === null) return { kind: "open" };
    const { ExitCode: exitCode, Return: returned, GasUsed: gasUsed } = found.Receipt;
    const receipt = { exitCode, return: fromBase64(returned ?? ""), gasUsed: BigInt(gasUsed) };
    return { kind: "executed", cid: parseCid(found.Message["/"]), receipt, height: found.Height };
  }

  /** The executed message with a message's sender and nonce; null if there is none from an epoch on. `head`: where the chain ends. */
  private async withNonceOf(
    { from, nonce }: Message,
    head: TipsetJson["Cids"],
    first: number,
  ): Promise<{ readonly link: Link; readonly message: Message } | null> {
    // The state before the head: of what the head itself carries nothing was executed.
    const actor = (await this.node.ask("StateGetActor", this.node.text(from), head)) as {
      readonly Nonce: number | string;
    };
    if (BigInt(actor.Nonce) <= nonce) return null;
    const match = { From: this.node.text(from) };
    const links = (await this.node.ask("StateListMessages", match, head, Math.max(0, first))) as readonly Link[];
    for (const link of links) {
      const message = messageFromJson(await this.node.ask("ChainGetMessage", link));
      if (message.nonce === nonce) return { link, message };
    }
    return null;
  }

  /** Runs what makes a message, with its sender's key address; what the node refuses was not sent. */
  private async alone(
    name: string,
    sender: Address,
    make: (from: Address) => Promise<SignedMessage>,
  ): Promise<SignedMessage> {
    const from = await this.keyAddress(sender);
    return this.turns.run(from.key, async () => {
      try {
        return await make(from);
      } catch (error) {
        throw this.node.options.isRefusal(error) ? notSent(name, error) : error;
      }
    });
  }

  private async push(message: Message, keep: (signed: SignedMessage) => Promise<void>): Promise<SignedMessage> {
    const { keys } = this.node.options;
    const key = keys?.of(message.from) ?? null;
    const signed =
      key !== null && keys !== undefined
        ? signMessage(keys.crypto, key, message)
        : signedMessageFromJson(
            await this.node.ask(
              "WalletSignMessage",
              this.node.text(message.from),
              messageToJson(message, this.node.options.prefix),
            ),
          );
    await keep(signed);
    await this.node.ask("MpoolPush", signedMessageToJson(signed, this.node.options.prefix));
    return signed;
  }

  private async keyAddress(address: Address): Promise<Address> {
    if (address.actorId === null) return address;
    return Address.parse((await this.node.ask("StateAccountKey", this.node.text(address), null)) as string);
  }
}
