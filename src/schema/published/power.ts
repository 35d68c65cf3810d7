/**
 * Storage power as published, v8 to v18. Sources: go-state-types 8b01cf99da27 builtin/v8 to builtin/v18 power;
 * MinerPower as in builtin-actors v16.0.0 actors/power/src/lib.rs.
 */

import { sharedTypes } from "../actors/shared.ts";
import {
  type ActorDescription,
  address,
  arrayOf,
  big,
  bool,
  bytes,
  field,
  i64,
  list,
  mapOf,
  optional,
  ref,
  type SchemaModule,
  since,
  tuple,
  u64,
  wideMapOf,
} from "../kit.ts";
import { exported } from "./exported.ts";
import { publishedTypes } from "./shared.ts";

/** How fast the pledge moves from the old formula to that of FIP-0081, from v15 on. */
const ramp = [
  field("RampStartEpoch", i64, "First epoch of the change of the pledge formula.", since(15)),
  field("RampDurationEpochs", u64, "Epochs that the change takes.", since(15)),
];

const module: SchemaModule = {
  path: "published/power",
  doc: "State and parameters of the published storage power actor.",
  uses: [publishedTypes, sharedTypes],
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
      ...ramp,
      field("CronEventQueue", wideMapOf("varint", arrayOf(ref("CronEvent"))), "From epoch."),
      field("FirstCronEpoch", i64, "First epoch that may have events."),
      field("Claims", mapOf("address", ref("Claim")), "From the miner's ID address."),
      field(
        "ProofValidationBatch",
        optional(mapOf("address", arrayOf(ref("SealVerifyInfo")))),
        "Seals to verify at the end of the epoch, from the miner's ID address.",
      ),
    ]),
    tuple("Claim", "Power of one miner.", [
      field("WindowPoStProofType", i64, "Decides the minimum power."),
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
      field("WindowPoStProofType", i64, "Registered window PoSt proof."),
      field("Peer", bytes),
      field("Multiaddrs", list(bytes)),
    ]),
    tuple("CreateMinerReturn", "Addresses of the miner made.", [
      field("IDAddress", address),
      field("RobustAddress", address),
    ]),
    tuple("CurrentTotalPowerReturn", "Power and pledge of the network, as of the last cron.", [
      field("RawBytePower", big, "bytes"),
      field("QualityAdjPower", big),
      field("PledgeCollateral", big, "attoFIL"),
      field("QualityAdjPowerSmoothed", ref("FilterEstimate")),
      ...ramp,
    ]),
    tuple("MinerRawPowerReturn", "Raw power of a miner.", [
      field("RawBytePower", big, "bytes"),
      field("MeetsConsensusMinimum", bool),
    ]),
    tuple("MinerPowerReturn", "Power of a miner.", [
      field("RawBytePower", big, "bytes"),
      field("QualityAdjPower", big),
    ]),
  ],
};

const createMiner = { params: ref("CreateMinerParams"), returns: ref("CreateMinerReturn") };

export const publishedPower: ActorDescription = {
  name: "storagepower",
  state: "PowerState",
  module,
  methods: [
    { number: 1, name: "Constructor" },
    { number: 2, name: "CreateMiner", ...createMiner },
    { number: 3, name: "UpdateClaimedPower", params: ref("UpdateClaimedPowerParams") },
    { number: 4, name: "EnrollCronEvent", params: ref("EnrollCronEventParams") },
    { number: 5, name: "CronTick" },
    { number: 6, name: "UpdatePledgeTotal", params: big },
    { number: 8, name: "SubmitPoRepForBulkVerify", params: ref("SealVerifyInfo") },
    { number: 9, name: "CurrentTotalPower", returns: ref("CurrentTotalPowerReturn") },
    exported("CreateMiner", createMiner),
    exported("NetworkRawPower", { returns: big }),
    exported("MinerRawPower", { params: u64, returns: ref("MinerRawPowerReturn") }),
    exported("MinerCount", { returns: i64 }),
    exported("MinerConsensusCount", { returns: i64 }),
    exported("MinerPower", { params: u64, returns: ref("MinerPowerReturn") }, 16),
  ],
};
