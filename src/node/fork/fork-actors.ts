/**
 * The code of a forked network's actors, published or not: from the bundles of this node's user, else from the other node, whose
 * state's blocks they are. It is taken at once, so that what is missing is told before anything runs.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { describeError } from "../../base/errors.ts";
import { type Bundle, MAX_ACTORS, MAX_PACK, missingBundle } from "../../exec/bundle.ts";
import type { Bundles } from "../../exec/bundles.ts";
import { type ActorBundle, actorBundle, actorBundles, actorOfCode, type BundleName } from "../../params/actor-codes.ts";
import { DEVNET } from "../../params/networks.ts";
import { findVersion, isFvm } from "../../schema/versions/rows.ts";
import { isMiner, noMiner } from "../../state/actor-kind.ts";
import { readManifest } from "../../state/manifest.ts";
import { StateView } from "../../state/state-view.ts";
import type { Address } from "../../types/address.ts";
import { type CID, cidKey, cidOfBlock } from "../../types/cid.ts";
import { SYSTEM } from "../../types/singletons.ts";
import type { LocalUpgrade } from "../devnet-options.ts";
import { ForkError } from "./errors.ts";
import type { ForkStore } from "./fork-store.ts";

/** Published actors that are at hand. */
export type AtHand = Pick<Bundles, "find">;

/** Which published actors a network has. */
export type NamedActors = { readonly network: BundleName; readonly actorsVersion: number };

type Wanted = {
  readonly networkVersion: number;
  readonly codes: Iterable<CID>;
  /** Null: a bundle that nobody published, whose manifest's root is `root`. */
  readonly published: ActorBundle | null;
  readonly root: CID;
};

/** `networkVersion`: in force when the state was made. `miner`: whose blocks the fork's producer makes. */
type Given = { readonly state: CID; readonly networkVersion: number; readonly miner: Address };

/**
 * Takes the code of all actors that a state names, and tells which published ones they are; null for a bundle that nobody published, and for
 * the native machine. Throws `ForkError` CODE_NOT_AT_HAND, and BAD_ANSWER for a state that is none, of another version, or without the miner.
 */
export async function takeActors(
  store: ForkStore,
  { state, networkVersion, miner }: Given,
  atHand: AtHand,
): Promise<NamedActors | null> {
  const { running, system, producer } = await ofState(store, async () => {
    const view = await StateView.open(store, state);
    const running = isFvm(networkVersion) ? await readManifest(store, view) : null;
    return { running, system: await view.requireActor(SYSTEM), producer: await view.actor(miner) };
  });
  const published = actorBundles().find(({ manifest }) => running !== null && manifest.equals(running.root)) ?? null;
  const known = running === null ? actorOfCode(system.code) : published;
  const wanted = findVersion(networkVersion)?.actors;
  if ((running === null || published !== null) && known?.actorsVersion !== wanted)
    throw new ForkError(
      { code: "BAD_ANSWER", method: "StateGetNetworkParams" },
      `${store.url} does not give its versions: its state has ${known === null ? "unknown actors" : `the actors v${known.actorsVersion}`}${published === null ? "" : ` of ${published.name}`}, and by them it was made at network version ${networkVersion}, which runs v${wanted}`,
    );
  // Local networks are forked, and no others.
  const name = miner.toString(DEVNET.prefix);
  // What actors of a bundle that nobody published are is not known.
  if (producer === null || ((running === null || published !== null) && !isMiner(producer)))
    throw new ForkError(
      { code: "BAD_ANSWER", method: "Devnet.info" },
      `${store.url}, Devnet.info: ${producer === null ? `its state has no miner ${name}` : noMiner(name, producer)}`,
    );
  if (running === null) return null;
  const { codes, root } = running;
  if (codes.size > MAX_ACTORS)
    throw badState(store, `it names ${codes.size} actors, and ${MAX_ACTORS} at most are allowed`);
  await takeCodes(store, { networkVersion, codes: codes.values(), published, root }, atHand);
  return published === null ? null : { network: published.name, actorsVersion: published.actorsVersion };
}

/** Reads of a state that the other node chose: whatever is wrong with it is that node's. */
async function ofState<Result>(store: ForkStore, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    throw cause instanceof ForkError ? cause : badState(store, describeError(cause), cause);
  }
}

function badState({ url }: ForkStore, why: string, cause?: unknown): ForkError {
  return new ForkError(
    { code: "BAD_ANSWER", method: "ChainReadObj" },
    `${url} does not give its chain: its state cannot be used: ${why}`,
    { cause },
  );
}

/** The upgrades with the actors of those that the state has not yet. Throws `ForkError` CODE_NOT_AT_HAND. */
export async function takeUpgrades(
  store: ForkStore,
  upgrades: readonly LocalUpgrade[],
  now: NamedActors | null,
  atHand: AtHand,
): Promise<readonly LocalUpgrade[]> {
  const out: LocalUpgrade[] = [];
  for (const { epoch, networkVersion } of upgrades) {
    const actorsVersion = findVersion(networkVersion)?.actors ?? 0;
    const published = now === null ? undefined : actorBundle(now.network, actorsVersion);
    if (now === null || published === undefined || actorsVersion <= now.actorsVersion) {
      out.push({ epoch, networkVersion });
      continue;
    }
    const { manifest: root, codes } = published;
    const blocks = await takeCodes(store, { networkVersion, codes: codes.values(), published, root }, atHand);
    const manifest = cidOfBlock(dagCbor.encode([...codes]));
    out.push({ epoch, networkVersion, bundle: { root, manifest, codes, published, blocks } });
  }
  return out;
}

/** The code of some actors, which the store has from then on, by the keys of their CIDs. */
async function takeCodes(store: ForkStore, wanted: Wanted, atHand: AtHand): Promise<Map<string, Uint8Array>> {
  const { published, codes } = wanted;
  const blocks = new Map<string, Uint8Array>();
  let bundle: Bundle | undefined;
  let looked = false;
  let size = 0;
  for (const cid of codes) {
    let bytes = await store.kept(cid.bytes);
    if (bytes === undefined && published !== null && !looked) {
      bundle = await atHand.find(published.name, published.actorsVersion);
      looked = true;
    }
    const own = bytes === undefined ? bundle?.blocks.get(cidKey(cid)) : undefined;
    if (own !== undefined) await store.write({ blocks: [{ cid: cid.bytes, bytes: own }] });
    bytes ??= own ?? (await fetched(store, cid, wanted));
    size += bytes.length;
    if (size > MAX_PACK)
      throw missing(store, cid, wanted, new Error(`its actors have more than ${MAX_PACK >> 20} MiB`));
    blocks.set(cidKey(cid), bytes);
  }
  return blocks;
}

async function fetched(store: ForkStore, cid: CID, wanted: Wanted): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await store.get(cid.bytes);
  } catch (cause) {
    throw missing(store, cid, wanted, cause);
  }
  if (bytes === undefined) throw missing(store, cid, wanted);
  return bytes;
}

function missing(
  { url }: ForkStore,
  cid: CID,
  { networkVersion, published, root }: Wanted,
  cause?: unknown,
): ForkError {
  const why = cause === undefined ? `${url} does not have it` : describeError(cause);
  const next =
    published === null
      ? `they are of a bundle that nobody published (its root is ${root}): only a node that has it can give it`
      : missingBundle(published.name, published.actorsVersion).message;
  return new ForkError(
    { code: "CODE_NOT_AT_HAND", networkVersion },
    `the code ${cid} of actors of network version ${networkVersion} is not here, and ${why}; ${next}`,
    { cause },
  );
}
