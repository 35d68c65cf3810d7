/** Types that more than one actor sends, receives or stores. Source: specs-actors builtin, runtime/proof, util/smoothing. */
import {
  address,
  big,
  bytes,
  cid,
  field,
  i64,
  list,
  ref,
  type SchemaModule,
  since,
  tuple,
  u64,
  until,
} from "../kit.ts";

export const sharedTypes: SchemaModule = {
  path: "runtime/shared",
  doc: "Types that more than one actor sends, receives or stores.",
  types: [
    tuple("FilterEstimate", "Alpha-beta filter: a value and its change per epoch, both Q.128.", [
      field("PositionEstimate", big, "Q.128"),
      field("VelocityEstimate", big, "Q.128 per epoch"),
    ]),
    tuple("SectorID", "A sector of the network.", [field("Miner", u64, "Actor id."), field("Number", u64)]),
    tuple("SealVerifyInfo", "What a seal proof is verified against.", [
      field("SealProof", i64, "Registered seal proof."),
      field("SectorID", ref("SectorID")),
      field("DealIDs", list(u64)),
      field("Randomness", bytes),
      field("InteractiveRandomness", bytes),
      field("Proof", bytes),
      field("SealedCID", cid, "CommR"),
      field("UnsealedCID", cid, "CommD"),
    ]),
    tuple("MinerAddrs", "Who controls a miner (the return value of its ControlAddresses).", [
      field("Owner", address),
      field("Worker", address),
      field("ControlAddrs", list(address)),
    ]),
    tuple("MinerConstructorParams", "Parameters of a miner's constructor.", [
      field("OwnerAddr", address),
      field("WorkerAddr", address),
      field("ControlAddrs", list(address)),
      field("SealProofType", i64),
      field("PeerId", bytes),
      field("Multiaddrs", list(bytes)),
    ]),
    tuple("ConfirmSectorProofsParams", "Sectors whose seal proofs were found valid.", [field("Sectors", list(u64))]),
    tuple("ApplyRewardParams", "A block's reward and penalty, for its miner (actors v2).", [
      field("Reward", big, "attoFIL"),
      field("Penalty", big, "attoFIL"),
    ]),
    tuple("CurrentTotalPowerReturn", "Power and pledge of the network, as of the last cron.", [
      field("RawBytePower", big, "bytes"),
      field("QualityAdjPower", big),
      field("PledgeCollateral", big, "attoFIL"),
      field("QualityAdjPowerSmoothed", ref("FilterEstimate")),
    ]),
    tuple("ThisEpochRewardReturn", "The reward per expected block, as of the last cron.", [
      field("ThisEpochReward", big, "attoFIL", until(0)),
      field("ThisEpochRewardSmoothed", ref("FilterEstimate")),
      field("ThisEpochBaselinePower", big, "bytes"),
    ]),
    tuple("UpdateClaimedPowerParams", "Change of a miner's power.", [
      field("RawByteDelta", big, "bytes"),
      field("QualityAdjustedDelta", big),
    ]),
    tuple("EnrollCronEventParams", "A wish to be called at an epoch.", [
      field("EventEpoch", i64),
      field("Payload", bytes),
    ]),
    tuple("VerifiedBytesParams", "A client's data cap, used or restored.", [
      field("Address", address, "The verified client."),
      field("DealSize", big, "bytes"),
    ]),
    tuple("VerifyDealsForActivationParams", "Deals of a sector that is pre-committed.", [
      field("DealIDs", list(u64)),
      field("SectorExpiry", i64, "epoch"),
      field("SectorStart", i64, "epoch"),
    ]),
    tuple("VerifyDealsForActivationReturn", "What the deals of a sector weigh.", [
      field("DealWeight", big, "byte-epochs of unverified deals"),
      field("VerifiedDealWeight", big, "byte-epochs of verified deals"),
      field("DealSpace", u64, "bytes of all deals", since(2)),
    ]),
    tuple("ActivateDealsParams", "Deals of a sector that is proven.", [
      field("DealIDs", list(u64)),
      field("SectorExpiry", i64, "epoch"),
    ]),
    tuple("ComputeDataCommitmentParams", "Deals whose pieces fill a sector.", [
      field("DealIDs", list(u64)),
      field("SectorType", i64, "Registered seal proof."),
    ]),
    tuple("OnMinerSectorsTerminateParams", "Deals of sectors that ended early.", [
      field("Epoch", i64),
      field("DealIDs", list(u64)),
    ]),
  ],
};
