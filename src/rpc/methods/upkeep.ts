/** Filecoin.Chain*: which states are kept, snapshots written beside the node's data, and the index looked at. */
import { exportRange } from "../../chain/export.ts";
import { CHAIN_LIMITS, leastRetention } from "../../params/networks.ts";
import { anyEpoch, epoch, tipsetKey } from "../codec/chain-types.ts";
import { boolean, decimal, fallback, integer, nothing, nullable, object } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";

/** Epochs whose states are always kept. Source: lotus blockstore/splitstore (CompactionBoundary) at b835fab702eb. */
const BOUNDARY = 4 * CHAIN_LIMITS.finality;
/** Fewest epochs that a caller may leave: a finality, and some more. */
const LEAST = CHAIN_LIMITS.finality + 100;
const MANY = 1_000_000_000;

const pruneOpts = object("PruneOpts", {
  MovingGC: fallback(boolean, false),
  /** Finalities beyond the boundary; negative: all states that were not given up yet. */
  RetainState: fallback(anyEpoch, -1),
  /** Ours: epochs, instead of finalities. */
  KeepEpochs: nullable(integer(LEAST, MANY)),
});
const hotGcOpts = object("HotGCOpts", {
  Threshold: fallback(decimal(0, 1), 0),
  Periodic: fallback(boolean, false),
  Moving: fallback(boolean, false),
});
const exportConfig = object("ChainExportConfig", {
  WriteBufferSize: fallback(integer(0, 1 << 30), 0),
  NumWorkers: fallback(integer(0, 1024), 1),
  IncludeMessages: fallback(boolean, false),
  IncludeReceipts: fallback(boolean, false),
  IncludeStateRoots: fallback(boolean, false),
});
const count = integer(0, Number.MAX_SAFE_INTEGER);
const validation = object("IndexValidation", {
  TipSetKey: tipsetKey,
  Height: epoch,
  IndexedMessagesCount: count,
  IndexedEventsCount: count,
  IndexedEventEntriesCount: count,
  Backfilled: boolean,
  IsNullRound: boolean,
});

/** What a caller may leave of a network's states; from version 16 on that is more than `LEAST`. */
function keepable(node: NodeServices, epochs: number): number {
  const least = leastRetention(node.network);
  if (epochs >= least) return epochs;
  const why = "as the report of a fault may ask for them";
  return badParams(`options.KeepEpochs: at least ${least} expected at this network's version, ${why}, got ${epochs}`);
}

/** Collects states, keeping those of so many epochs; all of them: only what was given up already goes. */
async function collect(node: NodeServices, keep: number): Promise<null> {
  if (node.prune === undefined) throw new RpcError(RPC_CODE.untyped, "this node does not collect states");
  await node.prune(keep);
  return null;
}

export const upkeepGroup = group(
  "Chain: upkeep",
  "States that are kept, snapshots beside the node's data, the index.",
  {
    ChainPrune: method({
      summary:
        "Collects states: kept are those of 3,600 epochs and RetainState times 900 more, or of KeepEpochs; ends when that is done.",
      permission: "admin",
      params: [param("options", pruneOpts)],
      result: nothing,
      cost: "wait",
      run: ([{ RetainState, KeepEpochs }], { node }) =>
        collect(
          node,
          KeepEpochs === null
            ? RetainState < 0
              ? MANY
              : BOUNDARY + RetainState * CHAIN_LIMITS.finality
            : keepable(node, KeepEpochs),
        ),
    }),
    ChainHotGC: method({
      summary: "Removes what is left of states that were given up; ends when that is done.",
      permission: "admin",
      params: [param("options", hotGcOpts)],
      result: nothing,
      cost: "wait",
      run: (_, { node }) => collect(node, MANY),
    }),
    ChainExportRangeInternal: method({
      summary:
        "Writes a snapshot into the folder snapshots of the node's data: headers of a tipset's chain, and what is wanted of it above another.",
      permission: "admin",
      params: [param("head", tipsetKey), param("tail", tipsetKey), param("config", exportConfig)],
      result: nothing,
      cost: "wait",
      async run([headKey, tailKey, config], { node, signal }) {
        const head = await node.chain.tipset(headKey);
        const tail = await node.chain.tipset(tailKey);
        if (head.height < tail.height)
          badParams(`tail: a tipset of epoch ${head.height} or below expected, got one of epoch ${tail.height}`);
        if (node.keepSnapshot === undefined)
          throw new RpcError(RPC_CODE.untyped, "this node keeps everything in memory and has no folder for snapshots");
        const seconds = Math.floor(node.now() / 1000);
        const breath = breather(signal);
        const wanted = {
          above: tail.height,
          messages: config.IncludeMessages,
          receipts: config.IncludeReceipts,
          stateRoots: config.IncludeStateRoots,
        };
        await node.keepSnapshot(
          `snapshot_${tail.height}_${head.height}_${seconds}.car`,
          (async function* () {
            for await (const part of exportRange(node.chain, head, wanted)) {
              await breath();
              yield part;
            }
          })(),
        );
        return null;
      },
    }),
    ChainValidateIndex: method({
      summary:
        "Looks whether every message of an epoch's tipset is found by the index; nothing has to be written anew, since the index moves with the head.",
      permission: "write",
      params: [param("epoch", epoch), param("backfill", fallback(boolean, false))],
      result: validation,
      cost: "walk",
      async run([height], { node }) {
        const { head } = node.chain;
        if (height >= head.height) badParams(`epoch: one below the head's (${head.height}) expected, got ${height}`);
        const tipset = await node.chain.tipsetAtOrBefore(height);
        const none = { IndexedEventsCount: 0, IndexedEventEntriesCount: 0, Backfilled: false, Height: height };
        if (tipset.height !== height) return { ...none, TipSetKey: [], IndexedMessagesCount: 0, IsNullRound: true };
        const carried = await node.chain.tipsetMessages(tipset);
        for (const { cid, message } of carried) {
          const found = await node.chain.locate(message);
          if (found === null || found.height > height)
            throw new RpcError(RPC_CODE.untyped, `message ${cid} of epoch ${height} is not in the index`);
        }
        return { ...none, TipSetKey: tipset.key, IndexedMessagesCount: carried.length, IsNullRound: false };
      },
    }),
  },
);
