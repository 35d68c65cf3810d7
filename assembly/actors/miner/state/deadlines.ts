/** The 48 deadlines of a proving period. Source: specs-actors builtin/miner/deadline_state.go. */
import { Cid } from "../../../ipld/cid";
import { Runtime } from "../../../runtime/runtime";
import { ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { Deadline, Deadlines } from "../codec.gen";
import { PERIOD_DEADLINES } from "../policy";
import { isNegativePower } from "../power-pair";

export function newDeadlines(emptyDeadline: Cid): Deadlines {
  const deadlines = new Deadlines();
  for (let i: u64 = 0; i < PERIOD_DEADLINES; i++) deadlines.due.push(emptyDeadline);
  return deadlines;
}

export function newDeadline(emptyArray: Cid): Deadline {
  const deadline = new Deadline();
  deadline.partitions = emptyArray;
  deadline.expirationsEpochs = emptyArray;
  return deadline;
}

export function loadDeadline(rt: Runtime, deadlines: Deadlines, index: u64): Deadline {
  rt.require(index < <u64>deadlines.due.length, ERR_ILLEGAL_ARGUMENT, "invalid deadline");
  return rt.getObject<Deadline>(deadlines.due[<i32>index]);
}

export function saveDeadline(rt: Runtime, deadlines: Deadlines, index: u64, deadline: Deadline): void {
  if (index >= <u64>deadlines.due.length) rt.fail("invalid deadline");
  if (rt.version.minerValidatesState) {
    if (deadline.liveSectors > deadline.totalSectors) rt.fail("deadline left with more live sectors than total");
    if (isNegativePower(deadline.faultyPower)) rt.fail("deadline left with negative faulty power");
  }
  deadlines.due[<i32>index] = rt.putObject(deadline);
}
