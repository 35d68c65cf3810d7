/** A miner's deadlines and partitions, as commands look sectors up in them. */
import type { PartitionSectors } from "../miner/chain-side/calls.ts";
import { nextClock } from "../miner/chain-side/state-json.ts";
import type { OpenMiner } from "./miner-chain.ts";

/** Sectors of every deadline that has some, of one state. */
export async function due({ chain }: OpenMiner) {
  const all = (await chain.allSectorsDue()).map((one, index) => ({ index, ...one }));
  return all.filter(({ partitions }) => partitions.length > 0);
}

/** The next opening of a deadline, or the one that is under way. */
export async function opening({ chain }: OpenMiner) {
  const now = await chain.deadline();
  return (index: number) => nextClock(now, index);
}

/** Where live sectors are proven, partition by partition. */
export async function located(open: OpenMiner, wanted: readonly number[]): Promise<readonly PartitionSectors[]> {
  const found: PartitionSectors[] = [];
  for (const { index, partitions } of await due(open))
    for (const { partition, sectors, terminated } of partitions) {
      const here = sectors.filter((sector) => wanted.includes(sector) && !terminated.includes(sector));
      if (here.length > 0) found.push({ deadline: index, partition, sectors: here });
    }
  const live = found.flatMap(({ sectors }) => sectors);
  const missing = wanted.filter((sector) => !live.includes(sector));
  if (missing.length > 0) throw new Error(`${open.name} has no live sector ${missing.join(", ")}`);
  return found;
}
