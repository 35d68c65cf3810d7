/**
 * The storage miner as published, v8 to v18: its methods. Sources: go-state-types 8b01cf99da27 builtin/v8 to builtin/v18
 * miner/methods.go, whose list keeps methods that the actor has given up; results as in builtin-actors v8.0.0 to v18.0.0
 * actors/miner/src/lib.rs.
 */
import { sharedTypes } from "../actors/shared.ts";
import { type ActorDescription, address, big, bitfield, bool, i64, type MethodDescription, ref, u64 } from "../kit.ts";
import { proofTypes } from "../proof.ts";
import { exported } from "./exported.ts";
import { minerParamTypes } from "./miner-params.ts";
import { minerStateTypes } from "./miner-state.ts";
import { publishedTypes } from "./shared.ts";

const batch = ref("BatchReturn");
const withdraw = { params: ref("WithdrawBalanceParams"), returns: big };
const beneficiary = { params: ref("ChangeBeneficiaryParams") };

const numbered: readonly MethodDescription[] = [
  { number: 1, name: "Constructor", params: ref("MinerConstructorParams") },
  { number: 2, name: "ControlAddresses", returns: ref("GetControlAddressesReturn") },
  { number: 3, name: "ChangeWorkerAddress", params: ref("ChangeWorkerAddressParams") },
  { number: 4, name: "ChangePeerID", params: ref("ChangePeerIDParams") },
  { number: 5, name: "SubmitWindowedPoSt", params: ref("SubmitWindowedPoStParams") },
  { number: 6, name: "PreCommitSector", params: ref("PreCommitSectorParams") },
  { number: 7, name: "ProveCommitSector", params: ref("ProveCommitSectorParams") },
  { number: 8, name: "ExtendSectorExpiration", params: ref("ExtendSectorExpirationParams") },
  {
    number: 9,
    name: "TerminateSectors",
    params: ref("TerminateSectorsParams"),
    returns: ref("TerminateSectorsReturn"),
  },
  { number: 10, name: "DeclareFaults", params: ref("DeclareFaultsParams") },
  { number: 11, name: "DeclareFaultsRecovered", params: ref("DeclareFaultsRecoveredParams") },
  { number: 12, name: "OnDeferredCronEvent", params: ref("DeferredCronEventParams") },
  { number: 13, name: "CheckSectorProven", params: ref("CheckSectorProvenParams") },
  { number: 14, name: "ApplyRewards", params: ref("ApplyRewardParams") },
  { number: 15, name: "ReportConsensusFault", params: ref("ReportConsensusFaultParams") },
  { number: 16, name: "WithdrawBalance", ...withdraw },
  { number: 17, name: "ConfirmSectorProofsValid", params: ref("ConfirmSectorProofsParams"), until: 13 },
  { number: 17, name: "InternalSectorSetupForPreseal", params: ref("ConfirmSectorProofsParams"), since: 14 },
  { number: 18, name: "ChangeMultiaddrs", params: ref("ChangeMultiaddrsParams") },
  { number: 19, name: "CompactPartitions", params: ref("CompactPartitionsParams") },
  { number: 20, name: "CompactSectorNumbers", params: ref("CompactSectorNumbersParams") },
  { number: 21, name: "ConfirmUpdateWorkerKey", until: 9 },
  { number: 21, name: "ConfirmChangeWorkerAddress", since: 10 },
  { number: 22, name: "RepayDebt" },
  { number: 23, name: "ChangeOwnerAddress", params: address },
  { number: 24, name: "DisputeWindowedPoSt", params: ref("DisputeWindowedPoStParams") },
  { number: 25, name: "PreCommitSectorBatch", params: ref("PreCommitSectorBatchParams") },
  { number: 26, name: "ProveCommitAggregate", params: ref("ProveCommitAggregateParams") },
  { number: 27, name: "ProveReplicaUpdates", params: ref("ProveReplicaUpdatesParams"), returns: bitfield },
  { number: 28, name: "PreCommitSectorBatch2", params: ref("PreCommitSectorBatchParams2"), since: 9 },
  { number: 29, name: "ProveReplicaUpdates2", params: ref("ProveReplicaUpdatesParams2"), returns: bitfield, since: 9 },
  { number: 30, name: "ChangeBeneficiary", ...beneficiary, since: 9 },
  { number: 31, name: "GetBeneficiary", returns: ref("GetBeneficiaryReturn"), since: 9 },
  { number: 32, name: "ExtendSectorExpiration2", params: ref("ExtendSectorExpiration2Params"), since: 9 },
  { number: 34, name: "ProveCommitSectors3", params: ref("ProveCommitSectors3Params"), returns: batch, since: 13 },
  { number: 35, name: "ProveReplicaUpdates3", params: ref("ProveReplicaUpdates3Params"), returns: batch, since: 13 },
  { number: 36, name: "ProveCommitSectorsNI", params: ref("ProveCommitSectorsNIParams"), returns: batch, since: 14 },
];

export const publishedMiner: ActorDescription = {
  name: "storageminer",
  state: "MinerState",
  module: {
    path: "published/miner",
    doc: "State, parameters and results of the published storage miner actor.",
    uses: [publishedTypes, proofTypes, sharedTypes],
    types: [...minerStateTypes, ...minerParamTypes],
  },
  methods: [
    ...numbered,
    exported("ChangeWorkerAddress", { params: ref("ChangeWorkerAddressParams") }),
    exported("ChangePeerID", { params: ref("ChangePeerIDParams") }),
    exported("WithdrawBalance", withdraw),
    exported("ChangeMultiaddrs", { params: ref("ChangeMultiaddrsParams") }),
    exported("ConfirmChangeWorkerAddress"),
    exported("RepayDebt"),
    exported("ChangeOwnerAddress", { params: address }),
    exported("ChangeBeneficiary", beneficiary),
    exported("GetBeneficiary", { returns: ref("GetBeneficiaryReturn") }),
    exported("GetOwner", { returns: ref("GetOwnerReturn") }),
    exported("IsControllingAddress", { params: address, returns: bool }),
    exported("GetSectorSize", { returns: u64 }),
    exported("GetAvailableBalance", { returns: big }),
    exported("GetVestingFunds", { returns: ref("GetVestingFundsReturn") }),
    exported("GetPeerID", { returns: ref("GetPeerIDReturn") }),
    exported("GetMultiaddrs", { returns: ref("GetMultiaddrsReturn") }),
    exported("MaxTerminationFee", { params: ref("MaxTerminationFeeParams"), returns: big }, 16),
    exported("InitialPledge", { returns: big }, 16),
    exported(
      "GenerateSectorLocation",
      {
        params: ref("GenerateSectorLocationParams"),
        returns: ref("GenerateSectorLocationReturn"),
      },
      18,
    ),
    exported("ValidateSectorStatus", { params: ref("ValidateSectorStatusParams"), returns: bool }, 18),
    exported("GetNominalSectorExpiration", { params: u64, returns: i64 }, 18),
  ],
};
