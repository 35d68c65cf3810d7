/** Filecoin.Chain*: the store of blocks as a whole. Filecoin.Log*: what the node prints. */
import type { AlertEvent } from "../../base/alert.ts";
import { blake2b256, sha256 } from "../../base/digests.ts";
import { LOG_LEVELS } from "../../base/log-levels.ts";
import { type BlockHashes, checkBlock } from "../../storage/check-block.ts";
import { type Block, cidFromBytes } from "../../types/cid.ts";
import { link } from "../codec/chain-types.ts";
import { boolean, choice, integer, list, nothing, nullable, object, record, text } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";

const HASHES: BlockHashes = { sha256, blake2b256 };
/** Bad blocks that an error names. */
const SHOWN = 10;

/** What is wrong with a block of the store; null if its bytes are those of its CID. */
function faultOf(block: Block): string | null {
  const verdict = checkBlock(block, HASHES);
  if (verdict === "right") return null;
  return verdict === "wrong" ? "its bytes are not those of its CID" : "its hash is not known";
}

export const storeGroup = group("Store", "The store of blocks as a whole.", {
  ChainBlockstoreInfo: method({
    summary: "How many blocks the store has, and bytes of all of them.",
    result: record(integer(0, Number.MAX_SAFE_INTEGER), 100),
    cost: "walk",
    async run(_, { node, signal }) {
      const breath = breather(signal);
      let [blocks, bytes] = [0, 0];
      for await (const one of node.chain.blocks.everyBlock()) {
        await breath();
        blocks++;
        bytes += one.bytes.length;
      }
      return { blocks, bytes };
    },
  }),
  ChainCheckBlockstore: method({
    summary: "Reads every block of the store and compares it with its CID; the error names those that are wrong.",
    permission: "admin",
    result: nothing,
    cost: "walk",
    async run(_, { node, signal }) {
      const breath = breather(signal);
      const faults: string[] = [];
      for await (const one of node.chain.blocks.everyBlock()) {
        await breath();
        const fault = faultOf(one);
        if (fault !== null) faults.push(`${cidFromBytes(one.cid)}: ${fault}`);
        if (faults.length >= SHOWN) break;
      }
      if (faults.length > 0) throw new RpcError(RPC_CODE.untyped, `wrong blocks: ${faults.join("; ")}`);
      return null;
    },
  }),
  ChainDeleteObj: method({
    summary: "Removes a block from the store, whatever refers to it.",
    permission: "admin",
    params: [param("object", link)],
    result: nothing,
    async run([cid], { node }) {
      await node.chain.blocks.write({ removed: [cid.bytes] }, { sync: true });
      return null;
    },
  }),
});

const alertEvent = object("AlertEvent", { Type: choice("raised", "resolved"), Message: text(), Time: text() });
const alert = object("Alert", {
  Type: object("AlertType", { System: text(), Subsystem: text() }),
  Active: boolean,
  LastActive: nullable(alertEvent),
  LastResolved: nullable(alertEvent),
});

function eventOf<Type extends string>(type: Type, event: AlertEvent | null) {
  return event === null ? null : { Type: type, Message: event.message, Time: new Date(event.time).toISOString() };
}

export const logGroup = group("Log", "What the node prints, and what its operator should know of.", {
  LogAlerts: method({
    summary: "What can fail for a while, whether it does now, and when that began and ended last.",
    permission: "admin",
    result: list(alert, 1000),
    run: (_, { node }) =>
      node.alerts.map(({ system, subsystem, isActive, lastActive, lastResolved }) => ({
        Type: { System: system, Subsystem: subsystem },
        Active: isActive,
        LastActive: eventOf("raised", lastActive),
        LastResolved: eventOf("resolved", lastResolved),
      })),
  }),
  LogList: method({
    summary: "Names of the parts whose lines can be set apart.",
    permission: "write",
    result: list(text(), 1000),
    run: (_, { node }) => node.log.names,
  }),
  LogSetLevel: method({
    summary: "The least serious kind of line that a part prints, or (*) all parts do.",
    permission: "write",
    params: [param("subsystem", text(100)), param("level", choice(...LOG_LEVELS))],
    result: nothing,
    run([name, level], { node }) {
      if (!node.log.set(name, level)) badParams(`subsystem: one of ${node.log.names.join(", ")} or * expected`);
      return null;
    },
  }),
});
