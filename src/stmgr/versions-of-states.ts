/**
 * The network versions of a local network's chain, as far as its states tell them: a snapshot names none, but from version 16 on a
 * state names its actors, by which the version is known. Where two versions have the same actors (19 and 20, 25 and 26) the later one is
 * taken; whoever compares roots finds out if it was the other.
 */
import type { Chain } from "../chain/chain.ts";
import { actorBundles } from "../params/actor-codes.ts";
import { DEVNET_VERSION } from "../params/networks.ts";
import { findVersion, isFvm, NETWORK_VERSIONS } from "../schema/versions/rows.ts";
import { readManifest } from "../state/manifest.ts";
import { StateView } from "../state/state-view.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { type CID, textOfCid } from "../types/cid.ts";
import { SYSTEM } from "../types/singletons.ts";
import { StateManagerError } from "./errors.ts";

/** A version that came while a chain was made: the result of `tipset` is the first with its actors. */
export type FoundUpgrade = {
  readonly networkVersion: number;
  readonly tipset: Tipset;
  /** It is in force from one of these epochs on: more than one where null rounds lie before the tipset. */
  readonly epochs: { readonly first: number; readonly last: number };
};

export type FoundVersions = { readonly first: number; readonly upgrades: readonly FoundUpgrade[] };

/** Actors of this engine's own. */
const NATIVE = "native";

/** `name`: of those actors and no others. `networkVersion`: null where nobody published them. */
type Running = { readonly name: string; readonly networkVersion: number | null };

/**
 * The versions under which some tipsets, one upon another, were made. `last`: of the last of them, where the states do not tell it.
 * Throws `StateManagerError` VERSION_UNKNOWN.
 */
export async function versionsOfStates(chain: Chain, line: readonly Tipset[], last?: number): Promise<FoundVersions> {
  const at = new Map<number, Running>();
  const before = async (i: number): Promise<Running> => {
    const known = at.get(i) ?? (await runningIn(chain.blocks, stateBefore(line[i] as Tipset)));
    at.set(i, known);
    return known;
  };
  /** Where among tipsets the actors change: those whose states before them are the first with others. */
  const changes = async (low: number, high: number): Promise<number[]> => {
    if ((await before(low)).name === (await before(high)).name) return [];
    if (high - low === 1) return [high];
    const middle = (low + high) >> 1;
    return [...(await changes(low, middle)), ...(await changes(middle, high))];
  };
  const top = line.length - 1;
  const found = await changes(0, top);
  const newest = numberOf(await before(top), line[top] as Tipset, last);
  if (found.length === 0) return { first: newest, upgrades: [] };
  const upgrades: FoundUpgrade[] = [];
  for (const i of found) {
    const tipset = line[i - 1] as Tipset;
    const below = await chain.parent(tipset);
    const isNewest = i === found.at(-1);
    const networkVersion = isNewest ? newest : numberOf(await before(i), line[i] as Tipset);
    upgrades.push({ networkVersion, tipset, epochs: { first: (below?.height ?? 0) + 1, last: tipset.height } });
  }
  return { first: numberOf(await before(0), line[0] as Tipset), upgrades };
}

function stateBefore(tipset: Tipset): CID {
  return (tipset.blocks[0] as BlockHeader).parentStateRoot;
}

async function runningIn(blocks: BlockSource, root: CID): Promise<Running> {
  const view = await StateView.open(blocks, root);
  const { code } = await view.requireActor(SYSTEM);
  // Before version 16 a code is a text, and local networks have one version.
  if (textOfCid(code) !== null) return { name: NATIVE, networkVersion: DEVNET_VERSION };
  const { root: manifest } = await readManifest(blocks, view);
  const published = actorBundles().find((one) => one.manifest.equals(manifest));
  const rows = NETWORK_VERSIONS.filter(({ actors }) => actors === published?.actorsVersion);
  return { name: `${manifest}`, networkVersion: rows.at(-1)?.number ?? null };
}

/** `given`: as somebody says who knows. */
function numberOf({ name, networkVersion }: Running, { height }: Tipset, given?: number): number {
  if (given === undefined && networkVersion !== null) return networkVersion;
  const unknown = (why: string): StateManagerError =>
    new StateManagerError({ code: "VERSION_UNKNOWN", epoch: height }, why);
  if (given === undefined)
    throw unknown(
      `the actors of epoch ${height} are of a bundle that nobody published (its root is ${name}), which does not tell the network version: ` +
        "give it (--network-version), or take the snapshot in without validating",
    );
  const rows = NETWORK_VERSIONS.filter(({ number, actors }) =>
    networkVersion === null ? isFvm(number) : actors === findVersion(networkVersion)?.actors,
  );
  const possible = name === NATIVE ? [DEVNET_VERSION] : rows.map(({ number }) => number);
  if (possible.includes(given)) return given;
  throw unknown(`the actors of epoch ${height} are those of network version ${possible.join(", ")}, not ${given}`);
}
