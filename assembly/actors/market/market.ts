/**
 * Storage market: keeps the escrow of clients and providers, publishes their deals, pays and slashes over time.
 *
 * Life of a deal: published (both sides' funds are locked; processed first at a random epoch of the day after its
 * start) -> activated, when its sector is proven -> paid once a day by cron -> expired, or slashed when its sector ends
 * early. A deal that is not activated by its first processing costs the provider the collateral.
 * Exits: 16 bad argument or deal, 17 no such deal or address, 18 not the provider, 19 not enough funds, 20 bad state.
 * Source: specs-actors builtin/market, v0.9.12 and v2.1.0.
 */
import { Bytes } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { ArrayOf, MapOf } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { SYSTEM } from "../../types/singletons";
import { DealProposal, MarketState } from "./codec.gen";
import { activateDeals, computeDataCommitment, verifyDealsForActivation } from "./methods/activation";
import { cronTick } from "./methods/cron";
import { addBalance, withdrawBalance } from "./methods/escrow";
import { publishStorageDeals } from "./methods/publish";
import { onMinerSectorsTerminate } from "./methods/termination";
import { DealOps } from "./set-multimap";

export function marketActor(): ActorDef {
  return new ActorDef("storagemarket")
    .asSingleton()
    .method(1, "Constructor", construct)
    .method(2, "AddBalance", addBalance)
    .method(3, "WithdrawBalance", withdrawBalance)
    .method(4, "PublishStorageDeals", publishStorageDeals)
    .method(5, "VerifyDealsForActivation", verifyDealsForActivation)
    .method(6, "ActivateDeals", activateDeals)
    .method(7, "OnMinerSectorsTerminate", onMinerSectorsTerminate)
    .method(8, "ComputeDataCommitment", computeDataCommitment)
    .method(9, "CronTick", cronTick);
}

/** Allowed: the system. */
function construct(rt: Runtime, _params: Bytes): Bytes {
  rt.allowOnly([SYSTEM]);
  const array = ArrayOf.empty<DealProposal>(rt).root();
  const map = MapOf.empty<DealProposal>(rt).root();
  const st = new MarketState();
  st.proposals = array;
  st.states = array;
  st.pendingProposals = map;
  st.escrowTable = map;
  st.lockedTable = map;
  st.dealOpsByEpoch = DealOps.empty(rt).root();
  st.lastCron = -1;
  rt.create(st);
  return NOTHING;
}
