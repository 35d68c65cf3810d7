/** Devnet.*: snapshots of a local network, with the names that other development networks use. */
import { isFilError } from "../../base/errors.ts";
import { bytes, epoch, link, tipset } from "../codec/chain-types.ts";
import { boolean, type Codec, fallback, integer, list, object, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { type Group, method, param, subscription } from "../method.ts";
import { inPieces } from "../pieces.ts";
import type { DevControl, SnapshotControl } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";

const MAX_LISTED = 10_000;
const MAX_BLOCKS = 256;
const number = integer(1, Number.MAX_SAFE_INTEGER);
/** A snapshot's number. Ethereum's tools write numbers as 0x text. */
const hexNumber: Codec<number, number | string> = {
  ...number,
  schema: { anyOf: [number.schema, { type: "string", pattern: "^0x[0-9a-fA-F]{1,13}$" }] },
  decode: (json, path) =>
    number.decode(typeof json === "string" && /^0x[0-9a-f]{1,13}$/i.test(json) ? Number(json) : json, path),
};

const snapshot = object("LocalSnapshot", {
  Id: number,
  Epoch: epoch,
  Tipset: list(link, MAX_BLOCKS),
  Messages: epoch,
});

const methods = {
  "Devnet.snapshot": method({
    summary:
      "Takes a snapshot of the whole network (chain, pool, wallet, time, miners, sectors, payment channels) and gives its number.",
    permission: "admin",
    result: number,
    cost: "wait",
    local: true,
    run: async (_, { node }) => (await snapshotsOf(node).take()).id,
  }),
  "Devnet.revert": method({
    summary:
      "Goes back to a snapshot and gives the head. The snapshot and those after it are over, unless it is to be kept.",
    permission: "admin",
    params: [param("snapshot", number), param("keep", fallback(boolean, false))],
    result: tipset,
    cost: "wait",
    local: true,
    run: ([id, keep], { node }) => snapshotsOf(node).revert(id, keep),
  }),
  "Devnet.snapshots": method({
    summary: "The snapshots that one can go back to, the oldest first, with the messages that waited then.",
    result: list(snapshot, MAX_LISTED),
    local: true,
    run: (_, { node }) =>
      snapshotsOf(node)
        .list()
        .map(({ id, head, waiting }) => ({ Id: id, Epoch: head.height, Tipset: head.key, Messages: waiting.length })),
  }),
  "Devnet.dump": subscription({
    summary:
      "The whole network as a CAR file in pieces, the last one empty, with its keys in the clear: `filigree devnet --load` goes on with it.",
    permission: "admin",
    result: bytes(),
    run: async (_, { node, session }) => {
      return inPieces(session, await snapshotsOf(node).dump());
    },
  }),
  evm_snapshot: method({
    summary: "As Devnet.snapshot, the number as 0x text.",
    permission: "admin",
    result: text(20),
    cost: "wait",
    local: true,
    run: async (_, { node }) => `0x${(await snapshotsOf(node).take()).id.toString(16)}`,
  }),
  evm_revert: method({
    summary: "As Devnet.revert; false where there is no such snapshot.",
    permission: "admin",
    params: [param("snapshot", hexNumber)],
    result: boolean,
    cost: "wait",
    local: true,
    async run([id], { node }) {
      try {
        await snapshotsOf(node).revert(id, false);
        return true;
      } catch (error) {
        if (isFilError(error, "UNKNOWN_SNAPSHOT")) return false;
        throw error;
      }
    },
  }),
};

export const snapshotsGroup: Group<typeof methods> = {
  title: "Snapshots",
  summary:
    "Going back to earlier moments of a local network of one process. Not answered by a node of any other network.",
  prefix: "",
  versions: API_VERSIONS,
  methods,
};

function snapshotsOf(node: { readonly dev?: DevControl }): SnapshotControl {
  if (node.dev === undefined) throw new TypeError("not a local network");
  const { snapshots } = node.dev;
  if (snapshots === undefined)
    throw new RpcError(
      RPC_CODE.untyped,
      "a network with peers (--nodes, --listen, --apart, real proofs) has no snapshots, also of one node: start it without those",
    );
  return snapshots;
}
