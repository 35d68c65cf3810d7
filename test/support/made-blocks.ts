/** Blocks of the chain's form that a test makes of values, by the keys of their CIDs. */
import * as dagCbor from "@ipld/dag-cbor";
import { type CID, cidKey, cidOfBlock } from "../../src/types/cid.ts";

export class MadeBlocks extends Map<string, Uint8Array> {
  put(value: unknown): CID {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    this.set(cidKey(cid), bytes);
    return cid;
  }
}
