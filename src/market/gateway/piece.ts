/**
 * The piece gateway: `/piece/<CID>` of version 1 or 2, whole or a range. A piece that this node committed to is the CAR file of a DAG
 * in its store, or, raw, the file that the DAG is; either is made again as it is asked for.
 * Source: FRC-0066, FRC-0069.
 */

import { BoundedMap } from "../../base/bounded-map.ts";
import { toHex } from "../../base/bytes.ts";
import { encodeVarint } from "../../base/varint.ts";
import { commitmentOfCidV1, pieceOfCidV2 } from "../../sector/piece/cid.ts";
import { carHeader } from "../../storage/car.ts";
import type { CID } from "../../types/cid.ts";
import { sectionLength } from "../data/car-out.ts";
import type { ClientStore, LentPiece } from "../data/client-store.ts";
import { DataError } from "../data/errors.ts";
import { blockOf, walk } from "../data/links.ts";
import { fileContent } from "../data/unixfs.ts";
import { type Download, disposition, matches, outside, refusal } from "./gateway.ts";
import { GatewayRefusal, type GatewayRequest, httpRange, rootOf } from "./request.ts";

/** Where each block's section begins in a CAR file. */
type Layout = { readonly cids: readonly CID[]; readonly at: readonly number[]; readonly size: number };

const TYPES = {
  car: ["application/vnd.ipld.car; version=1", "car"],
  raw: ["application/octet-stream", "bin"],
} as const;
/** Blocks of all layouts that are kept, some 100 bytes each. */
const KEPT_BLOCKS = 1 << 19;
const LENT_WINDOW = 1 << 20;
/** Most blocks of a piece of which ranges are served. */
const MAX_BLOCKS = 1 << 22;

export class PieceGateway {
  private readonly layouts = new BoundedMap<string, Layout>(KEPT_BLOCKS, ({ cids }) => cids.length);

  /** Answers a GET or HEAD of `/piece/…`. */
  async answer(store: ClientStore, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
    try {
      return await this.find(store, request, signal);
    } catch (error) {
      if (error instanceof GatewayRefusal) return refusal(error.status, error.message);
      if (error instanceof DataError && error.code === "MISSING_BLOCK")
        return refusal(404, "the piece is not here any more");
      throw error;
    }
  }

  private async find(store: ClientStore, request: GatewayRequest, signal: AbortSignal): Promise<Download> {
    const text = request.path.slice("/piece/".length);
    const cid = rootOf(text);
    const v2 = pieceOfCidV2(cid);
    const commP = commitmentOfCidV1(cid) ?? v2?.commP ?? null;
    if (commP === null) throw new GatewayRefusal(400, `${text} is no CID of a piece`);
    const own = await store.heldPiece(commP);
    const lent = own === null ? await store.lentPiece(commP) : null;
    const piece = own ?? lent;
    if (piece === null || (v2 !== null && v2.payloadSize !== piece.size))
      throw new GatewayRefusal(404, `piece ${text} is not here`);
    const etag = `"${toHex(commP)}.${piece.size}"`;
    const [type, ending] = TYPES[piece.form];
    const shared = {
      "content-type": type,
      "content-disposition": disposition(`${text}.${ending}`),
      "cache-control": "public, max-age=29030400, immutable",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
    };
    if (matches(request.header("if-none-match"), etag)) return { status: 304, headers: { etag }, body: null };
    const range = httpRange(request.header("range"), piece.size);
    if (range === "outside") return outside(piece.size);
    const [from, to] = range ?? [0, piece.size - 1];
    const headers = {
      ...shared,
      etag,
      "content-length": `${to - from + 1}`,
      ...(range === null ? {} : { "content-range": `bytes ${from}-${to}/${piece.size}` }),
    };
    const body =
      request.method === "HEAD"
        ? null
        : own === null
          ? lentBytes(lent, from, to)
          : own.form === "raw"
            ? fileContent(store, own.root, { from: BigInt(from), to: BigInt(to) + 1n }, signal)
            : this.bytes(store, own.root, from, to, signal);
    return { status: range === null ? 200 : 206, headers, body };
  }

  /** Bytes of a DAG's CAR file, both ends included. */
  private async *bytes(
    store: ClientStore,
    root: CID,
    from: number,
    to: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { cids, at } = await this.layout(store, root, signal);
    const cut = (bytes: Uint8Array, begin: number): Uint8Array =>
      bytes.subarray(Math.max(0, from - begin), Math.max(0, to + 1 - begin));
    const header = carHeader([root]);
    if (from < header.length) yield cut(header, 0);
    for (let i = firstAt(at, from); i < cids.length && (at[i] as number) <= to; i++) {
      signal.throwIfAborted();
      const cid = cids[i] as CID;
      const begin = at[i] as number;
      const bytes = await blockOf(store, cid);
      const head = encodeVarint(cid.bytes.length + bytes.length);
      let place = begin;
      for (const part of [head, cid.bytes, bytes]) {
        if (place <= to && place + part.length > from) yield cut(part, place);
        place += part.length;
      }
    }
  }

  private async layout(store: ClientStore, root: CID, signal: AbortSignal): Promise<Layout> {
    const known = this.layouts.get(`${root}`);
    if (known !== undefined) return known;
    const cids: CID[] = [];
    const at: number[] = [];
    let size = carHeader([root]).length;
    for await (const block of walk(store, root, { signal, most: MAX_BLOCKS })) {
      cids.push(block.cid);
      at.push(size);
      size += sectionLength(block);
    }
    const layout = { cids, at, size };
    this.layouts.set(`${root}`, layout);
    return layout;
  }
}

/** Bytes of a piece that somebody else keeps, both ends included. */
async function* lentBytes(piece: LentPiece | null, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at <= to; at += LENT_WINDOW) {
    const bytes = (await piece?.read(at, Math.min(LENT_WINDOW, to + 1 - at))) ?? null;
    // What was promised cannot be given: the answer breaks off.
    if (bytes === null) throw new Error("the piece is not here any more");
    yield bytes;
  }
}

/** Index of the section that holds a place, or of the first one if it lies before. */
function firstAt(at: readonly number[], place: number): number {
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] as number) <= place) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
