/**
 * Why a block is not taken, and what follows for whoever sent it.
 *
 * One code a check. `reject`: the block is wrong for ever and its sender should have known. `ignore`: nothing can be said
 * of it now, or it is of no use. `later`: it may be right at another time; it is not remembered as bad.
 */
import { FilError } from "../base/errors.ts";
import { ExecError } from "../exec/errors.ts";
import { StateManagerError } from "../stmgr/errors.ts";
import { NodeError } from "../storage/amt.ts";
import { StorageError } from "../storage/contract.ts";

export type BlockAction = "reject" | "ignore" | "later";

/** Every check's code and what follows when it fails. Sources: lotus chain/consensus/{common,iface}.go, filcns/filecoin.go. */
export const BLOCK_CHECKS = {
  // ---- the header alone
  ELECTION_PROOF_MISSING: "reject",
  TICKET_MISSING: "reject",
  SIGNATURE_MISSING: "reject",
  AGGREGATE_MISSING: "reject",
  MINER_NOT_ID: "reject",
  TOO_MANY_MESSAGES: "reject",
  MESSAGE_ROOT: "reject",
  WIN_COUNT_LOW: "reject",
  // ---- where it stands
  OUT_OF_RANGE: "ignore",
  SEEN: "ignore",
  MARKED_BAD: "ignore",
  PARENT_UNKNOWN: "later",
  LOOKBACK_UNKNOWN: "later",
  HEIGHT: "reject",
  TIMESTAMP: "reject",
  FROM_FUTURE: "later",
  PARENT_WEIGHT: "reject",
  BASE_FEE: "reject",
  // ---- who made it
  MINER_UNKNOWN: "reject",
  NOT_ELIGIBLE: "reject",
  ELECTION_PROOF: "reject",
  WIN_COUNT: "reject",
  BLOCK_SIGNATURE: "reject",
  BEACON_ENTRY: "reject",
  TICKET: "reject",
  WINNING_POST: "reject",
  // ---- what it carries
  BLS_AGGREGATE: "reject",
  MESSAGE_SYNTAX: "reject",
  GAS_LIMIT_SUM: "reject",
  SENDER: "reject",
  NONCE: "reject",
  SIGNATURE_TYPE: "reject",
  MESSAGE_SIGNATURE: "reject",
  // ---- what it says of its parent
  STATE_ROOT: "reject",
  RECEIPTS_ROOT: "reject",
} as const satisfies Readonly<Record<string, BlockAction>>;

export type BlockCheck = keyof typeof BLOCK_CHECKS;

export type BlockErrorData = {
  readonly code: BlockCheck;
  /** CID of the block; empty where it has none yet. */
  readonly block: string;
  readonly action: BlockAction;
};

export class BlockError extends FilError<BlockErrorData> {
  get action(): BlockAction {
    return this.data.action;
  }
}

/** The error of a failed check. */
export function blockError(
  code: BlockCheck,
  block: { toString(): string } | "",
  why: string,
  options?: { readonly cause?: unknown },
): BlockError {
  return new BlockError({ code, block: `${block}`, action: BLOCK_CHECKS[code] }, why, options);
}

/** Causes that are looked through, whatever made them. */
const MAX_CAUSES = 16;

/**
 * Whether something of this node is behind an error: its disk, a state that it does not have, its machine. Such an error says
 * nothing of a block, and nothing of the peer that sent it.
 */
export function isOwnFault(error: unknown): boolean {
  let at: unknown = error;
  for (let i = 0; at !== undefined && at !== null && i < MAX_CAUSES; i++) {
    if (!(at instanceof FilError)) return true;
    if (at instanceof StorageError || at instanceof ExecError || at instanceof StateManagerError) return true;
    if (at instanceof NodeError && at.data.code === "MISSING_BLOCK") return true;
    at = at.cause;
  }
  return false;
}
