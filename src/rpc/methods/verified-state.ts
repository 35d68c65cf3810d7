/** Filecoin.StateVerif*: the verified registry. */
import { allocationIn, allocationTerms, claimIn } from "../../state/allocations.ts";
import { dataCapOf } from "../../state/data-cap.ts";
import { uvarint } from "../../state/miner-reader.ts";
import { Address } from "../../types/address.ts";
import { parseCid } from "../../types/cid.ts";
import { MARKET, VERIFIED_REGISTRY } from "../../types/singletons.ts";
import type { TipsetKey } from "../codec/chain-types.ts";
import { address, amount, anyEpoch, link, tipsetKey, uint64 } from "../codec/chain-types.ts";
import { nullable, object } from "../codec/codec.ts";
import { group, type MethodContext, method, param } from "../method.ts";
import { idAt, viewAt } from "../view.ts";
import { openActor } from "./miner-state.ts";

async function verifierCap(one: Address, key: TipsetKey, { node }: MethodContext): Promise<bigint | null> {
  const id = await idAt(node, one, key);
  const cap = await (await openActor(node, VERIFIED_REGISTRY, key)).element("Verifiers", id.bytes);
  return cap === null ? null : BigInt(cap as string);
}

const allocation = object("Allocation", {
  ...{ Client: uint64, Provider: uint64, Data: link, Size: uint64 },
  ...{ TermMin: anyEpoch, TermMax: anyEpoch, Expiration: anyEpoch },
});

const claim = object("Claim", {
  ...{ Provider: uint64, Client: uint64, Data: link, Size: uint64 },
  ...{ TermMin: anyEpoch, TermMax: anyEpoch, TermStart: anyEpoch, Sector: uint64 },
});

const of = [param("address", address), param("tipsetKey", tipsetKey)] as const;

export const verifiedStateGroup = group(
  "State: verified registry",
  "Verifiers, verified clients and their data caps.",
  {
    StateVerifiedRegistryRootKey: method({
      summary: "Who may appoint verifiers.",
      params: [param("tipsetKey", tipsetKey)],
      result: address,
      run: async ([key], { node }) =>
        Address.parse((await openActor(node, VERIFIED_REGISTRY, key)).field("RootKey") as string),
    }),
    StateVerifierStatus: method({
      summary: "Bytes that a verifier may still grant; null for anybody else.",
      params: of,
      result: nullable(amount),
      run: ([one, key], context) => verifierCap(one, key, context),
    }),
    StateVerifiedClientStatus: method({
      summary: "Bytes of verified deals that a client may still make; null for anybody else.",
      params: of,
      result: nullable(amount),
      run: async ([one, key], { node }) =>
        dataCapOf(node.chain.blocks, await viewAt(node, key), node.network.prefix, await idAt(node, one, key)),
    }),
    StateGetAllocation: method({
      summary: "Data cap that a client has set aside for a piece at a provider, until it is claimed; null for none.",
      params: [param("client", address), param("allocation", uint64), param("tipsetKey", tipsetKey)],
      result: nullable(allocation),
      async run([client, id, key], { node }) {
        const { actorId } = await idAt(node, client, key);
        const registry = await openActor(node, VERIFIED_REGISTRY, key);
        const found = await allocationIn(registry, actorId as bigint, id);
        if (found === null) return null;
        const { termMin, termMax, expiration, ...terms } = allocationTerms(found);
        return {
          ...{ Client: terms.client, Provider: terms.provider, Data: terms.data, Size: terms.size },
          ...{ TermMin: termMin, TermMax: termMax, Expiration: expiration },
        };
      },
    }),
    StateGetClaim: method({
      summary:
        "What an allocation has become once a sector of its provider claims it, under the same number; null for none.",
      params: [param("provider", address), param("claim", uint64), param("tipsetKey", tipsetKey)],
      result: nullable(claim),
      async run([provider, id, key], { node }) {
        const { actorId } = await idAt(node, provider, key);
        const found = await claimIn(await openActor(node, VERIFIED_REGISTRY, key), actorId as bigint, id);
        if (found === null) return null;
        const whole = (name: string): bigint => BigInt(found[name] as number | string);
        return {
          ...{ Provider: whole("Provider"), Client: whole("Client"), Size: whole("Size"), Sector: whole("Sector") },
          Data: parseCid((found["Data"] as { readonly "/": string })["/"]),
          ...{ TermMin: Number(found["TermMin"]), TermMax: Number(found["TermMax"]) },
          TermStart: Number(found["TermStart"]),
        };
      },
    }),
    StateGetAllocationIdForPendingDeal: method({
      summary: "The allocation that a published deal waits with to be activated; 0 for one that is not verified.",
      params: [param("dealId", uint64), param("tipsetKey", tipsetKey)],
      result: uint64,
      async run([deal, key], { node }) {
        const market = await openActor(node, MARKET, key);
        if (!market.has("PendingDealAllocationIds")) return 0n;
        const id = await market.element("PendingDealAllocationIds", uvarint(deal));
        return BigInt((id ?? 0) as number | string);
      },
    }),
  },
);
