/** Ethereum's filters, which are asked, and subscriptions, which tell over a WebSocket. */

import { signedMessageCid } from "../../types/message.ts";
import { boolean, spelt, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { latest } from "../eth/blocks.ts";
import type { LogFilter } from "../eth/codecs.ts";
import { blockJson, type EthJson, executed, transactionJson } from "../eth/executed.ts";
import { logsOf } from "../eth/filters.ts";
import { logFilter, logsOfRange } from "../eth/log-search.ts";
import { type Group, type MethodContext, method, param, withNativeNames } from "../method.ts";
import type { EthNews, NodeServices } from "../services.ts";
import { MAX_CHANNELS } from "../session.ts";

const id = text(80);
const results = spelt<readonly unknown[]>({ type: "array" });
const KINDS = ["newHeads", "logs", "newPendingTransactions"] as const;

/** Whether a range begins in the past: a filter gives what is there of it first. */
async function isOfPast(node: NodeServices, { from, block }: LogFilter): Promise<boolean> {
  if (block !== null || from === "earliest") return true;
  return typeof from === "object" && "epoch" in from && from.epoch <= BigInt((await latest(node)).height);
}

/** A block, or a transaction that waits, as a subscription tells it. */
async function told(
  node: NodeServices,
  news: EthNews & { readonly kind: "block" | "pending" },
  whole: boolean,
): Promise<EthJson | string> {
  if (news.kind === "block") return blockJson(node, await executed(node, news.tipset), false);
  if (!whole) return news.hash;
  const { signed } = news;
  const carried = { cid: signedMessageCid(signed), message: signed.message, signed };
  return transactionJson(node, carried, () => node.states.stateAfter(node.chain.head));
}

function subscribe(kind: string, options: unknown, { node, session, afterReply }: MethodContext): string {
  const { push } = session;
  if (push === undefined) throw new RpcError(RPC_CODE.untyped, "eth_subscribe needs a WebSocket connection");
  if (!(KINDS as readonly string[]).includes(kind))
    badParams(`kind: one of ${KINDS.join(", ")} expected, got ${JSON.stringify(kind)}`);
  if (session.subscriptions.size >= MAX_CHANNELS)
    throw new RpcError(RPC_CODE.limit, `over ${MAX_CHANNELS} subscriptions on this connection`);
  const wish = kind === "logs" ? logFilter.decode(options ?? {}, "options") : null;
  const filters = node.ethereum;
  const subscription = filters.newId();
  const say = (result: unknown): void => {
    if (!session.subscriptions.has(subscription)) return;
    push(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params: { subscription, result } }));
  };
  let last: Promise<unknown> = Promise.resolve();
  const tellOne = async (news: EthNews & { readonly kind: "block" | "pending" }): Promise<void> => {
    if (session.subscriptions.has(subscription)) say(await told(node, news, options === true));
  };
  const hear = (news: EthNews): void => {
    if (news.kind === "logs") for (const log of wish === null ? [] : logsOf(news, wish)) say(log);
    // One after another, in their order, while somebody listens. A block that is gone meanwhile is left out.
    else last = last.then(() => tellOne(news)).catch(() => undefined);
  };
  // The number must reach the client first.
  let held: EthNews[] | null = [];
  const wants = kind === "logs" ? "logs" : kind === "newHeads" ? "block" : "pending";
  session.subscriptions.set(
    subscription,
    filters.listen(wants, (news) => (held === null ? hear(news) : void held.push(news))),
  );
  afterReply(() => {
    const first = held ?? [];
    held = null;
    for (const news of first) hear(news);
  });
  return subscription;
}

const methods = {
  eth_newFilter: method({
    summary:
      "A filter of logs, for eth_getFilterChanges; its number. Logs of a range in the past are its first results.",
    params: [param("filter", logFilter)],
    result: id,
    cost: "walk",
    async run([filter], { node, signal }) {
      const isPast = await isOfPast(node, filter);
      return node.ethereum.install("logs", filter, async () => (isPast ? logsOfRange(node, filter, signal) : []));
    },
  }),
  eth_newBlockFilter: method({
    summary: "A filter of new blocks; its number.",
    result: id,
    run: (_, { node }) => node.ethereum.install("block"),
  }),
  eth_newPendingTransactionFilter: method({
    summary: "A filter of transactions that begin to wait; its number.",
    result: id,
    run: (_, { node }) => node.ethereum.install("pending"),
  }),
  eth_getFilterChanges: method({
    summary: "What is new since the filter was asked last: hashes, or logs, also those that were taken back (removed).",
    params: [param("filter", id)],
    result: results,
    cost: "walk",
    run: ([filter], { node }) => node.ethereum.changes(filter),
  }),
  eth_getFilterLogs: method({
    summary: "All logs that a filter looks for, as eth_getLogs gives them.",
    params: [param("filter", id)],
    result: results,
    cost: "walk",
    run: ([filter], { node, signal }) => logsOfRange(node, node.ethereum.logsOf(filter), signal),
  }),
  eth_uninstallFilter: method({
    summary: "Removes a filter; false where there is none of this number.",
    params: [param("filter", id)],
    result: boolean,
    run: ([filter], { node }) => node.ethereum.uninstall(filter),
  }),
  eth_subscribe: method({
    summary:
      "Tells of newHeads, logs or newPendingTransactions as eth_subscription over this WebSocket; the subscription's number.",
    params: [param("kind", text(40)), param("options", spelt<unknown>({}))],
    result: id,
    run: ([kind, options], context) => subscribe(kind, options, context),
  }),
  eth_unsubscribe: method({
    summary: "Ends a subscription of this connection; false where there is none of this number.",
    params: [param("subscription", id)],
    result: boolean,
    run([subscription], { session }) {
      session.subscriptions.get(subscription)?.();
      return session.subscriptions.delete(subscription);
    },
  }),
};

export const ethFiltersGroup: Group<typeof methods> & { readonly prefix: "" } = {
  title: "Ethereum: filters and subscriptions",
  summary: "What is new on the chain. A node has at most 100 filters; one that is not asked for an hour is removed.",
  prefix: "",
  versions: ["v0", "v1"],
  methods: withNativeNames(methods),
};
