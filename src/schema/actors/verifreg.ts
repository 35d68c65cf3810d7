/** Verified registry actor. Source: specs-actors builtin/verifreg. */
import { type ActorDescription, address, big, field, mapOf, ref, tuple } from "../kit.ts";
import { sharedTypes } from "./shared.ts";

export const verifreg: ActorDescription = {
  name: "verifiedregistry",
  state: "VerifregState",
  module: {
    path: "actors/verifreg/codec",
    doc: "State and parameters of the verified registry actor.",
    uses: [sharedTypes],
    types: [
      tuple("VerifregState", "State of the verified registry.", [
        field("RootKey", address, "Who may appoint verifiers (ID address)."),
        field("Verifiers", mapOf("address", big), "Data cap in bytes that each verifier may still grant."),
        field("VerifiedClients", mapOf("address", big), "Data cap in bytes that each client may still use."),
      ]),
      tuple("AddVerifierParams", "A verifier and its data cap.", [
        field("Address", address),
        field("Allowance", big, "bytes"),
      ]),
      tuple("AddVerifiedClientParams", "A client and its data cap.", [
        field("Address", address),
        field("Allowance", big, "bytes"),
      ]),
    ],
  },
  methods: [
    { number: 1, name: "Constructor", params: address },
    { number: 2, name: "AddVerifier", params: ref("AddVerifierParams") },
    { number: 3, name: "RemoveVerifier", params: address },
    { number: 4, name: "AddVerifiedClient", params: ref("AddVerifiedClientParams") },
    { number: 5, name: "UseBytes", params: ref("VerifiedBytesParams") },
    { number: 6, name: "RestoreBytes", params: ref("VerifiedBytesParams") },
  ],
};
