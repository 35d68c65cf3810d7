/** Invariants of a payment channel. */
import { CheckContext } from "../../runtime/check";
import { ArrayOf } from "../../runtime/collections";
import { LaneState, PaychState } from "./codec.gen";
import { MAX_LANE } from "./policy";

export function checkPaych(st: PaychState, at: CheckContext): void {
  at.that(st.from.isId, "the payer is not an ID address");
  at.that(st.to.isId, "the payee is not an ID address");
  at.that(st.settlingAt == 0 || st.settlingAt >= st.minSettleHeight, "settles before the agreed epoch");
  at.that(!st.toSend.negative, "owes a negative amount");
  at.that(at.balance.ge(st.toSend), "balance does not cover what is owed");
  const cursor = ArrayOf.load<LaneState>(at, st.laneStates).cursor();
  while (cursor.next()) {
    const name = "lane " + cursor.index.toString();
    at.that(cursor.index <= MAX_LANE, name + " is beyond the last one");
    at.that(!cursor.value().redeemed.negative, name + " has redeemed a negative amount");
  }
}
