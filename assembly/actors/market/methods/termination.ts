/** Deals of sectors that ended early. */
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { OnMinerSectorsTerminateParams } from "../../../runtime/shared.gen";
import { ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { MarketState } from "../codec.gen";
import { EPOCH_UNDEFINED } from "../policy";
import { MarketChange, PROPOSALS, STATES } from "../state";

/**
 * Allowed: miners. Marks deals for slashing; cron settles them. Deals that are gone, expired or marked already are
 * passed over.
 */
export function onMinerSectorsTerminate(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<OnMinerSectorsTerminateParams>(params);
  rt.allowTypes(["storageminer"]);
  const st = rt.begin<MarketState>();
  const change = new MarketChange(rt, st, STATES, PROPOSALS);
  for (let i = 0; i < p.dealIDs.length; i++) {
    const id = p.dealIDs[i];
    const deal = change.proposals.get(id);
    if (deal === null) continue;
    rt.invariant(deal.provider.eq(rt.caller), "caller is not the provider of the deal");
    if (deal.endEpoch <= p.epoch) continue;
    const state = change.states.get(id);
    if (state === null) {
      rt.abort(ERR_ILLEGAL_ARGUMENT, "no state for deal");
      continue;
    }
    if (state.slashEpoch != EPOCH_UNDEFINED) continue;
    state.slashEpoch = p.epoch;
    change.states.set(id, state);
  }
  change.flush();
  rt.commit(st);
  return NOTHING;
}
