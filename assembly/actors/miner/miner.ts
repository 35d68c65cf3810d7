/**
 * Storage miner actor: sectors, their proofs, and the money that stands behind them.
 *
 * A miner announces a sealed sector (pre-commitment, against a deposit), proves the seal, and from then on proves once
 * a day that it still has the sector. Sectors belong to one of 48 deadlines a day, there to a partition, the unit of a
 * proof. At the end of each deadline cron makes faulty what was not proven, lets sectors expire and collects fees.
 * One source for both generations; `rules.ts` names what differs.
 * Source: specs-actors builtin/miner v0.9.12 and v2.1.0.
 */
import { ActorDef } from "../../runtime/actor";
import { compactPartitions, compactSectorNumbers } from "./methods/compact";
import { reportConsensusFault } from "./methods/consensus-fault";
import { constructor_ } from "./methods/construct";
import {
  changeMultiaddrs,
  changeOwnerAddress,
  changePeerId,
  changeWorkerAddress,
  confirmUpdateWorkerKey,
  controlAddresses,
} from "./methods/control";
import { onDeferredCronEvent } from "./methods/cron";
import { extendSectorExpiration } from "./methods/extend";
import { declareFaults, declareFaultsRecovered } from "./methods/faults";
import { preCommitSector } from "./methods/precommit";
import { checkSectorProven, confirmSectorProofsValid, proveCommitSector } from "./methods/prove-commit";
import { addLockedFund, applyRewards } from "./methods/rewards";
import { terminateSectors } from "./methods/terminate";
import { submitWindowedPost } from "./methods/window-post";
import { repayDebt, withdrawBalance } from "./methods/withdraw";

export function minerActor(): ActorDef {
  return new ActorDef("storageminer")
    .method(1, "Constructor", constructor_)
    .method(2, "ControlAddresses", controlAddresses)
    .method(3, "ChangeWorkerAddress", changeWorkerAddress)
    .method(4, "ChangePeerID", changePeerId)
    .method(5, "SubmitWindowedPoSt", submitWindowedPost)
    .method(6, "PreCommitSector", preCommitSector)
    .method(7, "ProveCommitSector", proveCommitSector)
    .method(8, "ExtendSectorExpiration", extendSectorExpiration)
    .method(9, "TerminateSectors", terminateSectors)
    .method(10, "DeclareFaults", declareFaults)
    .method(11, "DeclareFaultsRecovered", declareFaultsRecovered)
    .method(12, "OnDeferredCronEvent", onDeferredCronEvent)
    .method(13, "CheckSectorProven", checkSectorProven)
    .method(14, "AddLockedFund", addLockedFund, 0, 0)
    .method(14, "ApplyRewards", applyRewards, 2)
    .method(15, "ReportConsensusFault", reportConsensusFault)
    .method(16, "WithdrawBalance", withdrawBalance)
    .method(17, "ConfirmSectorProofsValid", confirmSectorProofsValid)
    .method(18, "ChangeMultiaddrs", changeMultiaddrs)
    .method(19, "CompactPartitions", compactPartitions)
    .method(20, "CompactSectorNumbers", compactSectorNumbers)
    .method(21, "ConfirmUpdateWorkerKey", confirmUpdateWorkerKey, 2)
    .method(22, "RepayDebt", repayDebt, 2)
    .method(23, "ChangeOwnerAddress", changeOwnerAddress, 2);
}
