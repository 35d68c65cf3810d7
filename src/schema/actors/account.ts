/** Account actor. Source: specs-actors builtin/account. */
import { type ActorDescription, address, field, tuple } from "../kit.ts";

export const account: ActorDescription = {
  name: "account",
  state: "AccountState",
  isInLater: true,
  module: {
    path: "actors/account/codec",
    doc: "State of the account actor.",
    types: [tuple("AccountState", "State of an account.", [field("Address", address, "Its public-key address.")])],
  },
  methods: [
    { number: 1, name: "Constructor", params: address },
    { number: 2, name: "PubkeyAddress", returns: address },
  ],
};
