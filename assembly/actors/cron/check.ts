/** Invariants of the cron actor. */
import { CheckContext } from "../../runtime/check";
import { CronState } from "./codec.gen";

export function checkCron(st: CronState, at: CheckContext): void {
  for (let i = 0; i < st.entries.length; i++) {
    const entry = st.entries[i];
    at.that(entry.receiver.isId, "entry " + i.toString() + " does not name its receiver by id");
    at.that(entry.methodNum > 0, "entry " + i.toString() + " calls method 0");
  }
}
