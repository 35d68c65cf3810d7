/** Actors whose upgrade rebuilds their maps and changes nothing else. */
import { Cid } from "../../ipld/cid";
import { AccountState } from "../account/codec.gen";
import { CronState } from "../cron/codec.gen";
import { InitState } from "../init/codec.gen";
import { MarketState } from "../market/codec.gen";
import { MultisigState } from "../multisig/codec.gen";
import { PaychState } from "../paych/codec.gen";
import { Sides } from "./stores";

export function upgradeAccount(sides: Sides, head: Cid): Cid {
  return sides.rewrite<AccountState>(head);
}

export function upgradeCron(sides: Sides, head: Cid): Cid {
  return sides.rewrite<CronState>(head);
}

export function upgradeInit(sides: Sides, head: Cid): Cid {
  const st = sides.before.object<InitState>(head);
  st.addressMap = sides.rebuildMap(st.addressMap);
  return sides.after.putObject(st);
}

/** Arrays (proposals, deal states) have the same form on both sides. */
export function upgradeMarket(sides: Sides, head: Cid): Cid {
  const st = sides.before.object<MarketState>(head);
  st.pendingProposals = sides.rebuildMap(st.pendingProposals);
  st.escrowTable = sides.rebuildMap(st.escrowTable);
  st.lockedTable = sides.rebuildMap(st.lockedTable);
  st.dealOpsByEpoch = sides.rebuildMapOfMaps(st.dealOpsByEpoch);
  return sides.after.putObject(st);
}

export function upgradeMultisig(sides: Sides, head: Cid): Cid {
  const st = sides.before.object<MultisigState>(head);
  st.pendingTxns = sides.rebuildMap(st.pendingTxns);
  for (let i = 0; i < st.signers.length; i++) {
    if (!st.signers[i].isId) sides.before.fail("a multisig has a signer without ID address");
  }
  return sides.after.putObject(st);
}

export function upgradePaych(sides: Sides, head: Cid): Cid {
  const st = sides.before.object<PaychState>(head);
  if (!st.from.isId || !st.to.isId) sides.before.fail("a payment channel has a party without ID address");
  return sides.after.putObject(st);
}
