/** Reward actor. Source: specs-actors builtin/reward. */
import { type ActorDescription, address, big, field, i64, ref, since, tuple, until } from "../kit.ts";
import { sharedTypes } from "./shared.ts";

export const reward: ActorDescription = {
  name: "reward",
  state: "RewardState",
  isInLater: true,
  module: {
    path: "actors/reward/codec",
    doc: "State and parameters of the reward actor.",
    uses: [sharedTypes],
    types: [
      tuple("RewardState", "State of the reward actor.", [
        field("CumsumBaseline", big, "byte-epochs that CumsumRealized must reach for EffectiveNetworkTime to grow"),
        field("CumsumRealized", big, "byte-epochs of network power, capped by the baseline"),
        field("EffectiveNetworkTime", i64, "Ceiling of theta, the network's age by baseline."),
        field("EffectiveBaselinePower", big, "bytes, at EffectiveNetworkTime"),
        field("ThisEpochReward", big, "attoFIL per epoch, for all expected winners"),
        field("ThisEpochRewardSmoothed", ref("FilterEstimate")),
        field("ThisEpochBaselinePower", big, "bytes, at Epoch"),
        field("Epoch", i64, "Epoch for which the reward was computed."),
        field("TotalMined", big, "attoFIL", until(0)),
        field("TotalStoragePowerReward", big, "attoFIL", since(2)),
        field("SimpleTotal", big, "attoFIL", since(2)),
        field("BaselineTotal", big, "attoFIL", since(2)),
      ]),
      tuple("AwardBlockRewardParams", "What a block earned.", [
        field("Miner", address),
        field("Penalty", big, "attoFIL"),
        field("GasReward", big, "attoFIL"),
        field("WinCount", i64),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: big },
    { number: 2, name: "AwardBlockReward", params: ref("AwardBlockRewardParams") },
    { number: 3, name: "ThisEpochReward", returns: ref("ThisEpochRewardReturn") },
    { number: 4, name: "UpdateNetworkKPI", params: big },
  ],
};
