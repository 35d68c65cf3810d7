/** `vm.wasm`: the machine and the actors of both native versions. Adding an actor adds a line. */
import { accountActor } from "../actors/account/account";
import { cronActor } from "../actors/cron/cron";
import { initActor } from "../actors/init/init";
import { marketActor } from "../actors/market/market";
import { minerActor } from "../actors/miner/miner";
import { multisigActor } from "../actors/multisig/multisig";
import { paychActor } from "../actors/paych/paych";
import { powerActor } from "../actors/power/power";
import { rewardActor } from "../actors/reward/reward";
import { systemActor } from "../actors/system/system";
import { verifregActor } from "../actors/verifreg/verifreg";
import { registry } from "./machine";

export {
  abiVersion,
  alloc,
  blockTraffic,
  collect,
  free,
  genesisTree,
  machineAdvance,
  machineApply,
  machineApplyImplicit,
  machineClose,
  machineFlush,
  machineOpen,
  machineReceipts,
  machineTrace,
  resultPtr,
  runActor,
  stateActor,
  stateResolve,
  stateSupply,
  upgradeActorsV2,
} from "./machine";

registry.add(systemActor());
registry.add(initActor());
registry.add(accountActor());
registry.add(rewardActor());
registry.add(cronActor());
registry.add(powerActor());
registry.add(marketActor());
registry.add(verifregActor());
registry.add(minerActor());
registry.add(multisigActor());
registry.add(paychActor());
