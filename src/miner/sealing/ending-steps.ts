/** What is done at the end of a sector's life: the termination, and waiting until its files may go. */

import { StepFailure } from "./errors.ts";
import type { SectorRecord } from "./record.ts";
import type { Outcome, Steps } from "./steps.ts";
import { intention } from "./steps.ts";
import { SEALING_EPOCHS } from "./terms.ts";

/** Files that stay some epochs longer are in nobody's way: a clock that stands still is not made to pass them. */
async function whenFinal({ finalEpoch }: SectorRecord, epoch: number): Promise<Outcome> {
  const due = finalEpoch ?? epoch;
  return epoch >= due ? { event: "final", text: `epoch ${epoch}` } : { untilEpoch: due, patient: true };
}

export const ENDING_STEPS: Steps = {
  async Terminating(record, { chain }) {
    const condition = (await chain.conditions([record.number])).get(record.number);
    const { epoch } = await chain.head();
    const change = { finalEpoch: epoch + SEALING_EPOCHS.lookback };
    if (condition === "absent" || condition === "terminated")
      return { event: "gone", text: "the chain has ended it", change };
    const sent = await chain.sendTermination(intention("terminate", record), record.number);
    return { event: "sent", text: sent, change: { terminateMessage: sent } };
  },

  async TerminateWait(record, { chain, signal }) {
    const { exitCode, epoch } = await chain.executed(
      intention("terminate", record),
      SEALING_EPOCHS.messageConfidence,
      signal,
    );
    if (exitCode !== 0)
      throw new StepFailure({ code: "MESSAGE" }, `the termination failed with exit code ${exitCode} at epoch ${epoch}`);
    return { event: "landed", text: `at epoch ${epoch}`, change: { finalEpoch: epoch + SEALING_EPOCHS.lookback } };
  },

  TerminateFinality: async (record, { chain }) => whenFinal(record, (await chain.head()).epoch),
  Expiring: async (record, { chain }) => whenFinal(record, (await chain.head()).epoch),
};
