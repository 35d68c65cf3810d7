/** What several messages share. */
import { concat } from "../../base/bytes.ts";
import { type CID, cidFromBytes } from "../../types/cid.ts";
import { CBOR_MAJOR, type CborReader, cborHead, WireError } from "./cbor.ts";

/** Blocks of one tipset that are looked at. Source: lotus build/buildconstants, BlocksPerEpoch 5; chain/exchange takes no more than 8,192 of anything. */
export const MAX_TIPSET_BLOCKS = 256;
/** Messages of one list. Source: cbor-gen's limit of arrays, which every Go node enforces. */
export const MAX_LIST = 8192;
/** Tag 42, then a byte string that begins with a zero. */
const LINK_TAG = 42;
const MAX_CID_BYTES = 128;

export function readCid(reader: CborReader, what: string): CID {
  reader.tag(LINK_TAG, what);
  const bytes = reader.byteString(MAX_CID_BYTES, what);
  if (bytes[0] !== 0) throw new WireError({ code: "BAD_FRAME" }, `${what}: a link begins with a zero byte`);
  return cidFromBytes(bytes.subarray(1));
}

export function linkBytes(cid: CID): Uint8Array {
  const bytes = cid.bytes;
  return concat(
    cborHead(CBOR_MAJOR.tag, LINK_TAG),
    cborHead(CBOR_MAJOR.bytes, bytes.length + 1),
    Uint8Array.of(0),
    bytes,
  );
}

/** A list of items that are encoded already. */
export function listOf(items: readonly Uint8Array[]): Uint8Array {
  return concat(cborHead(CBOR_MAJOR.array, items.length), ...items);
}
