/**
 * Parameters and results of a miner as published, v8 to v18. Sources: go-state-types 8b01cf99da27 builtin/v8 to
 * builtin/v18 miner; the list of a miner's network addresses and the vesting table as the actor returns them,
 * builtin-actors v10.0.0 and v18.0.0 actors/miner/src/types.rs.
 */
import {
  address,
  big,
  bitfield,
  bool,
  bytes,
  cid,
  type Field,
  field,
  i64,
  list,
  optional,
  ref,
  type TupleType,
  tuple,
  u64,
} from "../kit.ts";

function declaration(name: string, doc: string, more: readonly Field[] = []): TupleType {
  return tuple(name, doc, [field("Deadline", u64), field("Partition", u64), field("Sectors", bitfield), ...more]);
}

/** Figures of the network that the power actor hands to a miner. */
const smoothed = {
  reward: field("RewardSmoothed", ref("FilterEstimate"), "Per epoch."),
  power: field("QualityAdjPowerSmoothed", ref("FilterEstimate")),
};

/** What a call with several sectors asks of failures. */
const required = [
  field("RequireActivationSuccess", bool, "Whether the failure of one sector fails all."),
  field("RequireNotificationSuccess", bool, "Whether a receiver that refuses a piece fails all."),
];
const aggregate = [
  field("SectorProofs", list(bytes), "One of each sector, or"),
  field("AggregateProof", bytes, "one of all."),
];

const identity: TupleType[] = [
  tuple("GetControlAddressesReturn", "Who controls a miner.", [
    field("Owner", address),
    field("Worker", address),
    field("ControlAddrs", list(address)),
  ]),
  tuple("ChangeWorkerAddressParams", "The worker and all control addresses.", [
    field("NewWorker", address),
    field("NewControlAddrs", list(address)),
  ]),
  tuple("ChangePeerIDParams", "The new libp2p identity.", [field("NewID", bytes)]),
  tuple("ChangeMultiaddrsParams", "The new addresses.", [field("NewMultiaddrs", list(bytes))]),
  tuple("ChangeBeneficiaryParams", "A beneficiary to propose, or to approve.", [
    field("NewBeneficiary", address),
    field("NewQuota", big, "attoFIL"),
    field("NewExpiration", i64, "epoch"),
  ]),
  tuple("ActiveBeneficiary", "The beneficiary and its term.", [
    field("Beneficiary", address),
    field("Term", ref("BeneficiaryTerm")),
  ]),
  tuple("GetBeneficiaryReturn", "The beneficiary, and who is proposed.", [
    field("Active", ref("ActiveBeneficiary")),
    field("Proposed", optional(ref("PendingBeneficiaryChange"))),
  ]),
  tuple("GetOwnerReturn", "The owner, and who is proposed.", [
    field("Owner", address),
    field("Proposed", optional(address)),
  ]),
  tuple("GetPeerIDReturn", "The libp2p identity.", [field("PeerId", bytes)]),
  tuple("GetMultiaddrsReturn", "The network addresses.", [field("MultiAddrs", list(bytes))]),
];

const money: TupleType[] = [
  tuple("ApplyRewardParams", "A block's reward and penalty.", [
    field("Reward", big, "attoFIL"),
    field("Penalty", big, "attoFIL"),
  ]),
  tuple("WithdrawBalanceParams", "An amount to withdraw.", [field("AmountRequested", big, "attoFIL")]),
  tuple("GetVestingFundsReturn", "The vesting table.", [field("Funds", list(ref("VestingFund")))]),
  tuple("MaxTerminationFeeParams", "A sector, or several, to be terminated.", [
    field("Power", big, "Quality-adjusted."),
    field("InitialPledge", big, "attoFIL"),
  ]),
];

