/**
 * What the block topic carries: a header and the CIDs of its messages.
 * Source: lotus chain/types/blockmsg.go; trailing bytes make it invalid.
 */
import { concat } from "../../base/bytes.ts";
import { type BlockHeader, decodeHeader, encodeHeader } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import { CBOR_MAJOR, CborReader, cborHead } from "./cbor.ts";
import { linkBytes, listOf, MAX_LIST, readCid } from "./common.ts";

export type BlockMessage = {
  readonly header: BlockHeader;
  readonly blsMessages: readonly CID[];
  /** secp256k1 and delegated */
  readonly secpMessages: readonly CID[];
};

export function encodeBlockMessage({ header, blsMessages, secpMessages }: BlockMessage): Uint8Array {
  return concat(
    cborHead(CBOR_MAJOR.array, 3),
    encodeHeader(header),
    listOf(blsMessages.map(linkBytes)),
    listOf(secpMessages.map(linkBytes)),
  );
}

/** Throws a `FilError` on anything but a block message in its canonical form. */
export function decodeBlockMessage(bytes: Uint8Array): BlockMessage {
  const reader = new CborReader(bytes);
  reader.tuple(3, "block message");
  const header = decodeHeader(reader.item("Header"));
  const cids = (what: string): CID[] =>
    Array.from({ length: reader.array(MAX_LIST, what) }, () => readCid(reader, what));
  const blsMessages = cids("BlsMessages");
  const secpMessages = cids("SecpkMessages");
  reader.end("block message");
  return { header, blsMessages, secpMessages };
}
