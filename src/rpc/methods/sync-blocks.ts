/** Filecoin.Sync*: what synchronisation does, and blocks that come and go. */
import { messageRoot } from "../../chain/message-store.ts";
import { BlockError } from "../../consensus/errors.ts";
import { headerCid } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import type { Message, SignedMessage } from "../../types/message.ts";
import { epoch, header, link, tipset } from "../codec/chain-types.ts";
import { integer, list, nothing, nullable, object, text } from "../codec/codec.ts";
import { givenHeader } from "../codec/given-header.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param, subscription } from "../method.ts";
import type { NodeServices, SyncRunView, SyncService } from "../services.ts";

/** Messages of a block. Source: lotus build/buildconstants (BlockMessageLimit). */
const MAX_MESSAGES = 10_000;
const MANY = 1000;
/** Source: lotus api (SyncStateStage). */
const STAGES = { headers: 1, messages: 3, complete: 4, failed: 5 } as const;
/** The time that a Go program writes where there is none. */
const NO_TIME = "0001-01-01T00:00:00Z";

const activeSync = object("ActiveSync", {
  WorkerID: epoch,
  Base: nullable(tipset),
  Target: nullable(tipset),
  Stage: integer(0, 6),
  Height: epoch,
  Start: text(),
  End: text(),
  Message: text(1 << 16),
});

function syncOf({ sync }: NodeServices): SyncService {
  const found = sync?.() ?? null;
  if (found === null)
    throw new RpcError(RPC_CODE.untyped, "this node has no peers: blocks neither come from elsewhere nor go there");
  return found;
}

function viewOf(run: SyncRunView, index: number) {
  return {
    WorkerID: index,
    Base: run.base,
    Target: run.target.tipset,
    Stage: STAGES[run.stage],
    Height: run.height,
    Start: new Date(run.started).toISOString(),
    End: run.ended === null ? NO_TIME : new Date(run.ended).toISOString(),
    Message: run.message,
  };
}

export const syncBlocksGroup = group("Sync: blocks", "What synchronisation does, and blocks that come and go.", {
  SyncState: method({
    summary:
      "The chains that are being fetched, and the last ones that were; VMApplied counts messages of validated blocks.",
    result: object("SyncState", { ActiveSyncs: list(activeSync, MANY), VMApplied: epoch }),
    run(_, { node }) {
      // A node without peers fetches nothing.
      const status = node.sync?.()?.status();
      if (status === undefined) return { ActiveSyncs: [], VMApplied: 0 };
      return { ActiveSyncs: [...status.active, ...status.ended].map(viewOf), VMApplied: status.counts.messages };
    },
  }),
  SyncSubmitBlock: method({
    summary:
      "Takes a block that was made elsewhere, validates it, and tells the peers. Its messages must be known here.",
    permission: "write",
    params: [
      param(
        "block",
        object("BlockMsg", {
          Header: givenHeader,
          BlsMessages: list(link, MAX_MESSAGES),
          SecpkMessages: list(link, MAX_MESSAGES),
        }),
      ),
    ],
    result: nothing,
    cost: "execute",
    async run([{ Header, BlsMessages, SecpkMessages }], { node }) {
      const sync = syncOf(node);
      if (BlsMessages.length + SecpkMessages.length > MAX_MESSAGES)
        badParams(`block: at most ${MAX_MESSAGES} messages expected`);
      if (!messageRoot(BlsMessages, SecpkMessages).equals(Header.messages))
        badParams("block.Header.Messages: the root of the messages' CIDs expected");
      const bls: Message[] = [];
      for (const cid of BlsMessages) bls.push(await bareMessage(node, cid));
      const secp: SignedMessage[] = [];
      for (const cid of SecpkMessages) secp.push(await wholeMessage(node, cid));
      try {
        await sync.submit({ header: Header, messages: { bls, secp } });
      } catch (error) {
        if (!(error instanceof BlockError)) throw error;
        throw new RpcError(RPC_CODE.untyped, `block ${headerCid(Header)} is not valid: ${error.message}`);
      }
      return null;
    },
  }),
  SyncIncomingBlocks: subscription({
    summary: "Blocks that peers announce, as far as their headers can be right.",
    result: header,
    run: (_, { node }) => {
      const sync = syncOf(node);
      return (emit) => sync.onBlock(emit);
    },
  }),
});

async function bareMessage(node: NodeServices, cid: CID): Promise<Message> {
  return node.pool.get(cid.bytes)?.message ?? (await node.chain.message(cid)).message;
}

async function wholeMessage(node: NodeServices, cid: CID): Promise<SignedMessage> {
  const waiting = node.pool.get(cid.bytes);
  if (waiting !== undefined) return waiting;
  const { signed } = await node.chain.message(cid);
  return signed ?? badParams(`block.SecpkMessages: message ${cid} is not signed`);
}
