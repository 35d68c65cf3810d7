/** Filecoin.Mpool*: what would be said of messages, what the operator may set, and batches. */
import { type CheckContext, checkMessage, type SenderAccount, type Verdict } from "../../mpool/checks.ts";
import { requiredFunds } from "../../mpool/rules.ts";
import type { Address } from "../../types/address.ts";
import type { Message, SignedMessage } from "../../types/message.ts";
import { address, epoch, link, message, prototype, signedMessage } from "../codec/chain-types.ts";
import { anyJson, boolean, decimal, integer, list, nothing, nullable, object, text } from "../codec/codec.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { orNotFound, viewAt } from "../view.ts";
import { allowed, sendSpec } from "./gas.ts";
import { MAX_BATCH, push, pushAll, pushMessage } from "./mpool.ts";

/** Messages that are checked, or of an answer. */
const MANY = 30_000;
const NANOSECONDS = 1_000_000;
const MAX_PRIORITY = 1000;

const verdict = object("MessageCheckStatus", {
  Cid: link,
  Code: integer(1, 255),
  OK: boolean,
  Err: text(),
  Hint: nullable(anyJson),
});
const verdicts = list(list(verdict, MANY), MANY);
const config = object("MpoolConfig", {
  PriorityAddrs: list(address, MAX_PRIORITY),
  SizeLimitHigh: integer(0, 1_000_000),
  SizeLimitLow: integer(0, 1_000_000),
  ReplaceByFeeRatio: decimal(1, 1000),
  PruneCooldown: epoch,
  GasLimitOverestimation: decimal(1, 1000),
});

const spelt = ({ cid, code, ok, error, hint }: Verdict) => ({ Cid: cid, Code: code, OK: ok, Err: error, Hint: hint });

/** The pool and the state after the head, as checks ask for them. `counted`: messages that wait count against the sender. */
async function contextOf(node: NodeServices, counted: boolean): Promise<CheckContext> {
  const { head } = node.chain;
  const view = await viewAt(node, head.key);
  const accounts = new Map<string, SenderAccount | null>();
  const open = async (from: Address): Promise<SenderAccount | null> => {
    const actor = await view.actor(from);
    if (actor === null) return null;
    const key = await view.accountKey(from).catch(() => null);
    const waiting = counted && key !== null ? node.pool.pendingOf(key) : [];
    const needed = waiting.reduce((sum, one) => sum + requiredFunds(one.message) + one.message.value, 0n);
    const nextNonce = counted && key !== null ? await node.pool.nextNonceOf(key) : actor.nonce;
    return { nextNonce, balance: actor.balance, needed };
  };
  return {
    prefix: node.network.prefix,
    networkVersion: node.states.networkVersionAt(head.height + 1),
    baseFee: await node.states.nextBaseFee(head),
    minGas: node.minGas,
    async account(from) {
      const name = from.toString();
      const known = accounts.get(name);
      if (known !== undefined) return known;
      const opened = await open(from);
      accounts.set(name, opened);
      return opened;
    },
  };
}

async function checkAll(
  node: NodeServices,
  messages: readonly Message[],
  counted: boolean,
  anyNonce: readonly boolean[],
) {
  const context = await contextOf(node, counted);
  const out = [];
  for (let i = 0; i < messages.length; i++)
    out.push((await checkMessage(messages[i] as Message, context, anyNonce[i] === true)).map(spelt));
  return out;
}

/** The messages of their senders that wait, with some put in the places of others. */
async function withReplacements(node: NodeServices, messages: readonly Message[]): Promise<Message[]> {
  const view = await viewAt(node, []);
  const bySender = new Map<string, Map<bigint, Message>>();
  for (const one of messages) {
    const name = one.from.toString();
    let all = bySender.get(name);
    if (all === undefined) {
      const key = await view.accountKey(one.from).catch(() => null);
      const waiting = key === null ? [] : node.pool.pendingOf(key);
      all = new Map(waiting.map((signed) => [signed.message.nonce, signed.message]));
      bySender.set(name, all);
    }
    all.set(one.nonce, one);
  }
  return [...bySender.values()].flatMap((all) => [...all.values()].sort((a, b) => (a.nonce < b.nonce ? -1 : 1)));
}

