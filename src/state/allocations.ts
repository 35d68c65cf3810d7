/** Allocations of the verified registry: data cap that a client has set aside for a piece at a provider; and claims, which they become (actors v9 on). */
import { type CID, parseCid } from "../types/cid.ts";
import type { JsonObject, ObjectReader } from "./actor-reader.ts";
import { uvarint } from "./miner-reader.ts";

/** Epochs unless said otherwise. */
export type AllocationTerms = {
  /** Actor ids. */
  readonly client: bigint;
  readonly provider: bigint;
  /** CommP, and bytes with padding. */
  readonly data: CID;
  readonly size: bigint;
  /** From the proof of the sector that claims it to that sector's end. */
  readonly termMin: number;
  readonly termMax: number;
  /** The last epoch at which it can be claimed. */
  readonly expiration: number;
};

/** As the network's JSON has it; null where there is none, or where these actors know none. `client`: actor id. */
export async function allocationIn(registry: ObjectReader, client: bigint, id: bigint): Promise<JsonObject | null> {
  if (!registry.has("Allocations")) return null;
  return (await registry.elementWithin("Allocations", uvarint(client), uvarint(id))) as JsonObject | null;
}

/** A claim under the number of its allocation, likewise. `provider`: actor id. */
export async function claimIn(registry: ObjectReader, provider: bigint, id: bigint): Promise<JsonObject | null> {
  if (!registry.has("Claims")) return null;
  return (await registry.elementWithin("Claims", uvarint(provider), uvarint(id))) as JsonObject | null;
}

export function allocationTerms(json: JsonObject): AllocationTerms {
  const whole = (name: string): bigint => BigInt(json[name] as number | string);
  return {
    ...{ client: whole("Client"), provider: whole("Provider"), size: whole("Size") },
    data: parseCid((json["Data"] as { readonly "/": string })["/"]),
    ...{ termMin: Number(json["TermMin"]), termMax: Number(json["TermMax"]), expiration: Number(json["Expiration"]) },
  };
}
