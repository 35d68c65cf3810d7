/** trace_*: what transactions did, call by call, as the reference tells it. `debug_traceTransaction` it does not have. */

import { hex } from "../../chain/eth-logs.ts";
import type { Address } from "../../types/address.ts";
import { type Codec, expected, list, nullable, spelt, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { findBlock, requireBlock } from "../eth/blocks.ts";
import { type BlockRef, blockRef, ethAddress, hash, quantity } from "../eth/codecs.ts";
import type { EthJson } from "../eth/executed.ts";
import { blockTraces, type EthTrace, TraceRoom, tracesOf } from "../eth/traces.ts";
import { breather } from "../limits.ts";
import { type Group, method, param, withNativeNames } from "../method.ts";
import type { NodeServices } from "../services.ts";

/** Rows of an answer, and blocks that are executed again for it. Source of the first: lotus node/config/def.go (EthTraceFilterMaxResults). */
const MAX_ROWS = 500;
const MAX_BLOCKS = 2880;
const MAX_ADDRESSES = 1000;

const rows = spelt<readonly EthJson[]>({ type: "array", items: { type: "object" } });
const number = param("block", blockRef(false));

type TraceFilter = {
  readonly from: BlockRef;
  readonly to: BlockRef;
  readonly senders: readonly Address[] | null;
  readonly receivers: readonly Address[] | null;
  readonly after: number;
  readonly count: number | null;
};

const traceFilter: Codec<TraceFilter, unknown> = {
  schema: { title: "TraceFilter", type: "object" },
  decode: (json, path) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return expected(path, "TraceFilter", json);
    const given = json as Record<string, unknown>;
    const addresses = (name: string): readonly Address[] | null =>
      nullable(list(ethAddress, MAX_ADDRESSES)).decode(given[name] ?? null, `${path}.${name}`);
    const whole = (name: string): number | null => {
      const value = nullable(quantity(53)).decode(given[name] ?? null, `${path}.${name}`);
      return value === null ? null : Number(value);
    };
    const count = whole("count");
    if (count !== null && count > MAX_ROWS) badParams(`${path}.count: at most ${MAX_ROWS} expected, got ${count}`);
    return {
      from: blockRef(false).decode(given["fromBlock"], `${path}.fromBlock`),
      to: blockRef(false).decode(given["toBlock"], `${path}.toBlock`),
      ...{ senders: addresses("fromAddress"), receivers: addresses("toAddress"), after: whole("after") ?? 0, count },
    };
  },
  encode: (value) => value,
};

function isWished(trace: EthTrace, { senders, receivers }: TraceFilter): boolean {
  const is = (list: readonly Address[] | null, address: unknown): boolean =>
    list === null || list.length === 0 || list.some((one) => hex(one.ethereum as Uint8Array) === address);
  const to = trace.type === "call" ? trace.action.to : trace.result["address"];
  return is(senders, trace.action.from) && is(receivers, to);
}

async function filtered(node: NodeServices, filter: TraceFilter, signal: AbortSignal): Promise<EthJson[]> {
  const { after, count } = filter;
  if (count === 0) return [];
  const [below, last] = [await requireBlock(node, filter.from, true), await requireBlock(node, filter.to, true)];
  // Of a null round it is the block before it, which is not of the range.
  const first = typeof filter.from === "object" && "epoch" in filter.from ? Number(filter.from.epoch) : below.height;
  const breath = breather(signal);
  const out: EthJson[] = [];
  const room = new TraceRoom();
  let seen = 0;
  let read = 0;
  for (let epoch = first; epoch <= last.height; epoch++) {
    await breath();
    const tipset = await node.chain.tipsetAtOrAfter(epoch);
    if (tipset.height > last.height) break;
    epoch = tipset.height;
    if (++read > MAX_BLOCKS) throw new RpcError(RPC_CODE.limit, `more than ${MAX_BLOCKS} blocks; ask for fewer`);
    for (const row of await blockTraces(node, tipset, signal)) {
      if (!isWished(row as EthTrace, filter) || ++seen <= after) continue;
      room.take(row as EthTrace);
      out.push(row);
      if (count !== null && out.length >= count) return out;
      if (out.length > MAX_ROWS)
        throw new RpcError(RPC_CODE.limit, `more than ${MAX_ROWS} traces; ask for parts of them with after and count`);
    }
  }
  return out;
}

const methods = {
  trace_block: method({
    summary: "The calls and creations of all transactions of a block.",
    params: [number],
    result: rows,
    cost: "execute",
    run: async ([ref], { node, signal }) => blockTraces(node, await requireBlock(node, ref), signal),
  }),
  trace_replayBlockTransactions: method({
    summary: "The same by transaction, with what each returned; of the kinds only trace.",
    params: [number, param("kinds", list(text(40), 10))],
    result: rows,
    cost: "execute",
    async run([ref, kinds], { node, signal }) {
      if (kinds.length !== 1 || kinds[0] !== "trace") badParams('kinds: only ["trace"] is supported');
      return (await tracesOf(node, await requireBlock(node, ref), signal)).map(({ hash: transactionHash, traces }) => {
        const { result } = traces[0] ?? { result: {} as EthJson };
        const output = result["output"] ?? result["code"] ?? "0x";
        return { output, stateDiff: null, trace: traces, vmTrace: null, transactionHash };
      });
    },
  }),
  trace_transaction: method({
    summary: "The calls and creations of a transaction.",
    params: [param("hash", hash)],
    result: rows,
    cost: "execute",
    async run([wanted], { node, signal }) {
      const place = (await node.chain.ethereum?.placeOf(wanted)) ?? null;
      const tipset = place === null ? null : await findBlock(node, { epoch: BigInt(place.epoch) });
      if (tipset === null) throw new RpcError(RPC_CODE.untyped, "transaction not found, or not executed yet");
      return (await blockTraces(node, tipset, signal)).filter((row) => row["transactionHash"] === hex(wanted));
    },
  }),
  trace_filter: method({
    summary: "The calls and creations of a range of blocks, by sender and receiver, in parts (after, count).",
    params: [param("filter", traceFilter)],
    result: rows,
    cost: "execute",
    run: ([filter], { node, signal }) => filtered(node, filter, signal),
  }),
};

export const ethTracesGroup: Group<typeof methods> & { readonly prefix: "" } = {
  title: "Ethereum: traces",
  summary: "What transactions did, call by call. Blocks are executed again for it.",
  prefix: "",
  versions: ["v0", "v1"],
  methods: withNativeNames(methods),
};
