/** One look at a miner: its power, sectors, money, what faults would cost it now, and whether it may make blocks. */
import type { MinerChain, MinerMoney, MinerPower } from "../miner/chain-side/chain.ts";
import { ObjectReader } from "../state/actor-reader.ts";
import { allPartitions } from "../state/miner-reader.ts";
import { type SectorSet, sectorsOf } from "../state/miner-sectors.ts";
import { faultFee } from "../stmgr/penalties.ts";
import { networkFigures } from "../stmgr/pledge-figures.ts";
import type { Address } from "../types/address.ts";
import { BURNT_FUNDS } from "../types/singletons.ts";
import type { FilecoinNode } from "./node.ts";

export type MinerReport = {
  readonly miner: Address;
  /** The state after the tipset of this epoch is told of. */
  readonly epoch: number;
  readonly power: MinerPower;
  readonly sectors: {
    readonly live: SectorSet;
    readonly active: SectorSet;
    readonly faulty: SectorSet;
    readonly recovering: SectorSet;
    readonly unproven: SectorSet;
    /** Not compacted away yet. */
    readonly terminated: SectorSet;
  };
  readonly money: MinerMoney;
  /**
   * attoFIL that the power which is faulty now costs at the end of each of its deadlines, once a day. It is the actors' own
   * formula, and comes to 0 where a small network loses much of its power: the smoothed power, going on as it moves, is none.
   */
  readonly faultFee: bigint;
  /** attoFIL that anybody has burnt since the genesis. */
  readonly burnt: bigint;
  /** Why it may not make the next block, or null. */
  readonly notEligible: string | null;
};

/** Tells of a miner after the head. `whyNot`: why it may not make a block on top of the head. */
export async function minerReport(
  { states }: Pick<FilecoinNode, "states">,
  chain: MinerChain,
  whyNot: () => Promise<string | null>,
): Promise<MinerReport> {
  const { head, blocks } = states.chain;
  const at = { key: head.key, height: head.height, networkVersion: states.networkVersionAt(head.height + 1) };
  const view = await states.stateAfter(head);
  const state = await ObjectReader.open(blocks, await view.requireActor(chain.miner), chain.prefix);
  const sets = {
    live: [] as number[],
    active: [] as number[],
    faulty: [] as number[],
    recovering: [] as number[],
    unproven: [] as number[],
    terminated: [] as number[],
  };
  const names = Object.keys(sets) as (keyof typeof sets)[];
  let faulty = 0n;
  for await (const partition of allPartitions(state)) {
    for (const name of names) sets[name].push(...sectorsOf(partition[name]));
    faulty += BigInt((partition.expirations.field("FaultyPower") as { readonly QA: string }).QA);
  }
  for (const name of names) sets[name].sort((a, b) => a - b);
  const figures = await networkFigures(states, head, view, blocks);
  return {
    miner: chain.miner,
    epoch: head.height,
    power: await chain.power(at),
    sectors: sets,
    money: await chain.money(at),
    faultFee: faulty === 0n ? 0n : faultFee(figures, faulty),
    burnt: await chain.balanceOf(BURNT_FUNDS, at),
    notEligible: await whyNot(),
  };
}
