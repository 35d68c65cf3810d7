/** Filecoin.StateVerif*: the verified registry. */
import { Address } from "../../types/address.ts";
import { VERIFIED_REGISTRY } from "../../types/singletons.ts";
import type { TipsetKey } from "../codec/chain-types.ts";
import { address, amount, tipsetKey } from "../codec/chain-types.ts";
import { nullable } from "../codec/codec.ts";
import { group, type MethodContext, method, param } from "../method.ts";
import { idAt } from "../view.ts";
import { openActor } from "./miner-state.ts";

async function capOf(table: string, one: Address, key: TipsetKey, { node }: MethodContext): Promise<bigint | null> {
  const id = await idAt(node, one, key);
  const cap = await (await openActor(node, VERIFIED_REGISTRY, key)).element(table, id.bytes);
  return cap === null ? null : BigInt(cap as string);
}

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
      run: ([one, key], context) => capOf("Verifiers", one, key, context),
    }),
    StateVerifiedClientStatus: method({
      summary: "Bytes of verified deals that a client may still make; null for anybody else.",
      params: of,
      result: nullable(amount),
      run: ([one, key], context) => capOf("VerifiedClients", one, key, context),
    }),
  },
);
