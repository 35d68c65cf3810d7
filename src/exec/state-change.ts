/** What an upgrade between published actors is told and gives: states changed, actors added. */
import type { FvmActorView } from "../core/fvm.ts";
import type { Address } from "../types/address.ts";
import type { CID } from "../types/cid.ts";
import type { StateBlocks } from "./state-blocks.ts";

export type Tuple = readonly unknown[];
export type StateChange = (state: Tuple, actor: bigint) => Promise<Tuple> | Tuple;

/** Of the actors of one upgrade. */
export type StateChanges = {
  /** By the actor's name; they are applied in this order, the actors of one name by their ids. */
  readonly [actor: string]: StateChange;
};

/** State of an actor that every state has, as it was before the upgrade. */
export type StateBefore = (actor: Address) => Promise<Tuple>;

/** `epoch`: the last one before the upgrade. */
export type ChangesOf = (blocks: StateBlocks, epoch: number, before: StateBefore) => StateChanges;

/** Actors that come with an upgrade, by their ids. `codes`: those of the later version, by their names. */
export type AddedActors = (
  blocks: StateBlocks,
  codes: ReadonlyMap<string, CID>,
  before: StateBefore,
) => Promise<readonly (readonly [bigint, FvmActorView])[]>;

export const changed = (tuple: Tuple, changes: Readonly<Record<number, unknown>>): Tuple =>
  tuple.map((value, i) => (i in changes ? changes[i] : value));

/** A new actor without funds. Throws where the later version has none of that name. */
export function newActor(
  codes: ReadonlyMap<string, CID>,
  name: string,
  head: CID,
  delegated: Address | null,
): FvmActorView {
  const code = codes.get(name);
  if (code === undefined) throw new RangeError(`the actors that are upgraded to have no ${name}`);
  return { code, head, nonce: 0n, balance: 0n, delegated };
}
