/**
 * What tools and other nodes must know of a local network, as JSON: `devnet.json` in the data folder. All of it is public.
 * A node that joins takes it, with the genesis as a CAR file, and needs nothing else.
 */

import { FilError } from "../base/errors.ts";
import { type DrandInfo, drandInfoToJson, parseDrandInfo } from "../beacon/drand.ts";
import { DEVNET, DEVNET_VERSION, LOCAL_SECTOR_SIZES, localSectorSize } from "../params/networks.ts";
import type { ScheduledVersion } from "../params/upgrades.ts";
import { Address } from "../types/address.ts";
import { DEVNET_BOUNDS } from "./devnet-bounds.ts";
import { type DescribedProofs, proofsOfJson, proofsToJson } from "./proof-mode.ts";

export type DescriptionErrorData = { readonly code: "BAD_DESCRIPTION"; readonly field: string };
export class DescriptionError extends FilError<DescriptionErrorData> {}

export type NetworkDescription = {
  readonly network: string;
  readonly chainId: number;
  /** At the genesis. */
  readonly networkVersion: number;
  /** Versions that come later, of a network that is run by its own process alone. */
  readonly upgrades?: readonly ScheduledVersion[];
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
  /** Index of the node that owns it; null if it is left to another process. */
  readonly node: number | null;
};

/** The fact that makes a store a joined node's: its network's description. */
export const DESCRIPTION_FACT = "node/network";
/** Longest description that is read, bytes; most entries of its lists. */
const MAX_BYTES = 1 << 20;
const MAX_LIST = 1024;
const [, MAX_EPOCH_SECONDS] = DEVNET_BOUNDS.blockTime;
const [, MAX_TIME] = DEVNET_BOUNDS.genesisTime;
/** Sizes of sectors that local networks have. */
const [SMALLEST, LARGEST] = [LOCAL_SECTOR_SIZES["2KiB"], LOCAL_SECTOR_SIZES["8MiB"]];

export function descriptionToJson({ beacon, proofs, ...rest }: NetworkDescription): Record<string, unknown> {
  return { ...rest, beacon: drandInfoToJson(beacon), ...proofsToJson(proofs) };
}

/** Reads a description; throws `DescriptionError` naming the field, `BeaconError` for the beacon's. */
export function parseDescription(text: string): NetworkDescription {
  if (text.length > MAX_BYTES) return bad("its length", `at most ${MAX_BYTES} characters are read`);
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
  const network = textAt(given, "network");
  const chainId = wholeAt(given, "chainId", 0);
  if (network === DEVNET.name && chainId !== DEVNET.chainId)
    bad("chainId", `${DEVNET.chainId} is that of "${network}", and ${chainId} stands there`);
  if (given["upgrades"] !== undefined)
    throw new DescriptionError(
      { code: "BAD_DESCRIPTION", field: "upgrades" },
      "a network with upgrades is of one process: a node cannot join it, as it would not have the actors of the later versions; give the devnet.json of a network without --upgrade",
    );
  const beacon = parseDrandInfo(given["beacon"]);
  if (beacon.period > MAX_EPOCH_SECONDS) bad("beacon.period", `at most ${MAX_EPOCH_SECONDS} s are allowed`);
  if (beacon.genesisTime > MAX_TIME) bad("beacon.genesis_time", `at most ${MAX_TIME} is allowed`);
  const described: NetworkDescription = {
    network,
    chainId,
    networkVersion: versionIn(given),
    epochSeconds: wholeAt(given, "epochSeconds", 1, MAX_EPOCH_SECONDS),
    genesis: { cid: textAt(genesis, "cid"), time: wholeAt(genesis, "time", ...DEVNET_BOUNDS.genesisTime) },
    beacon,
    seed: textAt(given, "seed"),
    proofs,
    rpc: listAt(given, "rpc").map((one) => asText(one, "rpc")),
    multiaddrs: listAt(given, "multiaddrs").map((one) => asText(one, "multiaddrs")),
    miners: listAt(given, "miners", DEVNET_BOUNDS.miners[1]).map((one) => {
      const miner = objectAt(one, "miners");
      return {
        address: textAt(miner, "address"),
        sectors: wholeAt(miner, "sectors", ...DEVNET_BOUNDS.sectors),
        sectorBytes: wholeAt(miner, "sectorBytes", SMALLEST, LARGEST),
        node: miner["node"] === null ? null : wholeAt(miner, "node", 0, DEVNET_BOUNDS.nodes[1] - 1),
      };
    }),
    accounts: listAt(given, "accounts", DEVNET_BOUNDS.accounts[1]).map((one) =>
      Object.fromEntries(
        Object.entries(objectAt(one, "accounts")).map(([name, value]) => [name, asText(value, "accounts")]),
      ),
    ),
  };
  checkMiners(described.miners);
  return described;
}

/** Descriptions from before there was another one do not name it. */
function versionIn(given: Fields): number {
  const field = "networkVersion";
  if (given[field] === undefined || given[field] === DEVNET_VERSION) return DEVNET_VERSION;
  return wholeAt(given, field, ...DEVNET_BOUNDS.networkVersion);
}

/** Miners are numbered one after another by their ids, and all have as many sectors as the first. */
function checkMiners(miners: readonly DescribedMiner[]): void {
  const [first] = miners;
  if (first === undefined) return;
  const firstId = idOf(first.address);
  for (const [i, { address, sectors, sectorBytes }] of miners.entries()) {
    if (idOf(address) !== firstId + BigInt(i))
      bad("miners", `ids one after another are expected, and ${address} follows ${miners[i - 1]?.address}`);
    if (localSectorSize(sectorBytes) === null || sectorBytes !== first.sectorBytes)
      bad("miners", `sectors of one size that local networks have are expected, and ${address} has others`);
    if (sectors !== first.sectors) bad("miners", `all have as many sectors as the first, and ${address} has not`);
  }
}

function idOf(address: string): bigint {
  let id: bigint | null = null;
  try {
    id = Address.parse(address).actorId;
  } catch {
    // Told below.
  }
  return id ?? bad("miners", `an ID address such as t01000 is expected, and ${address} is none`);
}

type Fields = Readonly<Record<string, unknown>>;

/** `why` of a field that is there; without it, it may be missing, too. */
function bad(field: string, why?: string): never {
  throw new DescriptionError(
    { code: "BAD_DESCRIPTION", field },
    `not a description of a network: ${field} is ${why === undefined ? "missing or wrong" : `wrong (${why})`}; give the devnet.json of a running network`,
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
  if (isWithin) return value;
  if (value === undefined) return bad(field);
  return bad(field, least === most ? `${least} is expected` : `a whole number from ${least} to ${most} is expected`);
}

function listAt(fields: Fields, field: string, most = MAX_LIST): readonly unknown[] {
  const value = fields[field];
  if (value === undefined) return bad(field);
  return Array.isArray(value) && value.length <= most ? value : bad(field, `a list of at most ${most} is expected`);
}
