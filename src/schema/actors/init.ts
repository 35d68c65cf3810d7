/** Init actor. Source: specs-actors builtin/init. */
import { type ActorDescription, address, bytes, cid, field, i64, mapOf, ref, text, tuple, u64 } from "../kit.ts";

export const init: ActorDescription = {
  name: "init",
  state: "InitState",
  isInLater: true,
  module: {
    path: "actors/init/codec",
    doc: "State and parameters of the init actor.",
    types: [
      tuple("InitState", "State of the init actor.", [
        field("AddressMap", mapOf("address", i64), "From robust addresses to actor ids."),
        field("NextID", u64),
        field("NetworkName", text),
      ]),
      tuple("ConstructorParams", "Parameters of the constructor.", [field("NetworkName", text)]),
      tuple("ExecParams", "Which actor to make, and its constructor's parameters.", [
        field("CodeCID", cid),
        field("ConstructorParams", bytes),
      ]),
      tuple("ExecReturn", "Addresses of the actor made.", [
        field("IDAddress", address, "The canonical ID address."),
        field("RobustAddress", address, "The reorganisation-stable actor address."),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: ref("ConstructorParams") },
    { number: 2, name: "Exec", params: ref("ExecParams"), returns: ref("ExecReturn") },
  ],
};
