/** System actor: the sender of implicit messages. Source: specs-actors builtin/system. */
import { type ActorDescription, tuple } from "../kit.ts";

export const system: ActorDescription = {
  name: "system",
  state: "SystemState",
  module: {
    path: "actors/system/codec",
    doc: "State of the system actor.",
    types: [tuple("SystemState", "Nothing.", [])],
  },
  methods: [{ number: 1, name: "Constructor" }],
};
