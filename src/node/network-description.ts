/**
 * What tools and other nodes must know of a local network, as JSON: `devnet.json` in the data folder. All of it is public.
 * A node that joins takes it, with the genesis as a CAR file, and needs nothing else.
 */

import { FilError } from "../base/errors.ts";
import { type DrandInfo, drandInfoToJson, parseDrandInfo } from "../beacon/drand.ts";
import { DEVNET_BOUNDS } from "./devnet-options.ts";
import { type DescribedProofs, proofsOfJson, proofsToJson } from "./proof-mode.ts";

export type DescriptionErrorData = { readonly code: "BAD_DESCRIPTION"; readonly field: string };
export class DescriptionError extends FilError<DescriptionErrorData> {}

export type NetworkDescription = {
  readonly network: string;
  readonly chainId: number;
  readonly epochSeconds: number;
  /** CID, and Unix time in seconds. */
  readonly genesis: { readonly cid: string; readonly time: number };
  readonly beacon: DrandInfo;
  /** Decides keys, genesis and beacon: whoever knows it can mine. */
  readonly seed: string;
  /** What proofs of spacetime are, and the keys that verify them. */
  readonly proofs: DescribedProofs;
  readonly rpc: readonly string[];
  readonly multiaddrs: readonly string[];
  readonly miners: readonly DescribedMiner[];
  readonly accounts: readonly Readonly<Record<string, string>>[];
};

export type DescribedMiner = {
  /** ID address. */
  readonly address: string;
  readonly sectors: number;
  readonly sectorBytes: number;
  /** Index of the node that owns it. */
  readonly node: number;
};

/** Longest description that is read, bytes; most entries of its lists. */
const MAX_BYTES = 1 << 20;
const MAX_LIST = 1024;

export function descriptionToJson({ beacon, proofs, ...rest }: NetworkDescription): Record<string, unknown> {
  return { ...rest, beacon: drandInfoToJson(beacon), ...proofsToJson(proofs) };
}

/** Reads a description; throws `DescriptionError` naming the field, `BeaconError` for the beacon's. */
export function parseDescription(text: string): NetworkDescription {
  if (text.length > MAX_BYTES) return bad("its length");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return bad("its JSON");
  }
  const given = objectAt(json, "the object");
  const genesis = objectAt(given["genesis"], "genesis");
  const proofs = proofsOfJson(given);
  if ("wrong" in proofs) return bad(proofs.wrong);
  return {
    network: textAt(given, "network"),
    chainId: wholeAt(given, "chainId", 0),
    epochSeconds: wholeAt(given, "epochSeconds", 1),
    genesis: { cid: textAt(genesis, "cid"), time: wholeAt(genesis, "time", 0) },
    beacon: parseDrandInfo(given["beacon"]),
    seed: textAt(given, "seed"),
    proofs,
    rpc: listAt(given, "rpc").map((one) => asText(one, "rpc")),
    multiaddrs: listAt(given, "multiaddrs").map((one) => asText(one, "multiaddrs")),
    miners: listAt(given, "miners").map((one) => {
      const miner = objectAt(one, "miners");
      return {
        address: textAt(miner, "address"),
        sectors: wholeAt(miner, "sectors", ...DEVNET_BOUNDS.sectors),
        sectorBytes: wholeAt(miner, "sectorBytes", 1),
        node: wholeAt(miner, "node", 0),
      };
    }),
    accounts: listAt(given, "accounts").map((one) =>
      Object.fromEntries(
        Object.entries(objectAt(one, "accounts")).map(([name, value]) => [name, asText(value, "accounts")]),
      ),
    ),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function bad(field: string): never {
  throw new DescriptionError(
    { code: "BAD_DESCRIPTION", field },
    `not a description of a network: ${field} is missing or wrong; give the devnet.json of a running network`,
  );
}

function objectAt(value: unknown, field: string): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : bad(field);
}

function asText(value: unknown, field: string): string {
  return typeof value === "string" && value.length <= 1024 ? value : bad(field);
}

const textAt = (fields: Fields, field: string): string => asText(fields[field], field);

function wholeAt(fields: Fields, field: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = fields[field];
  const isWithin = typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most;
  return isWithin ? value : bad(field);
}

function listAt(fields: Fields, field: string): readonly unknown[] {
  const value = fields[field];
  return Array.isArray(value) && value.length <= MAX_LIST ? value : bad(field);
}
