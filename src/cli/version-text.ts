/** What is told of a network's version: which is in force, whose actors run, and which versions are to come or have come. */
import type { Chain } from "../chain/chain.ts";
import { actorBundles } from "../params/actor-codes.ts";
import { type NetworkParams, networkVersionAt } from "../params/networks.ts";
import type { ScheduledVersion } from "../params/upgrades.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { findVersion, isFvm } from "../schema/versions/rows.ts";
import { readManifest } from "../state/manifest.ts";
import { StateView } from "../state/state-view.ts";
import type { BlockHeader } from "../types/block-header.ts";

export type VersionFacts = {
  readonly networkVersion: number;
  readonly actorsVersion: number;
  /** Whose actors run: the network under whose name they are published, or the root of their bundle; null: this engine's own. */
  readonly actors: string | null;
  /** Versions that are still to come. */
  readonly toCome: readonly ScheduledVersion[];
};

/** At a chain's head. */
export async function versionFacts(network: NetworkParams, { head, blocks }: Chain): Promise<VersionFacts> {
  const networkVersion = networkVersionAt(network, head.height);
  const actors = isFvm(networkVersion)
    ? await publisher(blocks, (head.blocks[0] as BlockHeader).parentStateRoot)
    : null;
  const toCome = network.upgrades.filter(({ epoch }) => epoch > head.height);
  return { networkVersion, actorsVersion: actorsOf(networkVersion), actors, toCome };
}

async function publisher(blocks: Chain["blocks"], state: BlockHeader["parentStateRoot"]): Promise<string> {
  const { root } = await readManifest(blocks, await StateView.open(blocks, state));
  return actorBundles().find(({ manifest }) => manifest.equals(root))?.name ?? `${root}`;
}

function actorsOf(networkVersion: number): number {
  return findVersion(networkVersion)?.actors ?? 0;
}

/** A line of what is told at the start. */
export function versionLine({ networkVersion, actorsVersion, actors, toCome }: VersionFacts): string {
  const called = findVersion(networkVersion)?.name ?? "";
  const whose =
    actors === null
      ? "this engine's own"
      : actorBundles().some(({ name }) => name === actors)
        ? `published for ${actors}`
        : `of a bundle that nobody published, ${actors}`;
  const later = toCome.map(
    (one) => `; ${one.networkVersion} from epoch ${one.epoch} on, with actors v${actorsOf(one.networkVersion)}`,
  );
  return `Version    network version ${networkVersion} (${called}), actors v${actorsVersion} ${whose}${later.join("")}`;
}

/** Of a version that has come; the one that brings Ethereum's accounts brings them no money. */
export function upgradeText({ epoch, networkVersion }: ScheduledVersion): string {
  const { name, actors } = findVersion(networkVersion) ?? {};
  const brings = (version: number): boolean => chainRule("ethAccountsSend", version);
  const ethereum =
    brings(networkVersion) && !brings(networkVersion - 1)
      ? "; Ethereum's tools work from now on, and its accounts (eth_accounts) have what is sent to them, nothing from the genesis"
      : "";
  return `epoch ${epoch}  network version ${networkVersion} (${name}) is in force, with actors v${actors}${ethereum}`;
}

/** Which versions came with a head, each told once however often the head goes back. */
export class ComingVersions {
  private readonly upgrades: readonly ScheduledVersion[];
  private reached: number | null;

  /** `reached`: a height whose versions are known; null: that below the first head. */
  constructor(upgrades: readonly ScheduledVersion[], reached: number | null = null) {
    this.upgrades = upgrades;
    this.reached = reached;
  }

  at(height: number): readonly ScheduledVersion[] {
    const before = this.reached ?? height - 1;
    this.reached = Math.max(before, height);
    return this.upgrades.filter(({ epoch }) => epoch > before && epoch <= height);
  }
}
