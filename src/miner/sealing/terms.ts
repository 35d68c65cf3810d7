/**
 * Epochs that a sector's sealing must keep to. The actors' own: `assembly/actors/miner/policy.ts`; of the published ones
 * builtin-actors v8.0.0 to v18.0.0 actors/miner/src/policy.rs, runtime/src/runtime/policy.rs.
 */
import { longestLife, SHORTEST_LIFE } from "../../params/lives.ts";
import { FIGURES, figureAt } from "../../schema/versions/figures.ts";
import { isFvm } from "../../schema/versions/rows.ts";
import { holds, RULES } from "../../schema/versions/rules.ts";
import type { SectorRecord } from "./record.ts";

const EPOCHS_IN_DAY = 2880;
const FINALITY = 900;

export const SEALING_EPOCHS = {
  /** A ticket is drawn so far back that no reorganisation changes it. Source: lotus chain/actors/policy (SealRandomnessLookback). */
  ticketLookback: FINALITY,
  /** A ticket that dies within so many epochs is taken for dead: the message has to be mined in time. */
  ticketMargin: 60,
  /** On top of a message before it counts. Source: lotus build/buildconstants/params_shared_vals.go (MessageConfidence). */
  messageConfidence: 5,
  /** On top of the seed's epoch before it counts. Source: lotus storage/pipeline/constants.go (InteractivePoRepConfidence). */
  seedConfidence: 6,
  /** From a pre-commit that is sent to a proof that is executed, beside the wait for the seed: both have to be mined, and the proof made. */
  proveMargin: 30,
  /** A sector without deals lives so long from its pre-commit: two days less than actors v0 and v2 allow. */
  capacityLife: 538 * EPOCHS_IN_DAY,
  /** Files of a sector that has ended are kept while a winning PoSt may ask for them. */
  lookback: FINALITY,
} as const;

/** Epochs after which a pre-commit with a ticket is refused. */
export function maxTicketAge(networkVersion: number): number {
  if (holds(RULES.minerSealAgeIsFixed, networkVersion)) return EPOCHS_IN_DAY + FINALITY;
  return FINALITY + maxProveCommit(networkVersion);
}

/** Of published actors: 30 days and the main network's challenge delay, which is more than a local network's. */
const PUBLISHED_PROVE_COMMIT = 30 * EPOCHS_IN_DAY + 150;

/** Epochs from a pre-commit to the last one at which its proof is taken. */
export function maxProveCommit(networkVersion: number): number {
  if (isFvm(networkVersion)) return PUBLISHED_PROVE_COMMIT;
  return figureAt(FIGURES.proveCommitEpochs, networkVersion);
}

/** Five years of 365 days. Source: specs-actors builtin/sector.go (SectorMaximumLifetime). */
const FIVE_YEARS = 5 * 365 * EPOCHS_IN_DAY;

/** Epochs that a proven sector may be given: from now on, and from its activation on at least and at most. */
export function lifeLimits(networkVersion: number) {
  return { ahead: longestLife(networkVersion), least: SHORTEST_LIFE, life: FIVE_YEARS };
}

/** Whether a pre-commit with this ticket may come too late. */
export function isTicketOld(ticketEpoch: number, head: { epoch: number; networkVersion: number }): boolean {
  return head.epoch + SEALING_EPOCHS.ticketMargin > ticketEpoch + maxTicketAge(head.networkVersion);
}

/** Epochs between which a sector that is pre-committed now may expire. */
export function endsOf({ epoch, networkVersion }: { readonly epoch: number; readonly networkVersion: number }) {
  // It must live so long even if it is proven as late as can be, some epochs from now.
  const least = epoch + maxProveCommit(networkVersion) + SHORTEST_LIFE + SEALING_EPOCHS.ticketMargin;
  return { least, most: epoch + longestLife(networkVersion) - 1 };
}

/** Epoch at which a sector is to expire: with its last deal, if the actors allow that. */
export function expirationOf(record: SectorRecord, head: { epoch: number; networkVersion: number }): number {
  const ends = record.pieces.flatMap(({ deal }) => (deal === null ? [] : [deal.endEpoch]));
  const wanted = ends.length === 0 ? head.epoch + SEALING_EPOCHS.capacityLife : Math.max(...ends);
  const { least, most } = endsOf(head);
  return Math.min(Math.max(wanted, least), most);
}

/** Epochs that a sector under way has to meet; null for what it does not have to, or no longer. */
export type Deadlines = {
  /** The last epoch at which a pre-commit with its ticket is taken: after it everything from the labels on is done again. */
  readonly ticketExpires: number | null;
  /** The last epoch at which its proof is taken: after it the deposit is lost, and the sector with it. */
  readonly commitDue: number | null;
};

export function deadlinesOf(record: SectorRecord, networkVersion: number): Deadlines {
  const { state, ticket, preCommitEpoch } = record;
  const isBefore = ["PreCommit1", "PreCommit2", "PreCommitting", "PreCommitWait", "PreCommitFailed"].includes(state);
  const isAfter = [
    "WaitSeed",
    "Committing",
    "SubmitCommit",
    "CommitWait",
    "ComputeProofFailed",
    "CommitFailed",
  ].includes(state);
  return {
    ticketExpires: isBefore && ticket !== null ? ticket.epoch + maxTicketAge(networkVersion) : null,
    commitDue: isAfter && preCommitEpoch !== null ? preCommitEpoch + maxProveCommit(networkVersion) : null,
  };
}
