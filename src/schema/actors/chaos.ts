/** The conformance corpus' chaos actor: test builds only. Source: lotus v1.0.0 conformance/chaos. */
import {
  type ActorDescription,
  address,
  big,
  bool,
  bytes,
  cid,
  field,
  i64,
  list,
  ref,
  text,
  tuple,
  u64,
} from "../kit.ts";

export const chaos: ActorDescription = {
  name: "chaos",
  state: "ChaosState",
  module: {
    path: "actors/chaos/codec",
    doc: "State and parameters of the chaos actor.",
    types: [
      tuple("ChaosState", "State of the chaos actor.", [
        field("Value", text),
        field("Unmarshallable", list(u64, 0), "Must stay empty."),
      ]),
      tuple("CallerValidationArgs", "Which rule to break.", [
        field("Branch", i64),
        field("Addrs", list(address)),
        field("Types", list(cid)),
      ]),
      tuple("CreateActorArgs", "Which actor to make where.", [
        field("UndefActorCID", bool, "Use no code at all."),
        field("ActorCID", cid),
        field("UndefAddress", bool, "Use the undefined address."),
        field("Address", address),
      ]),
      tuple("ResolveAddressResponse", "What an address resolved to.", [
        field("Address", address),
        field("Success", bool),
      ]),
      tuple("SendArgs", "A message to send on.", [
        field("To", address),
        field("Value", big),
        field("Method", u64),
        field("Params", bytes),
      ]),
      tuple("SendReturn", "What came back.", [field("Return", bytes), field("Code", i64)]),
      tuple("MutateStateArgs", "A text for the state, and the way it gets there.", [
        field("Value", text),
        field("Branch", i64),
      ]),
      tuple("AbortWithArgs", "How to fail.", [field("Code", i64), field("Message", text), field("Uncontrolled", bool)]),
      tuple("InspectRuntimeReturn", "What the actor sees.", [
        field("Caller", address),
        field("Receiver", address),
        field("ValueReceived", big),
        field("CurrEpoch", i64),
        field("CurrentBalance", big),
        field("State", ref("ChaosState")),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor" },
    { number: 2, name: "CallerValidation", params: ref("CallerValidationArgs") },
    { number: 3, name: "CreateActor", params: ref("CreateActorArgs") },
    { number: 4, name: "ResolveAddress", params: address, returns: ref("ResolveAddressResponse") },
    { number: 5, name: "DeleteActor", params: address },
    { number: 6, name: "Send", params: ref("SendArgs"), returns: ref("SendReturn") },
    { number: 7, name: "MutateState", params: ref("MutateStateArgs") },
    { number: 8, name: "AbortWith", params: ref("AbortWithArgs") },
    { number: 9, name: "InspectRuntime", returns: ref("InspectRuntimeReturn") },
  ],
};
