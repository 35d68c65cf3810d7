/** What the network's protocols ask of a node's chain; `src/node` provides it, tests fake it. */
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Message, SignedMessage } from "../types/message.ts";

export type ChainSource = {
  readonly genesis: CID;
  /** The heaviest tipset and its weight. */
  head(): { readonly tipset: Tipset; readonly weight: bigint };
  /** A tipset whose headers this node holds, or null. */
  tipset(key: readonly CID[]): Promise<Tipset | null>;
  /** Messages of a block, or null if this node does not hold them all. */
  blockMessages(
    header: BlockHeader,
  ): Promise<{ readonly bls: readonly Message[]; readonly secp: readonly SignedMessage[] } | null>;
};