const posts: TupleType[] = [
  tuple("PoStPartition", "A partition being proven.", [
    field("Index", u64),
    field("Skipped", bitfield, "Sectors left out, faulty from now on."),
  ]),
  tuple("SubmitWindowedPoStParams", "A window PoSt.", [
    field("Deadline", u64),
    field("Partitions", list(ref("PoStPartition"))),
    field("Proofs", list(ref("PoStProof"))),
    field("ChainCommitEpoch", i64, "An epoch that the prover saw."),
    field("ChainCommitRand", bytes, "Its ticket randomness."),
  ]),
  tuple("DisputeWindowedPoStParams", "A window PoSt that is said to be wrong.", [
    field("Deadline", u64),
    field("PoStIndex", u64, "Among those of the deadline."),
  ]),
  declaration("FaultDeclaration", "Sectors that are faulty."),
  tuple("DeclareFaultsParams", "Faults.", [field("Faults", list(ref("FaultDeclaration")))]),
  declaration("RecoveryDeclaration", "Sectors expected to be proven again."),
  tuple("DeclareFaultsRecoveredParams", "Recoveries.", [field("Recoveries", list(ref("RecoveryDeclaration")))]),
  tuple("ReportConsensusFaultParams", "Block headers that prove a fault.", [
    field("BlockHeader1", bytes),
    field("BlockHeader2", bytes),
    field("BlockHeaderExtra", bytes),
  ]),
  tuple("DeferredCronEventParams", "A deferred event.", [
    field("EventPayload", bytes, "CBOR of a CronEventPayload."),
    smoothed.reward,
    smoothed.power,
  ]),
  tuple("CompactPartitionsParams", "Partitions of a deadline.", [
    field("Deadline", u64),
    field("Partitions", bitfield),
  ]),
  tuple("CompactSectorNumbersParams", "Sector numbers never to be used.", [field("MaskSectorNumbers", bitfield)]),
];

const onboarding: TupleType[] = [
  tuple("PreCommitSectorParams", "What a miner says about a sector before proving it.", [
    field("SealProof", i64, "Registered seal proof."),
    field("SectorNumber", u64),
    field("SealedCID", cid, "CommR"),
    field("SealRandEpoch", i64),
    field("DealIDs", list(u64)),
    field("Expiration", i64, "epoch"),
    field("ReplaceCapacity", bool, "Unused."),
    field("ReplaceSectorDeadline", u64, "Unused."),
    field("ReplaceSectorPartition", u64, "Unused."),
    field("ReplaceSectorNumber", u64, "Unused."),
  ]),
  tuple("PreCommitSectorBatchParams", "Sectors to pre-commit.", [field("Sectors", list(ref("PreCommitSectorParams")))]),
  tuple("PreCommitSectorBatchParams2", "Sectors to pre-commit.", [field("Sectors", list(ref("SectorPreCommitInfo")))]),
  tuple("ProveCommitSectorParams", "The proof of a sector's seal.", [
    field("SectorNumber", u64),
    field("Proof", bytes),
  ]),
  tuple("ProveCommitAggregateParams", "One proof of several seals.", [
    field("SectorNumbers", bitfield),
    field("AggregateProof", bytes),
  ]),
  tuple(
    "ConfirmSectorProofsParams",
    "Sectors whose seal proofs were found valid; at genesis, sectors without proofs.",
    [field("Sectors", list(u64)), smoothed.reward, field("RewardBaselinePower", big, "bytes"), smoothed.power],
  ),
  tuple("VerifiedAllocationKey", "An allocation of the verified registry.", [
    field("Client", u64, "actor id"),
    field("ID", u64),
  ]),
  tuple("DataActivationNotification", "Whom to tell about a piece.", [
    field("Address", address),
    field("Payload", bytes),
  ]),
  tuple("PieceActivationManifest", "A piece in a sector.", [
    field("CID", cid, "CommP"),
    field("Size", u64, "bytes with padding"),
    field("VerifiedAllocationKey", optional(ref("VerifiedAllocationKey"))),
    field("Notify", list(ref("DataActivationNotification"))),
  ]),
  tuple("SectorActivationManifest", "A pre-committed sector and its pieces.", [
    field("SectorNumber", u64),
    field("Pieces", list(ref("PieceActivationManifest"))),
  ]),
  tuple("ProveCommitSectors3Params", "Sectors to activate.", [
    field("SectorActivations", list(ref("SectorActivationManifest"))),
    ...aggregate,
    field("AggregateProofType", optional(i64), "Registered aggregation."),
    ...required,
  ]),
  tuple("SectorNIActivationInfo", "A sector sealed without the chain's randomness.", [
    field("SealingNumber", u64, "Number it was sealed with."),
    field("SealerID", u64, "Actor id it was sealed for."),
    field("SealedCID", cid, "CommR"),
    field("SectorNumber", u64),
    field("SealRandEpoch", i64),
    field("Expiration", i64, "epoch"),
  ]),
  tuple("ProveCommitSectorsNIParams", "Sectors to activate that were not pre-committed.", [
    field("Sectors", list(ref("SectorNIActivationInfo"))),
    field("AggregateProof", bytes),
    field("SealProofType", i64, "Registered seal proof."),
    field("AggregateProofType", i64, "Registered aggregation."),
    field("ProvingDeadline", u64, "To which they are assigned."),
    field("RequireActivationSuccess", bool, "Whether the failure of one sector fails all."),
  ]),
];