export const mpoolChecksGroup = group("Mpool: checks and batches", "Verdicts on messages; batches; what may be set.", {
  MpoolCheckMessages: method({
    summary: "What would be said of messages, after those that wait: one verdict a rule.",
    params: [param("prototypes", list(prototype, MAX_BATCH))],
    result: verdicts,
    cost: "walk",
    run: ([given], { node }) =>
      checkAll(
        node,
        given.map((one) => one.Message),
        true,
        given.map((one) => !one.ValidNonce),
      ),
  }),
  MpoolCheckPendingMessages: method({
    summary: "What would be said of a sender's messages that wait.",
    params: [param("from", address)],
    result: verdicts,
    cost: "walk",
    async run([from], { node }) {
      const key = await orNotFound((await viewAt(node, [])).accountKey(from));
      return checkAll(
        node,
        node.pool.pendingOf(key).map((one) => one.message),
        false,
        [],
      );
    },
  }),
  MpoolCheckReplaceMessages: method({
    summary: "What would be said of the senders' messages that wait if these were put in their places.",
    params: [param("messages", list(message, MAX_BATCH))],
    result: verdicts,
    cost: "walk",
    run: async ([messages], { node }) => checkAll(node, await withReplacements(node, messages), false, []),
  }),
  MpoolGetConfig: method({
    summary: "What the operator has set of the message pool; the cooldown in nanoseconds.",
    result: config,
    run(_, { node }) {
      const { config: set } = node.pool;
      return {
        PriorityAddrs: set.priorityAddresses,
        SizeLimitHigh: set.sizeLimitHigh,
        SizeLimitLow: set.sizeLimitLow,
        ReplaceByFeeRatio: set.replaceByFeeRatio,
        PruneCooldown: set.pruneCooldown * NANOSECONDS,
        GasLimitOverestimation: set.gasLimitOverestimation,
      };
    },
  }),
  MpoolSetConfig: method({
    summary: "Sets what the operator may set of the message pool.",
    permission: "admin",
    params: [param("config", config)],
    result: nothing,
    async run([given], { node }) {
      await node.pool.setConfig({
        priorityAddresses: given.PriorityAddrs,
        sizeLimitHigh: given.SizeLimitHigh,
        sizeLimitLow: given.SizeLimitLow,
        replaceByFeeRatio: given.ReplaceByFeeRatio,
        pruneCooldown: given.PruneCooldown / NANOSECONDS,
        gasLimitOverestimation: given.GasLimitOverestimation,
      });
      return null;
    },
  }),
  MpoolPushUntrusted: method({
    summary: "As MpoolPush, for messages of strangers: no skipped nonces, and at most 100 that wait of a sender.",
    permission: "write",
    params: [param("message", signedMessage)],
    result: link,
    run: ([signed], { node }) => push(node, signed, "untrusted"),
  }),
  MpoolBatchPushUntrusted: method({
    summary: "As MpoolBatchPush, for messages of strangers.",
    permission: "write",
    params: [param("messages", list(signedMessage, MAX_BATCH))],
    result: list(link, MAX_BATCH),
    run: ([messages], { node }) => pushAll(node, messages, "untrusted"),
  }),
  MpoolBatchPushMessage: method({
    summary: "As MpoolPushMessage, for several messages one after the other; the first that is refused ends it.",
    permission: "sign",
    params: [param("messages", list(message, MAX_BATCH)), param("spec", sendSpec)],
    result: list(signedMessage, MAX_BATCH),
    cost: "execute",
    async run([messages, spec], { node }) {
      const sent: SignedMessage[] = [];
      for (const one of messages) sent.push(await pushMessage(node, one, allowed(spec)));
      return sent;
    },
  }),
});
