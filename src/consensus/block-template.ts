/** What a block is put together from, for a miner that has won by itself. */
import type { Address } from "../types/address.ts";
import type { BeaconEntry, PoStProof } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { SignedMessage } from "../types/message.ts";

export type BlockTemplate = {
  /** ID address */
  readonly miner: Address;
  readonly parents: readonly CID[];
  readonly ticket: Uint8Array;
  readonly election: { readonly winCount: bigint; readonly vrfProof: Uint8Array };
  readonly beaconEntries: readonly BeaconEntry[];
  readonly messages: readonly SignedMessage[];
  readonly epoch: number;
  /** Unix time, seconds. */
  readonly timestamp: bigint;
  readonly winningPost: readonly PoStProof[];
};
