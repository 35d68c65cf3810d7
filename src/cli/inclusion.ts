/** At which epoch a message was included, and where its receipt is: said alike by all commands. */
import type { Remote } from "./remote.ts";
import type { Link } from "./remote-call.ts";

/** Of what `StateWaitMsg` gives. */
export type Found = {
  /** Of the tipset whose headers commit to the receipt: the first above the one that includes the message. */
  readonly Height: number;
  readonly TipSet: readonly Link[];
};
type Tipset = { readonly Height: number; readonly Blocks: readonly { readonly Parents: readonly Link[] }[] };

/** Epoch of the tipset that holds the message; null if the node does not say. */
export async function inclusionEpoch(remote: Remote, { TipSet }: Found): Promise<number | null> {
  const child = await remote.ask<Tipset>("ChainGetTipSet", TipSet);
  const parents = child?.Blocks[0]?.Parents;
  return parents === undefined ? null : ((await remote.ask<Tipset>("ChainGetTipSet", parents))?.Height ?? null);
}

export function inclusionText(included: number | null, { Height }: Found): string {
  return included === null
    ? `its receipt is in epoch ${Height}`
    : `included at epoch ${included} (its receipt is in ${Height})`;
}
