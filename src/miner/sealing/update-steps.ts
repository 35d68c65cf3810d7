/**
 * What is done in each state of a sector that takes data without being sealed anew (FIP-0019). It is on the chain all the while: its first
 * replica stays until the update is on the chain so deep that no fork takes it back, and so long that no election asks for the first.
 *
 * Source: FIP-0019.
 */
import { sealedCid } from "../../sector/piece/cid.ts";
import { namesPieces } from "../chain-side/published-messages.ts";
import type { SectorFiles, SectorFolder } from "../folders/folder.ts";
import { StepFailure } from "./errors.ts";
import { isOver } from "./failed-steps.ts";
import { ownFolder } from "./own-files.ts";
import { sortPieces } from "./provable.ts";
import type { Counter, SectorRecord, SectorUpdate } from "./record.ts";
import {
  counted,
  forPieces,
  lastCall,
  type Outcome,
  proofOf,
  type StepContext,
  type Steps,
  sealedOf,
  short,
  unprovable,
  without,
  withoutLost,
} from "./steps.ts";
import { SEALING_EPOCHS } from "./terms.ts";
import { type UpdateWork, updateFiles } from "./update-work.ts";

/** Epochs between two looks at an update that is on the chain and not final yet. */
const LOOK_EPOCHS = 60;
/** What may fail of an update. */
const COUNTED: readonly Counter[] = ["update", "updateProof", "updateMessage"];

/** An intention of an update: its message; one that failed is followed by another. */
function updateIntention({ number, failures, updates }: SectorRecord): string {
  return `update/${number}/${updates}.${failures.updateMessage ?? 0}`;
}

/** A record's update. Throws `StepFailure` FILES where it has none, which no step leads to. */
function updateOf({ update }: SectorRecord): SectorUpdate {
  if (update === null) throw new StepFailure({ code: "FILES" }, "the sector has no update");
  return update;
}

function workOf({ updates }: StepContext): UpdateWork {
  if (updates === null) throw new Error("updates of sectors cannot be proven here");
  return updates;
}

/** Both replicas of an update. */
function replicasOf(record: SectorRecord) {
  const { commD, made } = updateOf(record);
  if (commD === null || made === null) throw new StepFailure({ code: "FILES" }, "the sector has no new replica");
  return { commROld: sealedOf(record).commR, commDNew: commD, commRNew: made.commR };
}

/** Throws `StepFailure` FILES where no folder has them. */
async function folderOf(record: SectorRecord, { folders, miner }: StepContext): Promise<SectorFolder> {
  const folder = await ownFolder(folders, { miner, number: record.number }, record);
  if (folder === null) throw new StepFailure({ code: "FILES" }, "no folder holds the sector's files");
  return folder;
}

async function filesOf(record: SectorRecord, context: StepContext): Promise<SectorFiles> {
  return (await folderOf(record, context)).files({ miner: context.miner, number: record.number });
}

/** Why the chain takes no update of a sector now; null if it does: it must have been proven, and not be faulty. */
export async function whyNotUpdatable(number: number, { chain }: Pick<StepContext, "chain">): Promise<string | null> {
  const condition = (await chain.conditions([number])).get(number) ?? "absent";
  if (condition === "healthy") return null;
  if (condition === "unproven") return "it has not had its first window PoSt yet";
  return `the chain says that it is ${condition}`;
}

/** Which replica the chain has of a sector; null: none. */
async function replicaOnChain(
  record: SectorRecord,
  { chain }: Pick<StepContext, "chain">,
): Promise<"old" | "new" | null> {
  const found = await chain.sector(record.number);
  const made = record.update?.made ?? null;
  if (found === null) return null;
  return made !== null && found.sealedCid.equals(sealedCid(made.commR)) ? "new" : "old";
}

/** The update's pieces as its message can name them; lost if nothing of them is left. */
async function provable(record: SectorRecord, context: StepContext) {
  const { chain, miner } = context;
  const [{ epoch, networkVersion }, found] = [await chain.head(), await chain.sector(record.number)];
  const next = epoch + 1;
  const times = { first: next, proven: next, expiration: found?.expiration ?? 0 };
  const sorted = await sortPieces(updateOf(record).pieces, chain, miner, times);
  const isLost = ({ pieces, why }: Pick<typeof sorted, "pieces" | "why">): boolean =>
    why !== "" && !(namesPieces(networkVersion) && pieces.some(({ deal }) => deal !== null));
  return { ...sorted, isLost };
}

