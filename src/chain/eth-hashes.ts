/**
 * By which messages Ethereum's transactions are on chain: "eth-tx/<hash>" names the CID of the signed message, in the very write that
 * stores the message. What a hash stands for never changes, so nothing is rolled back with the head.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { concat, toHex } from "../base/bytes.ts";
import { isFilError } from "../base/errors.ts";
import type { Tipset } from "../types/block-header.ts";
import { type CID, cidOfBlock } from "../types/cid.ts";
import { transactionHash, transactionOf } from "../types/eth-transaction.ts";
import { SIGNATURE_TYPE, type SignedMessage, signedMessageCid } from "../types/message.ts";

export function hashName(hash: Uint8Array): string {
  return `eth-tx/${toHex(hash)}`;
}

/** The hash by which Ethereum knows a signed message; null if it is no transaction. */
export function hashOf(signed: SignedMessage, chainId: number): Uint8Array | null {
  if (signed.signature.type !== SIGNATURE_TYPE.delegated) return null;
  try {
    return transactionHash(transactionOf(signed), chainId);
  } catch (error) {
    // A block may carry anything: a message that no transaction gives is known by its CID alone.
    if (isFilError(error)) return null;
    throw error;
  }
}

/** Facts to be written with messages; none without a chain id. */
export function hashFacts(messages: readonly SignedMessage[], chainId: number | null): [string, Uint8Array][] {
  if (chainId === null) return [];
  return messages.flatMap((signed) => {
    const hash = hashOf(signed, chainId);
    return hash === null ? [] : [[hashName(hash), signedMessageCid(signed).bytes] as [string, Uint8Array]];
  });
}

/** The CID of a tipset's key, by which actors of the FVM know it. Source: lotus chain/types/tipset_key.go (ToStorageBlock). */
export function tipsetCid({ key }: Tipset): CID {
  return cidOfBlock(dagCbor.encode(concat(...key.map(({ bytes }) => bytes))));
}
