/**
 * What is done with a sector that failed: after a pause that doubles from failure to failure, what the chain and the
 * counters say decides where it goes on. Everything has its limit; beyond it a person has to look.
 */
import { sealedCid } from "../../sector/piece/cid.ts";
import type { Counter, SectorRecord } from "./record.ts";
import type { SectorState } from "./states.ts";
import { isCommitted, isPreCommitted, type Outcome, reseal, type Steps } from "./steps.ts";
import { isTicketOld, maxProveCommit } from "./terms.ts";

/** How often something may fail before it is given up. */
export const LIMITS: Readonly<Partial<Record<Counter, number>>> = {
  packing: 3,
  labels: 3,
  trees: 6,
  proof: 3,
  reseal: 3,
  preCommit: 5,
  commit: 5,
  terminate: 5,
  update: 3,
  updateProof: 3,
  updateMessage: 5,
};
/** Failures of the trees after which the labels are made again. */
const TREES_PER_LABELS = 3;

/** What is counted when a state fails. */
export const COUNTERS: Readonly<Partial<Record<SectorState, Counter>>> = {
  Packing: "packing",
  PreCommit1: "labels",
  PreCommit2: "trees",
  PreCommitting: "preCommit",
  PreCommitWait: "preCommit",
  WaitSeed: "preCommit",
  Committing: "proof",
  SubmitCommit: "commit",
  CommitWait: "commit",
  FinalizeSector: "files",
  Terminating: "terminate",
  TerminateWait: "terminate",
  Removing: "files",
  SnapDealsPacking: "update",
  UpdateReplica: "update",
  ProveReplicaUpdate: "updateProof",
  SubmitReplicaUpdate: "updateMessage",
  FinalizeReplicaUpdate: "files",
};

export function isOver(record: SectorRecord, counter: Counter): boolean {
  const times = 1 + (record.failures.restarts ?? 0);
  return (record.failures[counter] ?? 0) > times * (LIMITS[counter] ?? Number.POSITIVE_INFINITY);
}

function givenUp(
  record: SectorRecord,
  text: string,
  code: "ATTEMPTS" | "DEPOSIT_LOST" | "OTHER_SECTOR" = "ATTEMPTS",
): Outcome {
  const last = record.error === null ? "" : `: ${record.error.text}`;
  const error = { code, text: `${text}${last}`, at: record.since };
  return { event: "givenUp", text: error.text, change: { error } };
}

const again = (text = ""): Outcome => ({ event: "again", text });

/** Given up if something failed too often, else tried again. */
function limited(record: SectorRecord, counter: Counter): Outcome {
  return isOver(record, counter) ? givenUp(record, `failed ${record.failures[counter]} times`) : again();
}

export const FAILED_STEPS: Steps = {
  PackingFailed: async (record) => limited(record, "packing"),

  async SealPreCommit1Failed(record, { chain }) {
    if (isOver(record, "labels")) return limited(record, "labels");
    const { ticket } = record;
    const isOld = ticket === null || isTicketOld(ticket.epoch, await chain.head());
    return isOld ? { event: "ticketOld", text: "its ticket is too old now" } : again();
  },

  async SealPreCommit2Failed(record) {
    if (isOver(record, "trees")) return limited(record, "trees");
    if ((record.failures.trees ?? 0) % TREES_PER_LABELS === 0) return { event: "fromLabels", text: "" };
    return again();
  },

  async PreCommitFailed(record, context) {
    const { chain } = context;
    const { number, sealed, ticket } = record;
    if (record.commD === null) return { event: "unpacked", text: "" };
    if (sealed === null) return reseal(record, "it is not sealed");
    if ((await isPreCommitted(record, chain)) || (await isCommitted(record, chain)))
      return { event: "onChain", text: "the chain has it" };
    const other = (await chain.preCommit(number)) ?? (await chain.sector(number));
    if (other !== null && !other.sealedCid.equals(sealedCid(sealed.commR)))
      return givenUp(record, `another replica is committed under the number ${number}`, "OTHER_SECTOR");
    // Without a record of it a number that was used stays used: the pre-commit has expired, and the deposit is burnt.
    if (await chain.isAllocated(number))
      return givenUp(record, "its pre-commit has expired: the deposit is lost, and the number with it", "DEPOSIT_LOST");
    if (isOver(record, "preCommit")) return limited(record, "preCommit");
    const head = await chain.head();
    if (ticket === null || isTicketOld(ticket.epoch, head))
      return isOver(record, "reseal") ? limited(record, "reseal") : reseal(record, "its ticket is too old now");
    return again();
  },

  async ComputeProofFailed(record, { chain }) {
    if (isOver(record, "proof")) return limited(record, "proof");
    if (!(await isPreCommitted(record, chain))) return { event: "gone", text: "the pre-commit is not on chain" };
    return again();
  },

  async CommitFailed(record, { chain, challengeDelay }) {
    if (await isCommitted(record, chain)) return { event: "onChain", text: "the chain has it" };
    const found = await chain.preCommit(record.number);
    if (found === null) return { event: "gone", text: "the pre-commit is not on chain" };
    const head = await chain.head();
    if (head.epoch >= found.epoch + maxProveCommit(head.networkVersion))
      return givenUp(record, "the time for its proof has passed: the deposit is lost", "DEPOSIT_LOST");
    if (record.error?.code === "DEPOSIT_LOST") return givenUp(record, "it cannot be proven", "DEPOSIT_LOST");
    if (isOver(record, "commit")) return limited(record, "commit");
    if (record.seed?.epoch !== found.epoch + challengeDelay) return { event: "seedChanged", text: "" };
    return record.error?.code === "PROOF" ? { event: "proofAgain", text: "" } : again();
  },

  FinalizeFailed: async () => again(),
  RemoveFailed: async () => again(),

  async TerminateFailed(record, { chain }) {
    const condition = (await chain.conditions([record.number])).get(record.number);
    if (condition === "absent" || condition === "terminated") return { event: "gone", text: "the chain has ended it" };
    return limited(record, "terminate");
  },
};

/** Milliseconds until a failed sector is looked at again: doubling with each failure in a row, to 64 times the first. */
export function pauseAfter({ failures: { restarts, ...failures } }: SectorRecord, first: number): number {
  const most = Math.max(1, ...Object.values(failures)) - (restarts ?? 0);
  return first * 2 ** Math.max(0, Math.min(most - 1, 6));
}