const updates: TupleType[] = [
  tuple("ReplicaUpdate", "Data for a sector without any.", [
    field("SectorID", u64, "Its number."),
    field("Deadline", u64),
    field("Partition", u64),
    field("NewSealedSectorCID", cid, "CommR"),
    field("Deals", list(u64)),
    field("UpdateProofType", i64, "Registered update proof."),
    field("ReplicaProof", bytes),
  ]),
  tuple("ProveReplicaUpdatesParams", "Updates.", [field("Updates", list(ref("ReplicaUpdate")))]),
  tuple("ReplicaUpdate2", "Data for a sector without any.", [
    field("SectorID", u64, "Its number."),
    field("Deadline", u64),
    field("Partition", u64),
    field("NewSealedSectorCID", cid, "CommR"),
    field("NewUnsealedSectorCID", cid, "CommD"),
    field("Deals", list(u64)),
    field("UpdateProofType", i64, "Registered update proof."),
    field("ReplicaProof", bytes),
  ]),
  tuple("ProveReplicaUpdatesParams2", "Updates.", [field("Updates", list(ref("ReplicaUpdate2")))]),
  tuple("SectorUpdateManifest", "A sector and the pieces that it has from now on.", [
    field("Sector", u64),
    field("Deadline", u64),
    field("Partition", u64),
    field("NewSealedCID", cid, "CommR"),
    field("Pieces", list(ref("PieceActivationManifest"))),
  ]),
  tuple("ProveReplicaUpdates3Params", "Updates.", [
    field("SectorUpdates", list(ref("SectorUpdateManifest"))),
    ...aggregate,
    field("UpdateProofsType", i64, "Registered update proof."),
    field("AggregateProofType", optional(i64), "Registered aggregation."),
    ...required,
  ]),
];

const lifetime: TupleType[] = [
  declaration("ExpirationExtension", "Sectors with a later expiration.", [field("NewExpiration", i64)]),
  tuple("ExtendSectorExpirationParams", "Extensions.", [field("Extensions", list(ref("ExpirationExtension")))]),
  tuple("SectorClaim", "What becomes of a sector's claims.", [
    field("SectorNumber", u64),
    field("MaintainClaims", list(u64)),
    field("DropClaims", list(u64)),
  ]),
  declaration("ExpirationExtension2", "Sectors with a later expiration.", [
    field("SectorsWithClaims", list(ref("SectorClaim"))),
    field("NewExpiration", i64),
  ]),
  tuple("ExtendSectorExpiration2Params", "Extensions.", [field("Extensions", list(ref("ExpirationExtension2")))]),
  declaration("TerminationDeclaration", "Sectors to terminate."),
  tuple("TerminateSectorsParams", "Terminations.", [field("Terminations", list(ref("TerminationDeclaration")))]),
  tuple("TerminateSectorsReturn", "Whether all early terminations are paid.", [field("Done", bool)]),
  tuple("CheckSectorProvenParams", "A sector number.", [field("SectorNumber", u64)]),
  tuple("GenerateSectorLocationParams", "A sector number.", [field("SectorNumber", u64)]),
  tuple("GenerateSectorLocationReturn", "Where a sector is, for ValidateSectorStatus.", [
    field("Status", u64, "0: dead, 1: active, 2: faulty."),
    field("AuxData", bytes),
  ]),
  tuple("ValidateSectorStatusParams", "What is said about a sector.", [
    field("SectorNumber", u64),
    field("Status", u64, "0: dead, 1: active, 2: faulty."),
    field("AuxData", bytes, "Where it is."),
  ]),
];

export const minerParamTypes: readonly TupleType[] = [
  ...identity,
  ...money,
  ...posts,
  ...onboarding,
  ...updates,
  ...lifetime,
];
