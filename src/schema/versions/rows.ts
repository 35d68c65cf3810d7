/**
 * The table of network versions: one row a version, for both sides.
 *
 * A network version is what the rules of the chain depend on: which actors run, how the state tree and its collections are
 * encoded, what execution costs, and the single rules and figures of `rules.ts`, `figures.ts` and `chain-rules.ts`, which
 * say since or until which row they hold. The core's half is generated from here (`assembly/runtime/versions.gen.ts`,
 * `assembly/vm/gas/prices.gen.ts`). How to add a row: docs/adding-a-network-version.md.
 *
 * Sources: go-state-types network/version.go and actors/version.go; lotus at b835fab702eb chain/state/statetree.go
 * (VersionForNetwork) and chain/consensus/filcns/upgrades.go; ref-fvm at ef0a99370839 fvm/src/gas/price_list.rs.
 */
import type { PriceListName } from "./prices.ts";

/** Version of the built-in actors. There is no version 1. */
export type ActorsVersion = 0 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17 | 18;

/** Actors versions that the native machine has. */
export const NATIVE_ACTORS: readonly ActorsVersion[] = [0, 2];

/** What executes actors: code of our own, or their published WebAssembly under a version of the FVM. */
export type MachineKind = "native" | "fvm2" | "fvm3" | "fvm4";

export type NetworkVersion = {
  readonly number: number;
  /** Upgrade that brings it, as the network calls it. */
  readonly name: string;
  readonly actors: ActorsVersion;
  /** Version in the root of the state tree; 0 is the bare map of actors. */
  readonly stateTree: 0 | 1 | 2 | 3 | 4 | 5;
  /** Form of the actors' maps: rule sets of go-hamt-ipld 0.1, 2 and 3. */
  readonly hamt: 0 | 2 | 3;
  /** Form of the actors' arrays: rule sets of go-amt-ipld 2 and 3. */
  readonly amt: 2 | 3;
  readonly machine: MachineKind;
  readonly prices: PriceListName;
  /** Version whose rules and figures hold, where that is not the row's own: for networks made up for tests. */
  readonly rulesOf?: number;
};

const V0 = { actors: 0, stateTree: 0, hamt: 0, amt: 2, machine: "native", prices: "genesis" } as const;
const V2 = { ...V0, actors: 2, stateTree: 1, hamt: 2 } as const;
const CALICO = { ...V2, prices: "calico" } as const;
const V3 = { ...CALICO, actors: 3, stateTree: 2, hamt: 3, amt: 3 } as const;
const SKYR = { ...V3, actors: 8, stateTree: 4, machine: "fvm2", prices: "skyr" } as const;
const HYGGE = { ...SKYR, actors: 10, stateTree: 5, machine: "fvm3", prices: "hygge" } as const;
const WATERMELON = { ...HYGGE, actors: 12, machine: "fvm4", prices: "watermelon" } as const;
const TEEP = { ...WATERMELON, actors: 16, prices: "teep" } as const;

/** Ascending, without gaps. */
export const NETWORK_VERSIONS: readonly NetworkVersion[] = [
  { number: 0, name: "Genesis", ...V0 },
  { number: 1, name: "Breeze", ...V0 },
  { number: 2, name: "Smoke", ...V0 },
  { number: 3, name: "Ignition", ...V0 },
  { number: 4, name: "Assembly", ...V2 },
  { number: 5, name: "Tape", ...V2 },
  { number: 6, name: "Kumquat", ...V2 },
  { number: 7, name: "Calico", ...CALICO },
  { number: 8, name: "Persian", ...CALICO },
  { number: 9, name: "Orange", ...CALICO },
  { number: 10, name: "Trust", ...V3 },
  { number: 11, name: "Norwegian", ...V3 },
  { number: 12, name: "Turbo", ...V3, actors: 4, stateTree: 3 },
  { number: 13, name: "Hyperdrive", ...V3, actors: 5, stateTree: 4 },
  { number: 14, name: "Chocolate", ...V3, actors: 6, stateTree: 4 },
  { number: 15, name: "OhSnap", ...V3, actors: 7, stateTree: 4 },
  { number: 16, name: "Skyr", ...SKYR },
  { number: 17, name: "Shark", ...SKYR, actors: 9 },
  { number: 18, name: "Hygge", ...HYGGE },
  { number: 19, name: "Lightning", ...HYGGE, actors: 11 },
  { number: 20, name: "Thunder", ...HYGGE, actors: 11 },
  { number: 21, name: "Watermelon", ...WATERMELON },
  { number: 22, name: "Dragon", ...WATERMELON, actors: 13 },
  { number: 23, name: "Waffle", ...WATERMELON, actors: 14 },
  { number: 24, name: "Tuktuk", ...WATERMELON, actors: 15 },
  { number: 25, name: "Teep", ...TEEP },
  { number: 26, name: "Tock", ...TEEP },
  { number: 27, name: "GoldenWeek", ...TEEP, actors: 17 },
  { number: 28, name: "FireHorse", ...TEEP, actors: 18 },
];

/** Form of the state tree's own map, by the version in its root. */
export const STATE_TREE_HAMT: readonly (0 | 2 | 3)[] = [0, 2, 3, 3, 3, 3];

/** The row of a network version, or undefined if there is none. */
export function findVersion(number: number): NetworkVersion | undefined {
  return NETWORK_VERSIONS.find((row) => row.number === number);
}

/** Whether the native machine can execute under a row. */
export function isNative(row: NetworkVersion): boolean {
  return row.machine === "native" && NATIVE_ACTORS.includes(row.actors);
}

/** Whether a network version is one of the FVM's. */
export function isFvm(number: number): boolean {
  const row = findVersion(number);
  return row !== undefined && row.machine !== "native";
}

/** Whether the machine at hand can execute a network version. */
export function isExecutable(number: number): boolean {
  const row = findVersion(number);
  return row !== undefined && isNative(row);
}
