/**
 * Upgrades that give every actor the code of the next version, and to some another state (`state-changes.ts`). The
 * system actor's state names the new list of actors. Modules of the new version have to be at hand; they become blocks of the state.
 *
 * Source: go-state-types 8b01cf99da27 builtin/v9 to v18 migration/top.go and system.go. What that of v14 does with the actor f090 is
 * the main network's own affair: elsewhere it is an account already.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { EngineFault } from "../core/errors.ts";
import { Fvm, type FvmHost } from "../core/fvm.ts";
import { type ActorBundle, actorBundle, actorBundles } from "../params/actor-codes.ts";
import { NETWORK_VERSIONS } from "../schema/versions/rows.ts";
import type { BlockSource } from "../storage/contract.ts";
import { hamtEntries } from "../storage/hamt.ts";
import { Address } from "../types/address.ts";
import { type Block, CID, cidKey, cidOfBlock } from "../types/cid.ts";
import { SYSTEM } from "../types/singletons.ts";
import { laterTree } from "./ethereum-upgrade.ts";
import type { Migration, UpgradeBlocks } from "./migration.ts";
import { StateBlocks } from "./state-blocks.ts";
import type { StateBefore } from "./state-change.ts";
import { ADDED_ACTORS, STATE_CHANGES } from "./state-changes.ts";

/** First actors version with Ethereum's. */
const ETHEREUM_SINCE = 10;

/** The migration to an actors version, from the one before it that the state has. */
export function codeSwap(actorsVersion: number): Migration {
  return async (root, epoch, blocks) => {
    const networkVersion = NETWORK_VERSIONS.find(({ actors }) => actors === actorsVersion)?.number ?? 0;
    const early = new Map<string, Block>();
    const known: UpgradeBlocks = {
      ...{ put: blocks.put, peek: (cid) => early.get(cidKey(cid))?.bytes ?? blocks.peek(cid) },
      get: async (cid) => early.get(cidKey(cid))?.bytes ?? blocks.get?.(cid),
    };
    const fvm = await Fvm.create(hostOf(known));
    const before = new StateBlocks(sourceOf(known), (block) => early.set(cidKey(block.cid), block));
    const stateRoot = actorsVersion === ETHEREUM_SINCE ? await laterTree(before, root) : root;
    const place = { timestamp: 0, chainId: 0, baseFee: 0n, circulatingSupply: 0n };
    fvm.open({ stateRoot, epoch, networkVersion, ...place });
    const old = bundleOf(fvm.actor(SYSTEM)?.code);
    if (old.actorsVersion !== actorsVersion - 1)
      throw new RangeError(
        `actors v${actorsVersion} are made of actors v${actorsVersion - 1}, and the state has v${old.actorsVersion}`,
      );
    const next = actorBundle(old.name, actorsVersion);
    if (next === undefined) throw new RangeError(`the actors v${actorsVersion} of ${old.name} are not known`);
    const codes = new Map<string, CID>();
    for (const [name, code] of old.codes) {
      const replaced = next.codes.get(name);
      if (replaced === undefined) throw new RangeError(`the actors v${actorsVersion} have no ${name}`);
      codes.set(cidKey(code.bytes), replaced);
    }
    for (const { bytes: cid } of next.codes.values()) fvm.put({ cid, bytes: await needed(blocks, cid) });
    const put = (value: unknown): CID => {
      const bytes = dagCbor.encode(value);
      const cid = cidOfBlock(bytes);
      fvm.put({ cid: cid.bytes, bytes });
      return cid;
    };
    const manifest = put([...next.codes]);
    const ids = await actorsOf(known, stateRoot);
    for (const id of ids) {
      const address = Address.id(id);
      const actor = fvm.actor(address);
      const code = actor === null ? undefined : codes.get(cidKey(actor.code.bytes));
      if (actor === null || code === undefined) continue;
      fvm.setActor(id, { ...actor, code, ...(address.equals(SYSTEM) ? { head: put([manifest]) } : {}) });
    }
    const states = new StateBlocks(sourceOf(known), (block) => fvm.put(block));
    const heads = new Map(ids.map((id) => [id, fvm.actor(Address.id(id))?.head]));
    const stateBefore: StateBefore = (address) => {
      const head = heads.get(address.actorId as bigint);
      if (head === undefined) throw new RangeError(`the state has no actor ${address}, which every state has`);
      return states.tuple(head);
    };
    const added = (await ADDED_ACTORS[actorsVersion]?.(states, next.codes, stateBefore)) ?? [];
    for (const [id, actor] of added) fvm.setActor(id, actor);
    const changes = STATE_CHANGES[actorsVersion]?.(states, epoch, stateBefore) ?? {};
    for (const [name, change] of Object.entries(changes)) {
      const own = next.codes.get(name);
      for (const id of ids) {
        const actor = fvm.actor(Address.id(id));
        if (actor === null || own === undefined || !actor.code.equals(own)) continue;
        fvm.setActor(id, { ...actor, head: states.put(await change(await states.tuple(actor.head), id)) });
      }
    }
    const upgraded = fvm.flush();
    for (const block of [...early.values(), ...fvm.madeBlocks()]) blocks.put(block);
    return upgraded;
  };
}

function bundleOf(system: CID | undefined): ActorBundle {
  const found = actorBundles().find(
    ({ codes }) => system !== undefined && codes.get("system")?.equals(system) === true,
  );
  if (found === undefined)
    throw new RangeError("the state's actors are none that were published: nothing replaces them");
  return found;
}

/** Ids of all actors of a state. */
async function actorsOf(blocks: UpgradeBlocks, root: CID): Promise<bigint[]> {
  const source = sourceOf(blocks);
  const [, actors] = dagCbor.decode<[number, unknown]>(await needed(blocks, root.bytes));
  const map = CID.asCID(actors);
  if (map === null) throw new RangeError("not a root of a state");
  const ids: bigint[] = [];
  for await (const [key] of hamtEntries(source, map)) ids.push(Address.fromBytes(key).actorId as bigint);
  return ids;
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
