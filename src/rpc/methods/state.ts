/** Filecoin.State*: the network, actors, addresses and decoded state. */
import { type NetworkParams, networkVersionAt } from "../../params/networks.ts";
import { type ActorEntry, decodeMethodData, encodeMethodParams } from "../../state/state-view.ts";
import type { Address } from "../../types/address.ts";
import type { Json } from "../../types/schema-codec.ts";
import {
  actorMethod,
  address,
  amount,
  bytes,
  link,
  maybeAddress,
  shape,
  tipsetKey,
  uint64,
} from "../codec/chain-types.ts";
import { anyJson, type Codec, integer, list, object, spelt, text } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import { keyAt, orNotFound, viewAt } from "../view.ts";

/** Entries of an answer. */
const MANY = 10_000_000;
/** Parameters of a message are at most as long as a message. */
const MAX_PARAMS = 1 << 20;

export const actor = object("Actor", {
  Code: link,
  Head: link,
  Nonce: uint64,
  Balance: amount,
  DelegatedAddress: delegatedAddress(),
});

/** Actors may have delegated addresses from network version 18 on: null before, and for all others. */
function delegatedAddress(): Codec<Address | null, string | null> {
  return {
    schema: { anyOf: [maybeAddress.schema, { type: "null" }] },
    nullable: true,
    decode: (json, path) => (json === null ? null : maybeAddress.decode(json, path)),
    encode: (value, prefix) => (value === null ? null : value.toString(prefix)),
  };
}

export function actorValue({ code, head, nonce, balance, delegated }: ActorEntry) {
  return { Code: code, Head: head, Nonce: nonce, Balance: balance, DelegatedAddress: delegated ?? null };
}

const state = spelt<{ Balance: string; Code: unknown; State: Json }>(
  shape("ActorState", { Balance: amount.schema, Code: link.schema, State: {} }),
);

export const stateGroup = group("State: actors", "The network, its actors, their addresses and their state.", {
  StateNetworkName: method({
    summary: "The network's name.",
    result: text(),
    run: (_, { node }) => node.network.name,
  }),
  StateNetworkVersion: method({
    summary: "The network version at a tipset.",
    params: [param("tipsetKey", tipsetKey)],
    result: integer(0, 1000),
    run: async ([key], { node }) => networkVersionAt(node.network, (await node.chain.tipset(key)).height),
  }),
  StateGetNetworkParams: method({
    summary: "Constants of the network.",
    result: networkParamsCodec(),
    async run(_, { node }) {
      const genesis = await node.chain.genesis();
      return networkParams(node.network, genesis.blocks[0]?.timestamp ?? 0n);
    },
  }),
  StateGetActor: method({
    summary: "An actor's code, state, nonce and balance after a tipset.",
    params: [param("actor", address), param("tipsetKey", tipsetKey)],
    result: actor,
    run: async ([one, key], { node }) => actorValue(await orNotFound((await viewAt(node, key)).requireActor(one))),
  }),
  StateReadState: method({
    summary: "An actor's state after a tipset, decoded.",
    params: [param("actor", address), param("tipsetKey", tipsetKey)],
    result: state,
    async run([one, key], { node }) {
      const view = await viewAt(node, key);
      const found = await orNotFound(view.requireActor(one));
      return {
        Balance: found.balance.toString(),
        Code: link.encode(found.code, node.network.prefix),
        State: await view.stateJson(found, node.network.prefix),
      };
    },
  }),
  StateDecodeParams: method({
    summary: "The parameters of a message to an actor, decoded.",
    params: [
      param("to", address),
      param("method", actorMethod),
      param("params", bytes(MAX_PARAMS)),
      param("tipsetKey", tipsetKey),
    ],
    result: anyJson,
    async run([to, number, params, key], { node }) {
      const found = await orNotFound((await viewAt(node, key)).requireActor(to));
      // A send has no parameters that anybody reads.
      if (number === 0n) return {};
      return decodeMethodData(found.code, number, "params", params, node.network.prefix);
    },
  }),
  StateEncodeParams: method({
    summary: "The parameters of a message to an actor, from JSON.",
    params: [param("code", link), param("method", actorMethod), param("params", anyJson)],
    result: bytes(),
    run: ([code, number, params], { node }) => encodeMethodParams(code, number, params as Json, node.network.prefix),
  }),
  StateLookupID: method({
    summary: "The ID address of an actor.",
    params: [param("address", address), param("tipsetKey", tipsetKey)],
    result: address,
    run: async ([one, key], { node }) => orNotFound((await viewAt(node, key)).requireId(one)),
  }),
  StateAccountKey: method({
    summary: "The public-key address of an account.",
    params: [param("address", address), param("tipsetKey", tipsetKey)],
    result: address,
    run: ([one, key], { node }) => keyAt(node, one, key),
  }),
  StateLookupRobustAddress: method({
    summary: "The address by which an actor was made, for its ID address.",
    params: [param("address", address), param("tipsetKey", tipsetKey)],
    result: address,
    cost: "walk",
    async run([one, key], { node }) {
      if (one.actorId === null) return one;
      const view = await viewAt(node, key);
      await orNotFound(view.requireActor(one));
      const robust = await view.robustAddress(one);
      if (robust === null)
        throw new RpcError(RPC_CODE.untyped, `${one.toString(node.network.prefix)} has no robust address`);
      return robust;
    },
  }),
  StateListActors: method({
    summary: "ID addresses of all actors.",
    params: [param("tipsetKey", tipsetKey)],
    result: list(address, MANY),
    cost: "walk",
    async run([key], { node, signal }) {
      const breath = breather(signal);
      const out = [];
      for await (const [one] of (await viewAt(node, key)).entries()) {
        await breath();
        out.push(one);
      }
      return out;
    },
  }),
});

function networkParamsCodec() {
  return spelt<Json>(
    shape("NetworkParams", {
      NetworkName: { type: "string" },
      BlockDelaySecs: { type: "integer" },
      ConsensusMinerMinPower: amount.schema,
      SupportedProofTypes: { type: "array", items: { type: "integer" } },
      PreCommitChallengeDelay: { type: "integer" },
      ForkUpgradeParams: { type: "object", additionalProperties: { type: "integer" } },
      Eip155ChainID: { type: "integer" },
      GenesisTimestamp: { type: "integer" },
    }),
  );
}

function networkParams(network: NetworkParams, genesisTime: bigint): Json {
  return {
    NetworkName: network.name,
    BlockDelaySecs: network.blockDelaySeconds,
    ConsensusMinerMinPower: network.consensusMinerMinPower.toString(),
    SupportedProofTypes: [...network.sealProofs],
    PreCommitChallengeDelay: network.preCommitChallengeDelay,
    ForkUpgradeParams: Object.fromEntries(
      [...network.upgradeHeights].map(([name, height]) => [`Upgrade${name}Height`, height]),
    ),
    Eip155ChainID: network.chainId,
    GenesisTimestamp: Number(genesisTime),
  };
}
