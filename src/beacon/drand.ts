/**
 * One drand network: its chain info, its rounds in time, and the verification of its entries.
 * Sources: drand crypto/schemes.go and common/chain/info.go (public formats); lotus chain/beacon/drand/drand.go.
 */
import { equal, fromHex, toHex } from "../base/bytes.ts";
import type { Bls } from "../core/bls.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { BeaconEntry } from "../types/block-header.ts";
import { BeaconError } from "./errors.ts";

export type DrandScheme = "pedersen-bls-chained" | "bls-unchained-g1-rfc9380";

export type DrandInfo = {
  readonly scheme: DrandScheme;
  /** 48 bytes for the chained scheme, 96 for the unchained one */
  readonly publicKey: Uint8Array;
  /** seconds between rounds */
  readonly period: number;
  /** Unix time of round 1, seconds */
  readonly genesisTime: number;
  /** 32 bytes that name the network; 0-length for one that nobody else knows */
  readonly chainHash: Uint8Array;
};

const KEY_BYTES: Readonly<Record<DrandScheme, number>> = { "pedersen-bls-chained": 48, "bls-unchained-g1-rfc9380": 96 };
const SIGNATURE_BYTES: Readonly<Record<DrandScheme, number>> = {
  "pedersen-bls-chained": 96,
  "bls-unchained-g1-rfc9380": 48,
};

export function isChained(info: DrandInfo): boolean {
  return info.scheme === "pedersen-bls-chained";
}

export function sameDrand(a: DrandInfo, b: DrandInfo): boolean {
  return a.scheme === b.scheme && equal(a.publicKey, b.publicKey) && a.genesisTime === b.genesisTime;
}

/** Whether an entry is the network's own; `previous`: data of the round before, which only the chained scheme looks at. */
export function verifyEntry(bls: Bls, info: DrandInfo, entry: BeaconEntry, previous: Uint8Array): boolean {
  if (entry.data.length !== SIGNATURE_BYTES[info.scheme]) return false;
  if (!isChained(info)) return bls.drandVerifyQuicknet(info.publicKey, entry.round, entry.data);
  return previous.length <= MAX_PREVIOUS && bls.drandVerify(info.publicKey, entry.round, entry.data, previous);
}

/** The previous signature is a signature of 96 bytes, or the seed of the network (32 bytes). */
const MAX_PREVIOUS = 96;

/** The chain whose epochs are mapped to rounds. */
export type EpochTimes = {
  /** Unix time of epoch 0, seconds */
  readonly genesisTime: number;
  /** seconds between epochs */
  readonly blockDelay: number;
};

/** The newest round that a block of this epoch may carry. */
export function maxRoundAt(info: DrandInfo, times: EpochTimes, epoch: number, networkVersion: number): bigint {
  const latest = epoch * times.blockDelay + times.genesisTime - times.blockDelay;
  const rounds = Math.floor((latest - info.genesisTime) / info.period);
  if (!chainRule("beaconRoundsFromOne", networkVersion)) return BigInt(rounds);
  return latest < info.genesisTime ? 1n : BigInt(rounds + 1);
}

/** Chain info as drand's HTTP interface and lotus's build constants spell it; throws `BeaconError` BAD_CHAIN_INFO. */
export function parseDrandInfo(json: unknown): DrandInfo {
  const fail = (field: string): never => {
    throw new BeaconError({ code: "BAD_CHAIN_INFO", field }, `drand chain info: ${field} is missing or wrong`);
  };
  if (typeof json !== "object" || json === null) return fail("the object");
  const given = json as Record<string, unknown>;
  const scheme = (given["schemeID"] ?? "pedersen-bls-chained") as DrandScheme;
  if (!(scheme in KEY_BYTES)) return fail("schemeID");
  const bytes = (field: string, length: number): Uint8Array => {
    const text = given[field];
    if (typeof text !== "string" || text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) return fail(field);
    return fromHex(text);
  };
  const whole = (field: string, least: number): number => {
    const value = given[field];
    return typeof value === "number" && Number.isSafeInteger(value) && value >= least ? value : fail(field);
  };
  return {
    scheme,
    publicKey: bytes("public_key", KEY_BYTES[scheme]),
    period: whole("period", 1),
    genesisTime: whole("genesis_time", 0),
    chainHash: bytes("hash", 32),
  };
}

/** The reverse of `parseDrandInfo`. */
export function drandInfoToJson(info: DrandInfo): Record<string, string | number> {
  return {
    public_key: toHex(info.publicKey),
    period: info.period,
    genesis_time: info.genesisTime,
    hash: toHex(info.chainHash),
    schemeID: info.scheme,
  };
}
