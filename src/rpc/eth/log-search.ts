/** eth_getLogs: what is asked for, and looking through the blocks of a range. */

import type { Tipset } from "../../types/block-header.ts";
import { type Codec, expected } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import type { NodeServices } from "../services.ts";
import { findBlock, latest } from "./blocks.ts";
import { type BlockRef, blockRef, data, hash } from "./codecs.ts";
import { blockLogs, type EthJson, executed, logsJson } from "./executed.ts";
import { isWished, type LogWish } from "./logs.ts";

/** Epochs of a range, logs of an answer, and values of a filter at the most. Source of the first two: lotus node/config/def.go. */
const MAX_RANGE = 2880;
const MAX_LOGS = 10_000;
const MAX_VALUES = 1000;
const MAX_TOPICS = 4;

export type LogFilter = LogWish & {
  readonly from: BlockRef;
  readonly to: BlockRef;
  /** 32 bytes of one block, in place of a range. */
  readonly block: Uint8Array | null;
};

export const logFilter: Codec<LogFilter, unknown> = {
  schema: {
    title: "Filter",
    type: "object",
    properties: {
      ...{ fromBlock: blockRef(false).schema, toBlock: blockRef(false).schema, blockHash: hash.schema },
      ...{ address: {}, topics: { type: "array", maxItems: MAX_TOPICS } },
    },
  },
  decode: (json, path) => {
    if (typeof json !== "object" || json === null || Array.isArray(json)) return expected(path, "Filter", json);
    const { fromBlock, toBlock, blockHash, address, topics } = json as Record<string, unknown>;
    const block = blockHash === undefined || blockHash === null ? null : hash.decode(blockHash, `${path}.blockHash`);
    if (block !== null && (fromBlock !== undefined || toBlock !== undefined))
      badParams(`${path}: a block's hash, or a range`);
    const given = topics ?? [];
    if (!Array.isArray(given) || given.length > MAX_TOPICS)
      return expected(`${path}.topics`, `list of at most ${MAX_TOPICS}`, topics);
    return {
      from: blockRef(false).decode(fromBlock, `${path}.fromBlock`),
      to: blockRef(false).decode(toBlock, `${path}.toBlock`),
      block,
      addresses: oneOrMore(address, data(20), `${path}.address`),
      topics: given.map((one, i) => oneOrMore(one, hash, `${path}.topics[${i}]`)),
    };
  },
  encode: (value) => value,
};

/** Nothing, or an empty list, stands for any. */
function oneOrMore<T>(json: unknown, of: Codec<T>, path: string): readonly T[] | null {
  if (json === undefined || json === null) return null;
  if (!Array.isArray(json)) return [of.decode(json, path)];
  if (json.length > MAX_VALUES) return badParams(`${path}: at most ${MAX_VALUES} values`);
  return json.length === 0 ? null : json.map((one, i) => of.decode(one, `${path}[${i}]`));
}

/** The logs of the blocks that are asked for, oldest first. A range that is too long, or not there, is an error. */
export async function logsOfRange(node: NodeServices, filter: LogFilter, signal: AbortSignal): Promise<EthJson[]> {
  const out: EthJson[] = [];
  const breath = breather(signal);
  for (const tipset of (await tipsetsOf(node, filter)).reverse()) {
    await breath();
    const block = await executed(node, tipset);
    if (block.receipts.every(({ eventsRoot }) => eventsRoot == null)) continue;
    const logs = await blockLogs(node, block);
    for (const [i, list] of logs.entries()) {
      const told = logsJson(node, block, logs, i);
      out.push(...told.filter((_, k) => isWished(filter, list[k] as (typeof list)[number])));
      if (out.length > MAX_LOGS)
        throw new RpcError(RPC_CODE.limit, `more than ${MAX_LOGS} logs; ask for a shorter range`);
    }
  }
  return out;
}

/** Newest first. */
async function tipsetsOf(node: NodeServices, { from, to, block }: LogFilter): Promise<Tipset[]> {
  if (block !== null) {
    const found = await findBlock(node, { hash: block });
    if (found === null) throw new RpcError(RPC_CODE.untyped, "there is no block with this hash");
    return [found];
  }
  const newest = await latest(node);
  const epochOf = async (ref: BlockRef): Promise<number> => {
    if (typeof ref === "object" && "epoch" in ref)
      return Number(ref.epoch > BigInt(newest.height) ? BigInt(newest.height) + 1n : ref.epoch);
    return Math.min((await findBlock(node, ref))?.height ?? newest.height, newest.height);
  };
  const [first, last] = [await epochOf(from), Math.min(await epochOf(to), newest.height)];
  if (first > newest.height) return [];
  if (first > last) badParams(`filter: the range ends (${last}) before it begins (${first})`);
  if (last - first > MAX_RANGE)
    throw new RpcError(RPC_CODE.limit, `a range of ${last - first} epochs; at most ${MAX_RANGE} are looked through`);
  const out: Tipset[] = [];
  let at: Tipset | null = await node.chain.tipsetAtOrBefore(last);
  for (; at !== null && at.height >= first; at = await node.chain.parent(at)) out.push(at);
  return out;
}