/** A change of what is known of the update alone. */
function changed(record: SectorRecord, change: Partial<SectorUpdate>): { readonly update: SectorUpdate } {
  return { update: { ...updateOf(record), ...change } };
}

/** The new replica counts, whichever message brought it: the first one is needed from now on as if it came just now. */
async function onChain(record: SectorRecord, { chain }: StepContext): Promise<Outcome> {
  const finalEpoch = (await chain.head()).epoch + SEALING_EPOCHS.lookback;
  return { event: "onChain", text: "the update is on chain", change: changed(record, { finalEpoch }) };
}

/** Epoch from which on no fork executes the message that was sent last and is not known to have failed; 0 if there is none. */
async function finalOfSent(record: SectorRecord, { chain, signal }: StepContext): Promise<number> {
  const key = updateIntention(record);
  if ((await chain.sent(key)) === null) return 0;
  return (await chain.executed(key, SEALING_EPOCHS.messageConfidence, signal)).epoch + SEALING_EPOCHS.lookback;
}

const DONE = { update: 0, updateProof: 0, updateMessage: 0 } as const;

export const UPDATE_STEPS: Steps = {
  async SnapDealsWaitDeals(record, context) {
    const why = await whyNotUpdatable(record.number, context);
    if (why !== null) return lost(why, context);
    const { pieces, began } = updateOf(record);
    return forPieces(pieces, began, context);
  },

  async SnapDealsPacking(record, context) {
    const sorted = await provable(record, context);
    const { pieces, why } = sorted;
    if (sorted.isLost(sorted)) return unprovable(why, context);
    const files = updateFiles(await filesOf(record, context));
    const commD = await context.work.pack(files, proofOf(record).sectorBytes, pieces);
    return {
      event: "packed",
      text: `CommD ${short(commD)}…${without(why)}`,
      change: changed(record, { commD, pieces }),
    };
  },

  async UpdateReplica(record, context) {
    const { sectorBytes } = proofOf(record);
    const { commD } = updateOf(record);
    if (commD === null) throw new StepFailure({ code: "FILES" }, "the update's data is not packed");
    const commitments = { commROld: sealedOf(record).commR, commDNew: commD };
    const folder = await folderOf(record, context);
    const name = { miner: context.miner, number: record.number };
    await folder.reserve(name, workOf(context).updateBytes(sectorBytes));
    const work = workOf(context).update(folder.files(name), sectorBytes, commitments, context.signal);
    const { commRLastNew, commRNew } = await work;
    const made = { commRLast: commRLastNew, commR: commRNew };
    return { event: "updated", text: `CommR ${short(commRNew)}…`, change: changed(record, { made, proof: null }) };
  },

  async ProveReplicaUpdate(record, context) {
    const files = await filesOf(record, context);
    const statement = replicasOf(record);
    const proof = await workOf(context).prove(files, proofOf(record), statement, context.signal);
    return { event: "proven", text: `${proof.length} bytes`, change: { error: null, ...changed(record, { proof }) } };
  },

  async SubmitReplicaUpdate(record, context) {
    const { chain } = context;
    const { number } = record;
    const key = updateIntention(record);
    const { epoch } = await chain.head();
    const finalEpoch = epoch + SEALING_EPOCHS.lookback;
    const before = await chain.sent(key);
    if (before !== null)
      return { event: "sent", text: before, change: changed(record, { message: before, finalEpoch }) };
    if ((await replicaOnChain(record, context)) === "new") return onChain(record, context);
    const why = await whyNotUpdatable(number, context);
    if (why !== null) return lost(why, context);
    const from = await chain.mutableFrom(number);
    if (from === null) return lost("it is in no deadline", context);
    if (from > epoch + 1) return { event: "immutable", text: `until epoch ${from}` };
    const sorted = await provable(record, context);
    // Nothing is at stake but time, and that of the other deals ends the wait.
    if (sorted.awaited.length > 0 && epoch + 1 < lastCall(updateOf(record).pieces)) return { untilEpoch: epoch + 1 };
    const { pieces, why: lacking } = withoutLost(sorted);
    if (sorted.isLost({ pieces, why: lacking })) return unprovable(lacking, context);
    const { proof } = updateOf(record);
    if (proof === null) throw new StepFailure({ code: "PROOF" }, "the update has no proof");
    const order = {
      number,
      proof: record.proof,
      sealedCid: sealedCid(replicasOf(record).commRNew),
      pieces,
      bytes: proof,
    };
    const sent = await chain.sendUpdate(key, order);
    const change = changed(record, { message: sent, finalEpoch, pieces });
    return { event: "sent", text: `${sent}${without(lacking)}`, change };
  },

  async WaitMutable({ number }, { chain }) {
    const [{ epoch }, from] = [await chain.head(), await chain.mutableFrom(number)];
    return from === null || from <= epoch + 1 ? { event: "mutable", text: `at epoch ${epoch}` } : { untilEpoch: from };
  },

  async ReplicaUpdateWait(record, context) {
    const { chain, signal } = context;
    const { exitCode, epoch } = await chain.executed(updateIntention(record), SEALING_EPOCHS.messageConfidence, signal);
    const finalEpoch = epoch + SEALING_EPOCHS.lookback;
    const isDone = exitCode === 0 && (await replicaOnChain(record, context)) === "new";
    if (!isDone) {
      const [code, text] =
        exitCode === 0
          ? (["PROOF", `the update was executed at epoch ${epoch} and did not change the sector`] as const)
          : (["MESSAGE", `the update failed with exit code ${exitCode} at epoch ${epoch}`] as const);
      const failed = { error: { code, text, at: context.now() }, failures: counted(record, "updateMessage") };
      // Until then a fork may execute it all the same.
      return { event: "failed", text, change: { ...failed, ...changed(record, { finalEpoch }) } };
    }
    return { event: "landed", text: `at epoch ${epoch}`, change: { error: null, ...changed(record, { finalEpoch }) } };
  },

  async UpdateActivating(record, context) {
    const { epoch } = await context.chain.head();
    const { finalEpoch } = updateOf(record);
    const due = finalEpoch ?? epoch + SEALING_EPOCHS.lookback;
    // Without a sector on the chain there is none to change any more: its end is seen by whoever looks at proven ones.
    if ((await replicaOnChain(record, context)) === "old")
      return { event: "takenBack", text: "the chain was reorganised: it has the first replica again" };
    if (epoch >= due) return { event: "active", text: `epoch ${epoch}` };
    return { untilEpoch: Math.min(due, epoch + LOOK_EPOCHS), patient: true };
  },

  async FinalizeReplicaUpdate(record, context) {
    const { folders, miner } = context;
    const update = updateOf(record);
    const files = await filesOf(record, context);
    await workOf(context).finalize(files, proofOf(record).sectorBytes, update.keepUnsealed);
    for (const folder of folders.all) folder.release({ miner, number: record.number });
    const failures = { ...record.failures, ...DONE };
    return { event: "finalized", text: "", change: { error: null, failures, ...changed(record, { isFinal: true }) } };
  },

  async AbortUpgrade(record, context) {
    const { folders, miner, chain } = context;
    const { message, finalEpoch } = updateOf(record);
    if ((await replicaOnChain(record, context)) === "new") return onChain(record, context);
    // A fork may still execute what was sent, and the sector would be proven by the new replica.
    const due = Math.max(message === null ? 0 : (finalEpoch ?? 0), await finalOfSent(record, context));
    // What was sent may have been executed while it was waited for.
    if ((await replicaOnChain(record, context)) === "new") return onChain(record, context);
    const { epoch } = await chain.head();
    if (epoch < due) return { untilEpoch: Math.min(due, epoch + LOOK_EPOCHS), patient: true };
    const name = { miner, number: record.number };
    const folder = await ownFolder(folders, name, record);
    if (folder !== null) await workOf(context).abort(folder.files(name), proofOf(record).sectorBytes);
    for (const one of folders.all) one.release(name);
    return { event: "undone", text: "", change: { update: null, failures: { ...record.failures, ...DONE } } };
  },

  async ReplicaUpdateFailed(record, context) {
    const { failures, error } = record;
    if ((await replicaOnChain(record, context)) === "new") return onChain(record, context);
    const over = COUNTED.find((counter) => isOver(record, counter));
    if (over !== undefined) return { event: "givenUp", text: `failed ${failures[over]} times: ${error?.text ?? ""}` };
    const { commD, made, proof } = updateOf(record);
    if (commD === null) return { event: "unpacked", text: "" };
    // Files that were lost or changed, or what the chain did not take, are made again. By CommR a message that a fork executes is still known.
    if (made === null || error?.code === "FILES" || error?.code === "PROOF")
      return { event: "fromReplica", text: "", change: changed(record, { proof: null }) };
    return { event: proof === null ? "proofAgain" : "again", text: "" };
  },

  FinalizeReplicaUpdateFailed: async () => ({ event: "again", text: "" }),
};

function lost(why: string, { now }: StepContext): Outcome {
  return { event: "lost", text: why, change: { error: { code: "MESSAGE", text: why, at: now() } } };
}
