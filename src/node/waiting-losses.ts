/** Sectors that messages which wait are to take away from miners: the state does not show it yet. */
import { REPORT_CONSENSUS_FAULT } from "../miner/fault-reporter.ts";
import type { OwnMiner } from "../miner/own-sectors.ts";
import { sectorsOf } from "../state/miner-sectors.ts";
import { decodeMethodData, type StateView } from "../state/state-view.ts";
import type { NetworkPrefix } from "../types/address.ts";
import type { Message, SignedMessage } from "../types/message.ts";
import type { Json } from "../types/schema-codec.ts";

/** What takes sectors away from a miner. */
export type Loss = { readonly own: OwnMiner; readonly isGone: (sector: number) => boolean };

/** In all versions of the actors. Source: specs-actors v2.1.0 actors/builtin/methods.go. */
const TERMINATE_SECTORS = 9n;

/** Of all messages that wait, whoever sent them: they are there after a restart and after a way back, too. */
export async function waitingLosses(
  waiting: readonly SignedMessage[],
  miners: readonly OwnMiner[],
  view: StateView,
  prefix: NetworkPrefix,
): Promise<readonly Loss[]> {
  const losses: Loss[] = [];
  for (const { message } of waiting) {
    if (message.method !== TERMINATE_SECTORS && message.method !== REPORT_CONSENSUS_FAULT) continue;
    const to = await view.lookupId(message.to);
    const own = to === null ? undefined : miners.find(({ address }) => address.equals(to));
    if (own === undefined) continue;
    if (message.method === REPORT_CONSENSUS_FAULT) losses.push({ own, isGone: () => true });
    else {
      const gone = await terminated(message, view, prefix);
      losses.push({ own, isGone: (sector) => gone.has(sector) });
    }
  }
  return losses;
}

/** Sectors that a termination names; none for one that the actor cannot read either. */
async function terminated(
  { to, method, params }: Message,
  view: StateView,
  prefix: NetworkPrefix,
): Promise<ReadonlySet<number>> {
  const { code } = await view.requireActor(to);
  try {
    const { Terminations } = decodeMethodData(code, method, "params", params, prefix) as {
      readonly Terminations: readonly { readonly Sectors: Json }[];
    };
    return new Set(Terminations.flatMap(({ Sectors }) => sectorsOf(Sectors)));
  } catch {
    return new Set();
  }
}
