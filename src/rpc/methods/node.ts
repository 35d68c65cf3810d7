/** Version, description of the interface, and other plain facts about the node. */
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { Tipset } from "../../types/block-header.ts";
import { epoch } from "../codec/chain-types.ts";
import { boolean, decimal, fallback, integer, nothing, object, spelt, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param, subscription } from "../method.ts";
import type { NodeServices } from "../services.ts";

/** Packed API versions 1.5.0 and 2.3.0, as clients of the network expect them. Source: lotus api/version.go. */
const API_VERSION = { v0: 0x010500, v1: 0x020300 } as const;
/** Tipsets whose blocks are averaged. */
const RECENT = 100;

const fraction = decimal(0, Number.MAX_SAFE_INTEGER);
const status = object("NodeStatus", {
  SyncStatus: object("NodeSyncStatus", { Epoch: epoch, Behind: epoch }),
  PeerStatus: object("NodePeerStatus", { PeersToPublishMsgs: epoch, PeersToPublishBlocks: epoch }),
  ChainStatus: object("NodeChainStatus", { BlocksPerTipsetLast100: fraction, BlocksPerTipsetLastFinality: fraction }),
});

/** Blocks a tipset, over the last 100 and over the last finality of them; 0 where there are fewer. */
async function blockRates(node: NodeServices, signal: AbortSignal) {
  const breath = breather(signal);
  let [blocks, tipsets, recent] = [0, 0, 0];
  let at: Tipset | null = node.chain.head;
  for (; at !== null && tipsets < CHAIN_LIMITS.finality; at = await node.chain.parent(at)) {
    await breath();
    blocks += at.blocks.length;
    tipsets++;
    if (tipsets === RECENT) recent = blocks / RECENT;
  }
  const whole = tipsets === CHAIN_LIMITS.finality ? blocks / tipsets : 0;
  return { BlocksPerTipsetLast100: recent, BlocksPerTipsetLastFinality: whole };
}

export const nodeGroup = group("Node", "The node itself.", {
  Version: method({
    summary: "Name and version of the node, packed version of the interface, seconds between epochs.",
    result: object("APIVersion", {
      Version: text(),
      APIVersion: integer(0, 2 ** 32),
      BlockDelay: integer(0, 2 ** 32),
      Agent: text(),
    }),
    run: (_, { node, session }) => ({
      Version: `filigree-${node.version}`,
      APIVersion: API_VERSION[session.version],
      BlockDelay: node.network.blockDelaySeconds,
      Agent: "filigree",
    }),
  }),
  Discover: method({
    summary: "This interface as an OpenRPC document.",
    result: spelt<Record<string, unknown>>({ type: "object" }),
    aliases: ["rpc.discover"],
    run: (_, { node, session }) => node.describe(session.version),
  }),
  Session: method({
    summary: "An id that is another one after each start of the node.",
    result: text(),
    run: (_, { node }) => node.run.session,
  }),
  StartTime: method({
    summary: "When the node was started, in the form of RFC 3339.",
    result: text(),
    run: (_, { node }) => new Date(node.run.started).toISOString(),
  }),
  NodeStatus: method({
    summary:
      "How far the node is behind the clock (0 where epochs pass by the network's own, without peers), how many peers it has, and how many blocks tipsets have.",
    params: [param("withChainStatus", fallback(boolean, false))],
    result: status,
    cost: "walk",
    async run([withChain], { node, signal }) {
      const { head } = node.chain;
      // A network without peers has a clock of its own, of which nothing is behind.
      const late =
        node.peers === undefined ? 0 : Math.floor(node.now() / 1000) - Number(head.blocks[0]?.timestamp ?? 0n);
      const peers = node.peers?.() ?? { messages: 0, blocks: 0 };
      return {
        SyncStatus: { Epoch: head.height, Behind: Math.max(0, Math.floor(late / node.network.blockDelaySeconds)) },
        PeerStatus: { PeersToPublishMsgs: peers.messages, PeersToPublishBlocks: peers.blocks },
        ChainStatus: withChain
          ? await blockRates(node, signal)
          : { BlocksPerTipsetLast100: 0, BlocksPerTipsetLastFinality: 0 },
      };
    },
  }),
  Shutdown: method({
    summary: "Stops the node.",
    permission: "admin",
    result: nothing,
    run(_, { node, afterReply }) {
      const { shutdown } = node;
      if (shutdown === undefined)
        throw new RpcError(RPC_CODE.untyped, "this node is stopped by the program it is part of");
      afterReply(shutdown);
      return null;
    },
  }),
  Closing: subscription({
    summary: "Ends when the node stops; gives no values.",
    result: nothing,
    run:
      (_, { node }) =>
      (_emit, end) =>
        node.run.onStop(end),
  }),
});
