/**
 * Drand networks that Filecoin's networks have drawn from, and when.
 * Source: lotus at b835fab702eb build/buildconstants/drand.go, params_mainnet.go, params_calibnet.go.
 */
import { fromHex } from "../base/bytes.ts";
import type { DrandInfo } from "./drand.ts";

export const INCENTINET: DrandInfo = {
  scheme: "pedersen-bls-chained",
  publicKey: fromHex(
    "8cad0c72c606ab27d36ee06de1d5b2db1faf92e447025ca37575ab3a8aac2eaae83192f846fc9e158bc738423753d000",
  ),
  period: 30,
  genesisTime: 1_595_873_820,
  chainHash: fromHex("80c8b872c714f4c00fdd3daa465d5514049f457f01f85a4caf68cdcd394ba039"),
};

export const DRAND_MAINNET: DrandInfo = {
  scheme: "pedersen-bls-chained",
  publicKey: fromHex(
    "868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31",
  ),
  period: 30,
  genesisTime: 1_595_431_050,
  chainHash: fromHex("8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce"),
};

export const QUICKNET: DrandInfo = {
  scheme: "bls-unchained-g1-rfc9380",
  publicKey: fromHex(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
  ),
  period: 3,
  genesisTime: 1_692_803_367,
  chainHash: fromHex("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"),
};

/** Servers of drand's HTTP interface, for quicknet. */
export const QUICKNET_SERVERS: readonly string[] = [
  "https://api.drand.sh",
  "https://api2.drand.sh",
  "https://api3.drand.sh",
  "https://drand.cloudflare.com",
];

/** From which epoch on blocks carry entries of which drand network; ascending, the first from epoch 0. */
export type BeaconSchedule = readonly { readonly start: number; readonly info: DrandInfo }[];

export const MAINNET_BEACONS: BeaconSchedule = [
  { start: 0, info: INCENTINET },
  { start: 51_000, info: DRAND_MAINNET },
  { start: 3_855_480, info: QUICKNET },
];

export const CALIBRATIONNET_BEACONS: BeaconSchedule = [
  { start: 0, info: DRAND_MAINNET },
  { start: 1_428_094, info: QUICKNET },
];

export function beaconAt(schedule: BeaconSchedule, epoch: number): DrandInfo {
  const point = schedule.findLast(({ start }) => epoch >= start) ?? schedule[0];
  if (point === undefined) throw new RangeError("a beacon schedule without a beacon");
  return point.info;
}
