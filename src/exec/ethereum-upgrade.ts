/**
 * What the upgrade to actors v10 brings beside the later codes: a state tree of version 5, whose actors have delegated addresses; the
 * manager of Ethereum's addresses (f010); and an account at Ethereum's address of zeros, to which the init actor gives the next id.
 *
 * Source: go-state-types 8b01cf99da27 builtin/v10/migration/top.go, init.go, eam.go.
 */
import { Address } from "../types/address.ts";
import type { CID } from "../types/cid.ts";
import { EAM, INIT } from "../types/singletons.ts";
import { linkIn, type StateBlocks } from "./state-blocks.ts";
import { type AddedActors, newActor } from "./state-change.ts";

const TREE = { before: 4, after: 5 } as const;
const STATE = { map: 0, nextId: 1 } as const;
/** Ethereum's address of zeros. */
const ZERO = Address.delegated(EAM.actorId as bigint, new Uint8Array(20));

/** The same state as a tree of version 5: no actor has a delegated address yet. */
export async function laterTree(blocks: StateBlocks, root: CID): Promise<CID> {
  const [version, actors, info] = await blocks.tuple(root);
  if (version !== TREE.before)
    throw new RangeError(`a state tree of version ${version}, and one of ${TREE.before} expected`);
  const map = await blocks.changedMap(linkIn(actors), (actor) => [...actor, null]);
  return blocks.put([TREE.after, map, info]);
}

/** The init actor's state with one more address. */
export async function withZeroAddress(blocks: StateBlocks, state: readonly unknown[]): Promise<readonly unknown[]> {
  const next = Number(state[STATE.nextId]);
  const map = await blocks.mapWith(linkIn(state[STATE.map]), ZERO.bytes, next);
  return state.map((value, i) => (i === STATE.map ? map : i === STATE.nextId ? next + 1 : value));
}

export const ethereumActors: AddedActors = async (blocks, codes, before) => {
  const head = blocks.put([]);
  const next = BigInt((await before(INIT))[STATE.nextId] as number);
  return [
    [EAM.actorId as bigint, newActor(codes, "eam", head, null)],
    [next, newActor(codes, "ethaccount", head, ZERO)],
  ];
};
