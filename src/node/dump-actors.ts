/**
 * Published actors of a network's file: it names their bundles by network, version and root, and has no code of theirs, which is some
 * megabytes a version and the same everywhere. Whoever loads it gives the bundles. Code that nobody published is in the file, as
 * nobody else could give it.
 */
import type { Bundles } from "../exec/bundles.ts";
import { type ActorBundle, actorBundles, type BundleName } from "../params/actor-codes.ts";
import type { ScheduledVersion } from "../params/upgrades.ts";
import { findVersion } from "../schema/versions/rows.ts";
import type { BlockStore } from "../storage/contract.ts";
import { type Block, type CID, cidKey } from "../types/cid.ts";
import type { LocalUpgrade } from "./devnet-options.ts";

export type NamedBundle = {
  readonly network: BundleName;
  readonly actorsVersion: number;
  readonly root: CID;
};

/** The published bundle that is meant; undefined if none is. */
export function publishedAs({ network, actorsVersion, root }: NamedBundle): ActorBundle | undefined {
  return actorBundles().find(
    (one) => one.name === network && one.actorsVersion === actorsVersion && one.manifest.equals(root),
  );
}

/** The published bundles all of whose code is in a store. */
export async function bundlesIn(store: Pick<BlockStore, "has">): Promise<readonly ActorBundle[]> {
  const found: ActorBundle[] = [];
  const seen = new Set<string>();
  for (const bundle of actorBundles()) {
    const codes = [...bundle.codes.values()];
    // Some code is that of several bundles.
    if (codes.every((cid) => seen.has(cidKey(cid)))) continue;
    if (!(await hasAll(store, codes))) continue;
    found.push(bundle);
    for (const cid of codes) seen.add(cidKey(cid));
  }
  return found;
}

async function hasAll(store: Pick<BlockStore, "has">, cids: readonly CID[]): Promise<boolean> {
  for (const { bytes } of cids) if (!(await store.has(bytes))) return false;
  return true;
}

export function namesOf(bundles: readonly ActorBundle[]): readonly NamedBundle[] {
  return bundles.map(({ name, actorsVersion, manifest }) => ({ network: name, actorsVersion, root: manifest }));
}

/** The code that a file leaves out: its blocks, and the upgrades that are still to come with the actors that they bring. */
export type ActorsOfFile = { readonly blocks: readonly Block[]; readonly upgrades: readonly LocalUpgrade[] };

/**
 * Finds the bundles that a file names, and those of its upgrades whose actors the state has not had. Throws `BundleError` MISSING_BUNDLE,
 * which says the next step, for one that is not at hand.
 */
export async function actorsFor(
  named: readonly NamedBundle[],
  upgrades: readonly ScheduledVersion[],
  atHand: Pick<Bundles, "require">,
): Promise<ActorsOfFile> {
  const blocks: Block[] = [];
  for (const { network, actorsVersion } of named) {
    const bundle = await atHand.require(network, actorsVersion);
    for (const cid of bundle.codes.values())
      blocks.push({ cid: cid.bytes, bytes: bundle.blocks.get(cidKey(cid)) as Uint8Array });
  }
  const last = named.reduce((most, { actorsVersion }) => Math.max(most, actorsVersion), 0);
  const [first] = named;
  const out: LocalUpgrade[] = [];
  for (const { epoch, networkVersion } of upgrades) {
    const actorsVersion = findVersion(networkVersion)?.actors ?? 0;
    const isToCome = first !== undefined && actorsVersion > last;
    out.push({
      epoch,
      networkVersion,
      ...(isToCome ? { bundle: await atHand.require(first.network, actorsVersion) } : {}),
    });
  }
  return { blocks, upgrades: out };
}
