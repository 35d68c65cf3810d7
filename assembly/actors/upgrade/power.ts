/**
 * Storage power: claims gain the miner's seal proof type, corrected claims and missed cron events are entered first, the
 * batch of proofs to verify is empty between epochs.
 */
import { Cid } from "../../ipld/cid";
import { addressKey, intKey, MapOf, Multimap } from "../../runtime/collections";
import { Address } from "../../types/address";
import { MinerInfo, MinerState } from "../miner/codec.gen";
import { Claim, CronEvent, PowerState } from "../power/codec.gen";
import { Sides } from "./stores";

/** What the corrections of miners leave to the power actor, in the order of the miners. */
@final
export class PowerUpdates {
  readonly miners: Array<Address> = [];
  readonly claims: Array<Claim> = [];
  readonly epochs: Array<i64> = [];
  readonly events: Array<CronEvent> = [];
}

/** `minerHead` finds the head of a miner before the upgrade. */
export abstract class MinerHeads {
  abstract headOf(miner: Address): Cid;
}

export function upgradePower(sides: Sides, head: Cid, updates: PowerUpdates, miners: MinerHeads): Cid {
  const st = sides.before.object<PowerState>(head);

  const crons = Multimap.load<CronEvent>(sides.before, st.cronEventQueue);
  for (let i = 0; i < updates.epochs.length; i++) crons.add(intKey(updates.epochs[i]), updates.events[i]);
  st.cronEventQueue = sides.rebuildMap(crons.root());

  const claims = MapOf.load<Claim>(sides.before, st.claims);
  for (let i = 0; i < updates.miners.length; i++) claims.put(addressKey(updates.miners[i]), updates.claims[i]);
  const out = MapOf.empty<Claim>(sides.after);
  const cursor = MapOf.load<Claim>(sides.before, claims.root()).cursor();
  while (cursor.next()) {
    const claim = cursor.value();
    const miner = sides.before.object<MinerState>(miners.headOf(new Address(cursor.key)));
    claim.sealProofType = sides.before.object<MinerInfo>(miner.info).sealProofType;
    out.put(cursor.key, claim);
  }
  st.claims = out.root();
  st.proofValidationBatch = null;
  return sides.after.putObject(st);
}
