/**
 * Where blocks come from, as seen by HAMT, AMT and actors.
 *
 * `get` answers or never returns: an absent block is a fault of the host, which voids the run, fetches the block and
 * runs again; it is not an error that code above may observe. `fail` is what a collection calls when a node is
 * malformed; it does not return either (an actor's store aborts with the exit code that the actor set).
 */
import { Bytes } from "../base/bytes";
import { Cid } from "./cid";

export abstract class BlockStore {
  /** The bytes of a block. */
  abstract get(cid: Cid): Bytes;

  /** Stores DAG-CBOR bytes and returns their CID. */
  abstract put(block: Bytes): Cid;

  /** A node reached through this store is malformed. Never returns. */
  abstract fail(why: string): void;
}
