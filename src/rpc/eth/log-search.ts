/** eth_getLogs: what is asked for, and looking for it in the index of the chain. */
import { blockHash, type PlacedLog } from "../../chain/eth-index.ts";
import { bloomWish, isWished, mayHave } from "../../chain/eth-logs.ts";
import { type Codec, expected } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import type { NodeServices } from "../services.ts";
import { findBlock, latest } from "./blocks.ts";
import { type BlockRef, blockRef, data, hash, type LogFilter, MAX_LOGS } from "./codecs.ts";
import { blockLogs, type EthJson, logJson } from "./executed.ts";

/** Blocks that are read because they are not indexed, and values of a filter at the most. Source of the first: lotus node/config/def.go. */
const MAX_UNINDEXED = 2880;
const MAX_VALUES = 1000;
const MAX_TOPICS = 4;

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
    const block = blockHash == null ? null : hash.decode(blockHash, `${path}.blockHash`);
    if (block !== null && (fromBlock != null || toBlock != null)) badParams(`${path}: a block's hash, or a range`);
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
  const { ethereum } = node.chain;
  const out: EthJson[] = [];
  const breath = breather(signal);
  const add = (logs: readonly PlacedLog[], block: { readonly hash: Uint8Array; readonly epoch: number }): void => {
    for (const [i, log] of logs.entries()) if (isWished(filter, log)) out.push(logJson(log, i, block));
    if (out.length > MAX_LOGS)
      throw new RpcError(RPC_CODE.limit, `more than ${MAX_LOGS} logs; ask for a shorter range`);
  };
  if (filter.block !== null) {
    const found = await findBlock(node, { hash: filter.block });
    if (found === null) throw new RpcError(RPC_CODE.untyped, "there is no block with this hash");
    add(await blockLogs(node, found), { hash: filter.block, epoch: found.height });
    return out;
  }
  const range = await epochsOf(node, filter);
  if (range === null || ethereum === null) return [];
  const wish = bloomWish(filter);
  let next = range.first;
  let read = 0;
  /** Blocks without an entry are read, some of them. */
  const readUpTo = async (last: number): Promise<void> => {
    for (let epoch = next; epoch <= last; epoch++) {
      await breath();
      const tipset = await node.chain.tipsetAtOrAfter(epoch).catch(() => null);
      if (tipset === null || tipset.height > last) break;
      if (++read > MAX_UNINDEXED)
        throw new RpcError(
          RPC_CODE.limit,
          `epochs ${epoch} to ${last} are not indexed; of such at most ${MAX_UNINDEXED} blocks are looked through`,
        );
      add(await blockLogs(node, tipset), { hash: blockHash(tipset), epoch: tipset.height });
      epoch = tipset.height;
    }
  };
  for await (const blocks of ethereum.between(range.first, range.last)) {
    for (const block of blocks) {
      await breath();
      if (block.epoch > next && (await hasTipset(node, next, block.epoch - 1))) await readUpTo(block.epoch - 1);
      next = block.epoch + 1;
      if (block.bloom === null || !mayHave(block.bloom, wish)) continue;
      add(await ethereum.logsAt(block.epoch), block);
    }
  }
  if (next <= range.last && (await hasTipset(node, next, range.last))) await readUpTo(range.last);
  return out;
}

/** Whether the chain has a tipset between two epochs. */
async function hasTipset({ chain }: NodeServices, first: number, last: number): Promise<boolean> {
  const found = await chain.tipsetAtOrBefore(last);
  return found.height >= first;
}

/** The epochs that are asked for; null where that is none yet. */
async function epochsOf(
  node: NodeServices,
  { from, to }: LogFilter,
): Promise<{ readonly first: number; readonly last: number } | null> {
  const newest = await latest(node);
  const epochOf = async (ref: BlockRef): Promise<number> => {
    if (typeof ref === "object" && "epoch" in ref)
      return Number(ref.epoch > BigInt(newest.height) ? BigInt(newest.height) + 1n : ref.epoch);
    return Math.min((await findBlock(node, ref))?.height ?? newest.height, newest.height);
  };
  const [first, last] = [await epochOf(from), Math.min(await epochOf(to), newest.height)];
  if (first > newest.height) return null;
  if (first > last) badParams(`filter: the range ends (${last}) before it begins (${first})`);
  return { first, last };
}
