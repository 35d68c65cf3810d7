/** The name of the network that a state is of: its init actor has it since the genesis, in every version. */
import { isFilError } from "../base/errors.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { CID } from "../types/cid.ts";
import { INIT } from "../types/singletons.ts";
import { ObjectReader } from "./actor-reader.ts";
import { StateView } from "./state-view.ts";

/** Null where the state does not tell it: no init actor, or one that cannot be read. */
export async function networkNameIn(blocks: BlockSource, root: CID): Promise<string | null> {
  try {
    const init = await (await StateView.open(blocks, root)).actor(INIT);
    if (init === null) return null;
    const name = (await ObjectReader.open(blocks, init, "f")).field("NetworkName");
    return typeof name === "string" ? name : null;
  } catch (error) {
    if (isFilError(error)) return null;
    throw error;
  }
}
