/**
 * Storage miners: corrections of old mistakes first, then the new layouts. A miner whose balance does not cover its pledge,
 * deposits and locked funds gets the difference from the burnt funds and owes it as fee debt.
 */
import { Big } from "../../base/big";
import { Cid } from "../../ipld/cid";
import { ArrayOf } from "../../runtime/collections";
import { Address } from "../../types/address";
import { Deadline, Deadlines, MinerInfo, MinerState, Partition, SectorOnChainInfo } from "../miner/codec.gen";
import { correctMiner } from "./miner-corrections";
import { PowerUpdates } from "./power";
import { Sides } from "./stores";

/** "Never": the last epoch of an exclusion after a consensus fault. */
const NO_FAULT: i64 = -1;

@final
export class UpgradedMiner {
  constructor(
    readonly head: Cid,
    /** attoFIL that it gets from the burnt funds */
    readonly transfer: Big,
  ) {}
}

export function upgradeMiner(
  sides: Sides,
  head: Cid,
  address: Address,
  balance: Big,
  priorEpoch: i64,
  updates: PowerUpdates,
): UpgradedMiner {
  const st = sides.before.object<MinerState>(correctMiner(sides.before, head, address, priorEpoch, updates));
  const info = sides.before.object<MinerInfo>(st.info);
  info.consensusFaultElapsed = NO_FAULT;
  st.info = sides.after.putObject(info);
  st.preCommittedSectors = sides.rebuildMap(st.preCommittedSectors);
  st.sectors = upgradeSectors(sides, st.sectors);
  st.deadlines = upgradeDeadlines(sides, st.deadlines);

  const liabilities = st.lockedFunds.add(st.preCommitDeposits).add(st.initialPledgeRequirement);
  const available = balance.sub(liabilities);
  st.feeDebt = available.negative ? available.neg() : Big.ZERO;
  st.initialPledge = st.initialPledgeRequirement;
  return new UpgradedMiner(sides.after.putObject(st), st.feeDebt);
}

/** Fields that are new (age and reward of a replaced sector) are zero. */
function upgradeSectors(sides: Sides, root: Cid): Cid {
  const out = ArrayOf.empty<SectorOnChainInfo>(sides.after);
  const cursor = ArrayOf.load<SectorOnChainInfo>(sides.before, root).cursor();
  while (cursor.next()) out.set(cursor.index, cursor.value());
  return out.root();
}

function upgradeDeadlines(sides: Sides, root: Cid): Cid {
  const deadlines = sides.before.object<Deadlines>(root);
  for (let i = 0; i < deadlines.due.length; i++) {
    const deadline = sides.before.object<Deadline>(deadlines.due[i]);
    // New in a partition: sectors and power not yet proven, of which there are none.
    const out = ArrayOf.empty<Partition>(sides.after);
    const cursor = ArrayOf.load<Partition>(sides.before, deadline.partitions).cursor();
    while (cursor.next()) out.set(cursor.index, cursor.value());
    deadline.partitions = out.root();
    deadlines.due[i] = sides.after.putObject(deadline);
  }
  return sides.after.putObject(deadlines);
}
