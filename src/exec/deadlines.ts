/** Deadlines of a miner whose state is being changed. */
import type { CID } from "../types/cid.ts";
import { linkIn, type StateBlocks } from "./state-blocks.ts";
import type { Tuple } from "./state-change.ts";

/** Place of the deadlines in a miner's state, v8 to v18. */
const DEADLINES = 12;

/** The place of a miner's deadlines with each of them changed; many are the same one. */
export async function eachDeadline(
  blocks: StateBlocks,
  state: Tuple,
  change: (deadline: Tuple) => Promise<Tuple>,
): Promise<Readonly<Record<number, CID>>> {
  const [due] = (await blocks.tuple(linkIn(state[DEADLINES]))) as [readonly unknown[]];
  const known = new Map<string, CID>();
  const next: CID[] = [];
  for (const one of due) {
    const cid = linkIn(one);
    const name = `${cid}`;
    const made = known.get(name) ?? blocks.put(await change(await blocks.tuple(cid)));
    known.set(name, made);
    next.push(made);
  }
  return { [DEADLINES]: blocks.put([next]) };
}
