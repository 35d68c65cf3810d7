/**
 * Upgrades that give every actor the code of the next version, and to some another state (`state-changes.ts`). The
 * system actor's state names the new list of actors. Modules of the new version have to be at hand; they become blocks of the state.
 *
 * Source: go-state-types 8b01cf99da27 builtin/v9 to v18 migration/top.go and system.go. What that of v14 does with the actor f090 is
 * the main network's own affair: elsewhere it is an account already.
 */
import { EngineFault } from "../core/errors.ts";
import { Fvm, type FvmActorView, type FvmHost } from "../core/fvm.ts";
import { type ActorBundle, actorBundle, actorBundles } from "../params/actor-codes.ts";
import { NETWORK_VERSIONS } from "../schema/versions/rows.ts";
import type { BlockSource } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { type Block, CID, cidKey } from "../types/cid.ts";
import { SYSTEM } from "../types/singletons.ts";
import { laterTree } from "./ethereum-upgrade.ts";
import type { Migration, UpgradeBlocks } from "./migration.ts";
import { linkIn, StateBlocks } from "./state-blocks.ts";
import { changed, type StateBefore, type Tuple } from "./state-change.ts";
import { ADDED_ACTORS, STATE_CHANGES } from "./state-changes.ts";

/** First actors version with Ethereum's. */
const ETHEREUM_SINCE = 10;
/** Places in an actor of a state tree. */
const [CODE, HEAD] = [0, 1] as const;

/** What an actor's code is replaced by, and the actor's name. */
type Replaced = { readonly name: string; readonly later: CID };

/** The migration to an actors version, from the one before it that the state has. */
export function codeSwap(actorsVersion: number): Migration {
  return async (root, epoch, blocks) => {
    const networkVersion = NETWORK_VERSIONS.find(({ actors }) => actors === actorsVersion)?.number ?? 0;
    const early = new Map<string, Block>();
    const known: UpgradeBlocks = {
      ...{ put: blocks.put, peek: (cid) => early.get(cidKey(cid))?.bytes ?? blocks.peek(cid) },
      get: async (cid) => early.get(cidKey(cid))?.bytes ?? blocks.get?.(cid),
    };
    const states = new StateBlocks(sourceOf(known), (block) => early.set(cidKey(block.cid), block));
    const treeRoot = actorsVersion === ETHEREUM_SINCE ? await laterTree(states, root) : root;
    const [treeVersion, actors, info] = await states.tuple(treeRoot);
    const actorAt = async (address: Address): Promise<Tuple> => {
      const found = await states.entry(linkIn(actors), address.bytes);
      return Array.isArray(found) ? found : [];
    };
    const stateBefore: StateBefore = async (address) => {
      const { [HEAD]: head } = await actorAt(address);
      if (head === undefined) throw new RangeError(`the state has no actor ${address}, which every state has`);
      return states.tuple(linkIn(head));
    };
    const { [CODE]: system } = await actorAt(SYSTEM);
    const old = bundleOf(CID.asCID(system));
    if (old.actorsVersion !== actorsVersion - 1)
      throw new RangeError(
        `actors v${actorsVersion} are made of actors v${actorsVersion - 1}, and the state has v${old.actorsVersion}`,
      );
    const next = actorBundle(old.name, actorsVersion);
    if (next === undefined) throw new RangeError(`the actors v${actorsVersion} of ${old.name} are not known`);
    const replaced = new Map<string, Replaced>();
    for (const [name, code] of old.codes) {
      const later = next.codes.get(name);
      if (later === undefined) throw new RangeError(`the actors v${actorsVersion} have no ${name}`);
      replaced.set(cidKey(code.bytes), { name, later });
    }
    for (const { bytes: cid } of next.codes.values()) early.set(cidKey(cid), { cid, bytes: await needed(blocks, cid) });
    const manifest = states.put([...next.codes]);
    const changes = STATE_CHANGES[actorsVersion]?.(states, epoch, stateBefore) ?? {};
    const changing = new Map(Object.keys(changes).map((name) => [name, [] as bigint[]]));
    // Node by node: a machine would hold all actors of the state.
    const swapped = await states.changedMap(linkIn(actors), (actor, key) => {
      const found = replaced.get(cidKey(linkIn(actor[CODE]).bytes));
      if (found === undefined) return actor;
      const address = Address.fromBytes(key);
      changing.get(found.name)?.push(address.actorId as bigint);
      const head = address.equals(SYSTEM) ? { [HEAD]: states.put([manifest]) } : {};
      return changed(actor, { [CODE]: found.later, ...head });
    });
    const stateRoot = states.put([treeVersion, swapped, info]);
    const fvm = await Fvm.create(hostOf(known));
    const place = { timestamp: 0, chainId: 0, baseFee: 0n, circulatingSupply: 0n };
    fvm.open({ stateRoot, epoch, networkVersion, ...place });
    const added = (await ADDED_ACTORS[actorsVersion]?.(states, next.codes, stateBefore)) ?? [];
    for (const [id, actor] of added) fvm.setActor(id, actor);
    for (const [name, change] of Object.entries(changes))
      for (const id of changing.get(name) ?? []) {
        const actor = fvm.actor(Address.id(id)) as FvmActorView;
        fvm.setActor(id, { ...actor, head: states.put(await change(await states.tuple(actor.head), id)) });
      }
    const upgraded = fvm.flush();
    for (const block of [...early.values(), ...fvm.madeBlocks()]) blocks.put(block);
    return upgraded;
  };
}

function bundleOf(system: CID | null): ActorBundle {
  const found = actorBundles().find(({ codes }) => system !== null && codes.get("system")?.equals(system) === true);
  if (found === undefined)
    throw new RangeError("the state's actors are none that were published: nothing replaces them");
  return found;
}

/** All blocks: those that are not at hand are waited for, as an upgrade walks over the whole state. */
function sourceOf(blocks: UpgradeBlocks): BlockSource {
  return { peek: blocks.peek, get: (cid) => needed(blocks, cid) };
}

/** Throws `EngineFault` BLOCK_MISSING for a block that nobody has. */
async function needed(blocks: UpgradeBlocks, cid: Uint8Array): Promise<Uint8Array> {
  const bytes = blocks.peek(cid) ?? (await blocks.get?.(cid));
  if (bytes !== undefined) return bytes;
  throw new EngineFault({ code: "BLOCK_MISSING", cid }, "a block of an upgrade is not at hand");
}

function hostOf(blocks: UpgradeBlocks): FvmHost {
  const none = (): false => false;
  const noDigest = (): null => null;
  return {
    peek: (cid) => blocks.peek(cid),
    ...{ ticketDigest: noDigest, beaconDigest: noDigest, tipsetCid: noDigest },
    ...{ verifyPoSt: none, verifySeal: none, verifyAggregate: none, verifyReplicaUpdate: none },
    consensusFault: () => null,
  };
}
