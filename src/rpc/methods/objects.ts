/** Filecoin.Chain*: objects of the store, paths through them, exports, and moving the head. */
import * as dagCbor from "@ipld/dag-cbor";
import { toBase64 } from "../../base/bytes.ts";
import { exportChain } from "../../chain/export.ts";
import { walkBlocks } from "../../chain/links.ts";
import { CidSet } from "../../storage/cid-set.ts";
import { CID, cidOfBlock, parseCid } from "../../types/cid.ts";
import type { Json } from "../../types/schema-codec.ts";
import { bytes, epoch, link, tipset, tipsetKey } from "../codec/chain-types.ts";
import { anyJson, boolean, fallback, list, nothing, nullable, object, text, within } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param, subscription } from "../method.ts";
import { type Standing, stepInto, stepsAt } from "../object-fields.ts";
import { inPieces } from "../pieces.ts";
import type { NodeServices } from "../services.ts";
import { headChange, readObject } from "./chain.ts";

const DAG_CBOR = 0x71;
const MANY = 10_000_000;
const MAX_STEPS = 256;
/** Characters of a step that an error repeats. */
const LONGEST_STEP = 100;
/** Moves of the head that one path shows. */
const MAX_PATH = 100_000;

/** IPLD data as JSON: links as {"/": …}, bytes as base64. */
function dataToJson(value: unknown): Json {
  if (value instanceof Uint8Array) return toBase64(value);
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value !== "object" || value === null) return value as Json;
  const found = CID.asCID(value);
  if (found !== null) return { "/": found.toString() };
  if (Array.isArray(value)) return value.map(dataToJson);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, dataToJson(inner)]));
}

/**
 * What a path leads to: a CID, then places in lists, names of a map's entries, or names of fields where a list has the form of a chain's
 * object; links are followed.
 */
async function resolve(node: NodeServices, path: string): Promise<{ Cid: CID; Obj: unknown }> {
  const [first = "", ...steps] = path
    .replace(/^\/(ipfs|ipld)\//, "")
    .split("/")
    .filter((one) => one !== "");
  if (steps.length > MAX_STEPS) return badParams(`path: at most ${MAX_STEPS} steps expected, got ${steps.length}`);
  let cid = within("path", () => parseCid(first));
  const open = async (): Promise<unknown> => {
    const block = await readObject(node, cid);
    return cid.code === DAG_CBOR ? dagCbor.decode(block) : block;
  };
  let at: Standing = { value: await open(), type: null };
  for (const step of steps) {
    const next = stepInto(at, step);
    if (next === null)
      throw new RpcError(RPC_CODE.untyped, `no such link found: ${step.slice(0, LONGEST_STEP)}; ${stepsAt(at)}`);
    const link = CID.asCID(next.value);
    if (link !== null) cid = link;
    at = link === null ? next : { value: await open(), type: null };
  }
  return { Cid: cid, Obj: dataToJson(at.value) };
}

async function statOf(node: NodeServices, cid: CID, base: CID | null, signal: AbortSignal) {
  const seen = new CidSet();
  const breath = breather(signal);
  if (base !== null) for await (const _ of walkBlocks(node.chain.blocks, base, seen)) await breath();
  const stat = { Size: 0, Links: 0 };
  for await (const block of walkBlocks(node.chain.blocks, cid, seen)) {
    await breath();
    stat.Size += block.bytes.length;
    stat.Links++;
  }
  return stat;
}

export const objectsGroup = group("Chain: objects", "Objects of the store, paths, exports, and moving the head.", {
  ChainStatObj: method({
    summary: "Bytes and number of the blocks below one, without those below another.",
    params: [param("object", link), param("base", nullable(link))],
    result: object("ObjStat", { Size: epoch, Links: epoch }),
    cost: "walk",
    run: ([cid, base], { node, signal }) => statOf(node, cid, base, signal),
  }),
  ChainGetNode: method({
    summary:
      "What a path leads to: a CID, then places in lists, or names: of fields of headers, messages, their lists, receipts and state roots.",
    params: [param("path", text(1 << 16))],
    result: object("IpldObject", { Cid: link, Obj: anyJson }),
    run: ([path], { node }) => resolve(node, path),
  }),
  ChainPutObj: method({
    summary: "Puts a block of DAG-CBOR into the store.",
    permission: "admin",
    params: [param("block", bytes(2 << 20))],
    result: nothing,
    async run([block], { node }) {
      within("block", () => dagCbor.decode(block));
      await node.chain.blocks.write({ blocks: [{ cid: cidOfBlock(block).bytes, bytes: block }] });
      return null;
    },
  }),
  ChainGetPath: method({
    summary: "The way from one tipset to another: tipsets to revert, then tipsets to apply.",
    params: [param("from", tipsetKey), param("to", tipsetKey)],
    result: list(headChange, MANY),
    cost: "walk",
    async run([from, to], { node }) {
      const { reverts, applies } = await node.chain.path(
        await node.chain.tipset(from),
        await node.chain.tipset(to),
        MAX_PATH,
      );
      return [
        ...reverts.map((Val) => ({ Type: "revert" as const, Val })),
        ...applies.map((Val) => ({ Type: "apply" as const, Val })),
      ];
    },
  }),
  ChainGetFinalizedTipSet: method({
    summary: "The newest tipset that no fork can replace.",
    result: tipset,
    run: (_, { node }) => node.chain.finalized(),
  }),
  ChainSetHead: method({
    summary: "Moves the head to any tipset that this node knows.",
    permission: "admin",
    params: [param("tipsetKey", tipsetKey)],
    result: nothing,
    async run([key], { node }) {
      await node.chain.setHead(await node.chain.tipset(key));
      return null;
    },
  }),
  ChainExport: subscription({
    summary:
      "The chain as a CAR file in pieces, the last one empty: headers, messages, and states of the newest epochs.",
    params: [
      param("recentRoots", fallback(epoch, 0)),
      param("skipOldMessages", fallback(boolean, false)),
      param("tipsetKey", tipsetKey),
    ],
    result: bytes(),
    async run([recentRoots, skipOldMessages, key], { node, session }) {
      const top = await node.chain.tipset(key);
      // Made here: what is refused is the answer, and no end of a file without a word.
      const parts = exportChain(node.chain, top, { recentRoots, skipOldMessages });
      return inPieces(session, parts);
    },
  }),
});
