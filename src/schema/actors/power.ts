/** Storage power actor. Source: specs-actors builtin/power. */
import {
  type ActorDescription,
  address,
  arrayOf,
  big,
  bytes,
  field,
  i64,
  list,
  mapOf,
  optional,
  ref,
  since,
  tuple,
  until,
} from "../kit.ts";
import { sharedTypes } from "./shared.ts";

export const power: ActorDescription = {
  name: "storagepower",
  state: "PowerState",
  module: {
    path: "actors/power/codec",
    doc: "State and parameters of the storage power actor.",
    uses: [sharedTypes],
    types: [
      tuple("PowerState", "State of the storage power actor.", [
        field("TotalRawBytePower", big, "bytes, of miners above the minimum"),
        field("TotalBytesCommitted", big, "bytes, of all miners"),
        field("TotalQualityAdjPower", big, "Of miners above the minimum."),
        field("TotalQABytesCommitted", big, "Of all miners."),
        field("TotalPledgeCollateral", big, "attoFIL"),
        field("ThisEpochRawBytePower", big, "bytes, as of the last cron"),
        field("ThisEpochQualityAdjPower", big, "As of the last cron."),
        field("ThisEpochPledgeCollateral", big, "attoFIL, as of the last cron"),
        field("ThisEpochQAPowerSmoothed", ref("FilterEstimate")),
        field("MinerCount", i64),
        field("MinerAboveMinPowerCount", i64),
        field("CronEventQueue", mapOf("varint", arrayOf(ref("CronEvent"))), "From epoch."),
        field("FirstCronEpoch", i64, "First epoch that may have events."),
        field("LastProcessedCronEpoch", i64, undefined, until(0)),
        field("Claims", mapOf("address", ref("Claim")), "From the miner's ID address."),
        field(
          "ProofValidationBatch",
          optional(mapOf("address", arrayOf(ref("SealVerifyInfo")))),
          "Seals to verify at the end of the epoch, from the miner's ID address.",
        ),
      ]),
      tuple("Claim", "Power of one miner.", [
        field("SealProofType", i64, "Decides the minimum power.", since(2)),
        field("RawBytePower", big, "bytes"),
        field("QualityAdjPower", big),
      ]),
      tuple("CronEvent", "A call that a miner asked for.", [
        field("MinerAddr", address),
        field("CallbackPayload", bytes),
      ]),
      tuple("CreateMinerParams", "A miner to create.", [
        field("Owner", address),
        field("Worker", address),
        field("SealProofType", i64),
        field("Peer", bytes),
        field("Multiaddrs", list(bytes)),
      ]),
      tuple("CreateMinerReturn", "Addresses of the miner made.", [
        field("IDAddress", address),
        field("RobustAddress", address),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor" },
    { number: 2, name: "CreateMiner", params: ref("CreateMinerParams"), returns: ref("CreateMinerReturn") },
    { number: 3, name: "UpdateClaimedPower", params: ref("UpdateClaimedPowerParams") },
    { number: 4, name: "EnrollCronEvent", params: ref("EnrollCronEventParams") },
    { number: 5, name: "OnEpochTickEnd" },
    { number: 6, name: "UpdatePledgeTotal", params: big },
    { number: 7, name: "OnConsensusFault", params: big, until: 0 },
    { number: 8, name: "SubmitPoRepForBulkVerify", params: ref("SealVerifyInfo") },
    { number: 9, name: "CurrentTotalPower", returns: ref("CurrentTotalPowerReturn") },
  ],
};
