/** What the sealing of sectors can fail of. */
import { FilError } from "../../base/errors.ts";

export type SealingErrorData =
  /** This miner has no sector of the number. */
  | { readonly code: "UNKNOWN_SECTOR"; readonly sector: number }
  /** The sector's state knows no such event. */
  | { readonly code: "BAD_EVENT"; readonly sector: number; readonly state: string; readonly event: string }
  /** What was kept of a sector cannot be read. */
  | { readonly code: "BAD_RECORD"; readonly key: string }
  /** Sectors on their way are as many as are allowed at a time. */
  | { readonly code: "TOO_MANY"; readonly limit: number }
  /** A piece that cannot be taken: its size, its place, or what is in it. */
  | { readonly code: "BAD_PIECE"; readonly reason: string }
  /** A piece is too large for the sectors of this miner, or no sector has room for it. */
  | { readonly code: "NO_ROOM"; readonly bytes: number }
  /** No sector of this miner holds that. */
  | { readonly code: "NO_PIECE"; readonly sector: number; readonly offset: number }
  /** A sector that takes no data without being sealed anew. */
  | { readonly code: "NO_UPDATE"; readonly sector: number }
  /** The actors of this network version know no data without deals. */
  | { readonly code: "NO_DIRECT"; readonly networkVersion: number }
  | { readonly code: "STOPPED" };
export class SealingError extends FilError<SealingErrorData> {}

/** Why a sector went to a state of failure; the codes are for programs, the text is for people. */
export type FailureCode =
  /** Work on its files failed: they are missing, changed, or the disk refused. */
  | "FILES"
  /** A proof or a commitment came out wrong. */
  | "PROOF"
  /** A message was executed and failed; the exit code is in the text. */
  | "MESSAGE"
  /** The pre-commit's time has passed: its deposit is lost. */
  | "DEPOSIT_LOST"
  /** The chain says something about this number that this miner did not do. */
  | "OTHER_SECTOR"
  /** Something was tried as often as is allowed. */
  | "ATTEMPTS"
  /** No deal and no allocation of the sector can be activated any more. */
  | "DEALS";

/** Thrown by a step of a sector's life: its event `failed`. Anything else that is thrown is tried again in the same state. */
export class StepFailure extends FilError<{ readonly code: FailureCode }> {}
