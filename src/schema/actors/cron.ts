/** Cron actor. Source: specs-actors builtin/cron. */
import { type ActorDescription, address, field, list, ref, tuple, u64 } from "../kit.ts";

export const cron: ActorDescription = {
  name: "cron",
  state: "CronState",
  isInLater: true,
  module: {
    path: "actors/cron/codec",
    doc: "State and parameters of the cron actor.",
    types: [
      tuple("CronState", "State of the cron actor.", [field("Entries", list(ref("Entry")))]),
      tuple("Entry", "A call to make at the end of every epoch.", [
        field("Receiver", address),
        field("MethodNum", u64),
      ]),
      tuple("ConstructorParams", "Parameters of the constructor.", [field("Entries", list(ref("Entry")))]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: ref("ConstructorParams") },
    { number: 2, name: "EpochTick" },
  ],
};
