/**
 * What the upgrade to actors v10 brings beside the later codes: a state tree of version 5, whose actors have delegated addresses; the
 * manager of Ethereum's addresses (f010); and an account at Ethereum's address of zeros, to which the init actor gives the next id.
 *
 * Source: go-state-types 8b01cf99da27 builtin/v10/migration/top.go, init.go, eam.go.
 */
import type { FvmActorView } from "../core/fvm.ts";
import { Address } from "../types/address.ts";
import type { CID } from "../types/cid.ts";
import { EAM } from "../types/singletons.ts";
import { linkIn, type StateBlocks } from "./state-blocks.ts";

const TREE = { before: 4, after: 5 } as const;
const INIT = { map: 0, nextId: 1 } as const;
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
  const next = Number(state[INIT.nextId]);
  const map = await blocks.mapWith(linkIn(state[INIT.map]), ZERO.bytes, next);
  return state.map((value, i) => (i === INIT.map ? map : i === INIT.nextId ? next + 1 : value));
}

/** Actors that come, by their ids. `init`: the init actor's state before. */
export function ethereumActors(
  blocks: StateBlocks,
  codes: ReadonlyMap<string, CID>,
  init: readonly unknown[],
): readonly (readonly [bigint, FvmActorView])[] {
  const head = blocks.put([]);
  const actor = (name: string, delegated: Address | null): FvmActorView => {
    const code = codes.get(name);
    if (code === undefined) throw new RangeError(`the actors v10 have no ${name}`);
    return { code, head, nonce: 0n, balance: 0n, delegated };
  };
  return [
    [EAM.actorId as bigint, actor("eam", null)],
    [BigInt(init[INIT.nextId] as number), actor("ethaccount", ZERO)],
  ];
}
