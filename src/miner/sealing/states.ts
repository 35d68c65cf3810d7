/**
 * The life of a sector as a table: its states, and which event leads from which state to which. The machine goes by this
 * table alone, and the picture in docs/life-of-a-sector.md is drawn from it.
 *
 * States are named as the reference's miner names them, so that its clients know them; Recovering and Expiring are ours.
 * Source of the names: lotus storage/pipeline/sector_state.go.
 */

/**
 * What a sector does in a state.
 * `input`: waits for data. `work`: computes. `message`: sends one. `wait`: for the chain. `held`: is proven, or has
 * something to be done about it, in every proving period. `failed`: decides what to do next, after a pause. `end`: nothing.
 */
export type StateKind = "input" | "work" | "message" | "wait" | "held" | "failed" | "end";

type Row = {
  readonly kind: StateKind;
  /** What happens here, for people; one line. */
  readonly about: string;
  /** State that each event leads to. */
  readonly on: { readonly [event: string]: string };
};

export const SECTOR_STATES = {
  WaitDeals: {
    kind: "input",
    about: "Waits for pieces until it is full, has waited long enough, or is closed by hand.",
    on: { closed: "Packing", removed: "Removing" },
  },
  Packing: {
    kind: "work",
    about: "Fills what is left of the sector with zero pieces and commits to the data (CommD).",
    on: { packed: "GetTicket", unprovable: "DealsExpired", failed: "PackingFailed" },
  },
  GetTicket: {
    kind: "wait",
    about: "Draws the ticket that binds the replica to the chain.",
    on: { ticketDrawn: "PreCommit1" },
  },
  PreCommit1: {
    kind: "work",
    about: "Computes tree D and the labels of all layers.",
    on: { labelled: "PreCommit2", ticketOld: "GetTicket", failed: "SealPreCommit1Failed" },
  },
  PreCommit2: {
    kind: "work",
    about: "Computes tree C, the replica and tree R-last (CommR).",
    on: { sealed: "PreCommitting", failed: "SealPreCommit2Failed" },
  },
  PreCommitting: {
    kind: "message",
    about: "Sends the pre-commit message, which takes a deposit.",
    on: {
      sent: "PreCommitWait",
      onChain: "WaitSeed",
      ticketOld: "GetTicket",
      unprovable: "DealsExpired",
      failed: "PreCommitFailed",
    },
  },
  PreCommitWait: {
    kind: "wait",
    about: "Waits until the pre-commit message is executed and has confirmations.",
    on: { landed: "WaitSeed", failed: "PreCommitFailed" },
  },
  WaitSeed: {
    kind: "wait",
    about: "Waits for the epoch whose beacon gives the challenges of the proof.",
    on: { seedDrawn: "Committing", onChain: "FinalizeSector", gone: "PreCommitFailed", failed: "PreCommitFailed" },
  },
  Committing: {
    kind: "work",
    about: "Computes the proof of replication.",
    on: { proven: "SubmitCommit", failed: "ComputeProofFailed" },
  },
  SubmitCommit: {
    kind: "message",
    about: "Sends the prove-commit message, if the seed is still what it was.",
    on: {
      sent: "CommitWait",
      onChain: "FinalizeSector",
      seedChanged: "WaitSeed",
      gone: "PreCommitFailed",
      failed: "CommitFailed",
    },
  },
  CommitWait: {
    kind: "wait",
    about:
      "Waits until the prove-commit message is executed, has confirmations, and the sector is in the miner's state.",
    on: { landed: "FinalizeSector", failed: "CommitFailed" },
  },
  FinalizeSector: {
    kind: "work",
    about: "Lets go of what only sealing needed: layers, trees C and D, and the unsealed copy unless it is kept.",
    on: { finalized: "Proving", failed: "FinalizeFailed" },
  },
  Proving: {
    kind: "held",
    about: "Is proven in its deadline of every proving period.",
    on: {
      faulty: "Faulty",
      expired: "Expiring",
      ended: "TerminateFinality",
      vanished: "CommitFailed",
      terminated: "Terminating",
      removed: "Removing",
      marked: "Available",
    },
  },
  Available: {
    kind: "held",
    about: "Is proven as before, and marked: the next deal that fits goes into it, without sealing it anew.",
    on: { begun: "SnapDealsWaitDeals", aborted: "Proving", lost: "Proving" },
  },
  SnapDealsWaitDeals: {
    kind: "input",
    about: "Is proven as before, and waits for pieces of its update as WaitDeals does.",
    on: { closed: "SnapDealsPacking", emptied: "Available", aborted: "AbortUpgrade", lost: "AbortUpgrade" },
  },
  SnapDealsPacking: {
    kind: "work",
    about: "Fills what is left of the update's data with zero pieces and commits to it (new CommD).",
    on: {
      packed: "UpdateReplica",
      unprovable: "AbortUpgrade",
      failed: "ReplicaUpdateFailed",
      aborted: "AbortUpgrade",
    },
  },
  UpdateReplica: {
    kind: "work",
    about: "Puts the data into a second replica beside the first (new CommR).",
    on: { updated: "ProveReplicaUpdate", failed: "ReplicaUpdateFailed", aborted: "AbortUpgrade" },
  },
  ProveReplicaUpdate: {
    kind: "work",
    about: "Computes the proof of the update.",
    on: { proven: "SubmitReplicaUpdate", failed: "ReplicaUpdateFailed", aborted: "AbortUpgrade" },
  },
  SubmitReplicaUpdate: {
    kind: "message",
    about: "Sends the message of the update, unless the sector's deadline is near: then nothing of it may change.",
    on: {
      sent: "ReplicaUpdateWait",
      onChain: "UpdateActivating",
      immutable: "WaitMutable",
      unprovable: "AbortUpgrade",
      lost: "AbortUpgrade",
      failed: "ReplicaUpdateFailed",
    },
  },
  WaitMutable: {
    kind: "wait",
    about: "Waits until the sector's deadline is over, so that the sector may change.",
    on: { mutable: "SubmitReplicaUpdate", aborted: "AbortUpgrade" },
  },
  ReplicaUpdateWait: {
    kind: "wait",
    about:
      "Waits until the message is executed and has confirmations; the chain says by which replica the sector is proven.",
    on: { landed: "UpdateActivating", failed: "ReplicaUpdateFailed" },
  },
  UpdateActivating: {
    kind: "held",
    about:
      "The update is on the chain; both replicas are kept until no fork takes it back and no election asks for the first.",
    on: { active: "FinalizeReplicaUpdate", takenBack: "ReplicaUpdateFailed" },
  },
  FinalizeReplicaUpdate: {
    kind: "work",
    about: "Lets go of the first replica, of the update's tree D, and of its unsealed copy unless it is kept.",
    on: { finalized: "Proving", failed: "FinalizeReplicaUpdateFailed" },
  },
  AbortUpgrade: {
    kind: "wait",
    about:
      "Removes what the update has made, if a message of it was sent once no fork can execute it; the sector is as before.",
    on: { undone: "Proving", onChain: "UpdateActivating" },
  },
  Faulty: {
    kind: "held",
    about: "The chain counts it as faulty: it has no power and costs a fee a day.",
    on: {
      recovering: "Recovering",
      healthy: "Proving",
      expired: "Expiring",
      ended: "TerminateFinality",
      terminated: "Terminating",
      removed: "Removing",
    },
  },
  Recovering: {
    kind: "held",
    about: "Declared to be good again; the next proof of its deadline gives the power back.",
    on: {
      healthy: "Proving",
      faulty: "Faulty",
      expired: "Expiring",
      ended: "TerminateFinality",
      terminated: "Terminating",
      removed: "Removing",
    },
  },
  Expiring: {
    kind: "held",
    about: "It has expired on the chain; its files are kept while it may still be drawn in an election.",
    on: { final: "Removing" },
  },
  Terminating: {
    kind: "message",
    about: "Sends the message that ends the sector before its time.",
    on: { sent: "TerminateWait", gone: "TerminateFinality", failed: "TerminateFailed" },
  },
  TerminateWait: {
    kind: "wait",
    about: "Waits until the termination is executed and has confirmations.",
    on: { landed: "TerminateFinality", failed: "TerminateFailed" },
  },
  TerminateFinality: {
    kind: "wait",
    about:
      "Ended before its time, by the miner or by the chain; its files are kept while it may still be drawn in an election.",
    on: { final: "Removing" },
  },
  Removing: {
    kind: "work",
    about: "Removes all files.",
    on: { gone: "Removed", failed: "RemoveFailed" },
  },
  Removed: { kind: "end", about: "Nothing is left but its number, which is never used again, and its log.", on: {} },
  PackingFailed: {
    kind: "failed",
    about: "Data could not be put together.",
    on: { again: "Packing", givenUp: "FailedUnrecoverable", removed: "Removing" },
  },
  SealPreCommit1Failed: {
    kind: "failed",
    about: "Labels could not be made.",
    on: { again: "PreCommit1", ticketOld: "GetTicket", givenUp: "FailedUnrecoverable", removed: "Removing" },
  },
  SealPreCommit2Failed: {
    kind: "failed",
    about: "Trees or replica could not be made; after some attempts the labels are made again.",
    on: { again: "PreCommit2", fromLabels: "PreCommit1", givenUp: "FailedUnrecoverable", removed: "Removing" },
  },
  PreCommitFailed: {
    kind: "failed",
    about: "The chain did not take the pre-commit, or has lost it: what it says now decides.",
    on: {
      again: "PreCommitting",
      onChain: "WaitSeed",
      ticketOld: "GetTicket",
      unpacked: "Packing",
      givenUp: "FailedUnrecoverable",
    },
  },
  ComputeProofFailed: {
    kind: "failed",
    about: "The proof of replication could not be made.",
    on: { again: "Committing", gone: "PreCommitFailed", givenUp: "FailedUnrecoverable" },
  },
  CommitFailed: {
    kind: "failed",
    about: "The chain did not take the proof, or has lost the sector: what it says now decides.",
    on: {
      again: "SubmitCommit",
      onChain: "FinalizeSector",
      proofAgain: "Committing",
      seedChanged: "WaitSeed",
      gone: "PreCommitFailed",
      givenUp: "FailedUnrecoverable",
    },
  },
  ReplicaUpdateFailed: {
    kind: "failed",
    about:
      "The update could not be made, or the chain did not take it: what it says now decides. Given up, the sector is as before.",
    on: {
      again: "SubmitReplicaUpdate",
      unpacked: "SnapDealsPacking",
      fromReplica: "UpdateReplica",
      proofAgain: "ProveReplicaUpdate",
      onChain: "UpdateActivating",
      givenUp: "AbortUpgrade",
      aborted: "AbortUpgrade",
    },
  },
  FinalizeReplicaUpdateFailed: {
    kind: "failed",
    about: "Files could not be let go of.",
    on: { again: "FinalizeReplicaUpdate" },
  },
  FinalizeFailed: { kind: "failed", about: "Files could not be let go of.", on: { again: "FinalizeSector" } },
  TerminateFailed: {
    kind: "failed",
    about: "The termination was not executed.",
    on: { again: "Terminating", gone: "TerminateFinality", givenUp: "FailedUnrecoverable" },
  },
  RemoveFailed: { kind: "failed", about: "Files could not be removed.", on: { again: "Removing" } },
  DealsExpired: {
    kind: "end",
    about:
      "Nothing that it was made for can be activated by its proof any more: no deposit is at stake. Its error says why; it is looked at again when it is restarted.",
    on: { restarted: "Packing", removed: "Removing" },
  },
  FailedUnrecoverable: {
    kind: "end",
    about: "Waits for a person: its error says why.",
    on: { restarted: "PreCommitFailed", removed: "Removing" },
  },
} as const satisfies { readonly [state: string]: Row };

/** States in which an open sector takes pieces. */
export const OPEN_STATES: readonly SectorState[] = ["WaitDeals", "SnapDealsWaitDeals"];

export type SectorState = keyof typeof SECTOR_STATES;
type Rows = typeof SECTOR_STATES;
/** Events that are known in some state. */
export type SectorEvent = { [S in SectorState]: keyof Rows[S]["on"] }[SectorState] & string;

export const ALL_STATES = Object.keys(SECTOR_STATES) as readonly SectorState[];

export function isSectorState(text: unknown): text is SectorState {
  return typeof text === "string" && Object.hasOwn(SECTOR_STATES, text);
}

export function kindOf(state: SectorState): StateKind {
  return SECTOR_STATES[state].kind;
}

/** The state that an event leads to; null where the event means nothing. */
export function nextState(state: SectorState, event: string): SectorState | null {
  const on: Row["on"] = SECTOR_STATES[state].on;
  return Object.hasOwn(on, event) ? (on[event] as SectorState) : null;
}
