/** Checks that need nothing but a header, and those that need its parent's header. Each throws `BlockError` or returns. */

import type { NetworkPrefix } from "../types/address.ts";
import type { BeaconEntry, BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Signature } from "../types/message.ts";
import { blockError } from "./errors.ts";
import { BLOCK_LIMITS } from "./limits.ts";

/** A header with everything that only the genesis may lack. */
export type CompleteHeader = BlockHeader & {
  readonly ticket: Uint8Array;
  readonly electionProof: NonNullable<BlockHeader["electionProof"]>;
  readonly blockSig: Signature;
  readonly blsAggregate: Signature;
};

export type IncomingBlock = {
  readonly header: CompleteHeader;
  readonly cid: CID;
  /** Of addresses in the texts of errors. */
  readonly prefix: NetworkPrefix;
};

export function checkComplete(header: BlockHeader, cid: CID, prefix: NetworkPrefix): IncomingBlock {
  const { ticket, electionProof, blockSig, blsAggregate } = header;
  if (electionProof === null) throw blockError("ELECTION_PROOF_MISSING", cid, "no election proof");
  if (ticket === null) throw blockError("TICKET_MISSING", cid, "no ticket");
  if (blockSig === null) throw blockError("SIGNATURE_MISSING", cid, "no signature");
  if (blsAggregate === null) throw blockError("AGGREGATE_MISSING", cid, "no aggregate of BLS signatures");
  if (header.miner.actorId === null)
    throw blockError("MINER_NOT_ID", cid, `miner ${header.miner.toString(prefix)} is no ID address`);
  // The header itself and no copy: its bytes, and what its signature covers, are known by it.
  return { header: header as CompleteHeader, cid, prefix };
}

export function checkMessageCount(cid: CID, count: number): void {
  if (count > BLOCK_LIMITS.messages)
    throw blockError("TOO_MANY_MESSAGES", cid, `${count} messages, at most ${BLOCK_LIMITS.messages} allowed`);
}

export function checkWins({ header, cid }: IncomingBlock): void {
  if (header.electionProof.winCount < 1n)
    throw blockError("WIN_COUNT_LOW", cid, "the block does not claim to have won");
}

/** A header that need not be complete, and its CID. */
type Named = { readonly header: BlockHeader; readonly cid: CID };

/** Epochs that are looked at: not below finality, not far ahead of the clock. */
export function checkRange(cid: CID, epoch: number, head: number, epochNow: number): void {
  const { finality, heightDrift } = BLOCK_LIMITS;
  if (epoch < head - finality || epoch > epochNow + heightDrift)
    throw blockError("OUT_OF_RANGE", cid, `epoch ${epoch} is out of range (head ${head}, clock ${epochNow})`);
}

export function checkHeight({ header, cid }: IncomingBlock, parent: Tipset): void {
  if (header.height <= parent.height)
    throw blockError("HEIGHT", cid, `epoch ${header.height} is not above the parent's, ${parent.height}`);
}

/** `parent.blocks` may differ in timestamp only if one of them is wrong; the smallest counts. */
export function checkTimestamp({ header, cid }: IncomingBlock, parent: Tipset, blockDelay: number): void {
  const base = parent.blocks.reduce((least, { timestamp }) => (timestamp < least ? timestamp : least), 1n << 63n);
  const due = base + BigInt(header.height - parent.height) * BigInt(blockDelay);
  if (header.timestamp !== due)
    throw blockError("TIMESTAMP", cid, `timestamp ${header.timestamp} where ${due} belongs`);
}

/** `now`: Unix time, milliseconds. */
export function checkNotFromFuture({ header, cid }: IncomingBlock, now: number): void {
  const limit = BigInt(Math.floor(now / 1000)) + BigInt(BLOCK_LIMITS.clockDriftSeconds);
  if (header.timestamp > limit)
    throw blockError("FROM_FUTURE", cid, `timestamp ${header.timestamp} lies in the future (${limit} is the limit)`);
}

export function checkParentWeight({ header, cid }: Named, weight: bigint): void {
  if (header.parentWeight !== weight)
    throw blockError("PARENT_WEIGHT", cid, `parent weight ${header.parentWeight} where ${weight} was computed`);
}

export function checkBaseFee({ header, cid }: Named, fee: bigint): void {
  if (header.parentBaseFee !== fee)
    throw blockError("BASE_FEE", cid, `base fee ${header.parentBaseFee} where ${fee} was computed`);
}

/** The beacon entry that a block's draws use: its own last one, or the chain's latest. */
export function beaconOf(header: BlockHeader, previous: BeaconEntry): BeaconEntry {
  return header.beaconEntries[header.beaconEntries.length - 1] ?? previous;
}
