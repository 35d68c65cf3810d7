/** Deadlines, partitions and sectors of a miner, asked of a node. */
import { WINDOW_POST } from "../../params/proving.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import { type Partition, sectorsOf, without } from "../../state/miner-sectors.ts";
import type { Json } from "../../types/schema-codec.ts";
import type { DeadlineClock, DeadlineSectors, HeadView, OnChainPreCommit, OnChainSector } from "./chain.ts";
import type { RpcHeads } from "./rpc-heads.ts";
import { keyOf, type Link, type RpcNode } from "./rpc-node.ts";
import { deadlineClock, preCommitOf, sectorOf } from "./state-json.ts";

/** Deadlines that are asked for at a time. */
const AT_ONCE = 8;

export class RpcSectors {
  private readonly node: RpcNode;
  private readonly heads: RpcHeads;

  constructor(node: RpcNode, heads: RpcHeads) {
    this.node = node;
    this.heads = heads;
  }

  async deadline(at?: HeadView): Promise<DeadlineClock> {
    const found = (await this.node.ask("StateMinerProvingDeadline", this.node.name, keyOf(at))) as {
      readonly CurrentEpoch: number;
      readonly PeriodStart: number;
      readonly Index: number;
      readonly Close: number;
    };
    const clock = deadlineClock(found.PeriodStart, found.Index);
    // The node tells of the state before the tipset: its own epoch may have been the deadline's last.
    if (found.CurrentEpoch + 1 < clock.close) return clock;
    const { provingPeriod, challengeWindow } = WINDOW_POST;
    const deadlines = provingPeriod / challengeWindow;
    const passed = found.Index + 1 + Math.floor((found.CurrentEpoch + 1 - clock.close) / challengeWindow);
    return deadlineClock(found.PeriodStart + Math.floor(passed / deadlines) * provingPeriod, passed % deadlines);
  }

  async sectorsDue(deadline: number, at?: HeadView): Promise<DeadlineSectors> {
    const key = keyOf(at);
    const [partitions, all] = await Promise.all([this.partitions(deadline, key), this.deadlines(key)]);
    return { partitions, proven: sectorsOf(all[deadline]?.["PostSubmissions"] as Json) };
  }

  async allSectorsDue(at?: HeadView): Promise<readonly DeadlineSectors[]> {
    // All of one state: the head may move between two questions.
    const key = keyOf(at ?? (await this.heads.head()));
    const all = await this.deadlines(key);
    const due: DeadlineSectors[] = [];
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = all.slice(from, from + AT_ONCE).map(async (one, i) => ({
        partitions: await this.partitions(from + i, key),
        proven: sectorsOf(one["PostSubmissions"] as Json),
      }));
      due.push(...(await Promise.all(some)));
    }
    return due;
  }

  private async deadlines(key: readonly Link[] | null): Promise<readonly JsonObject[]> {
    return (await this.node.ask("StateMinerDeadlines", this.node.name, key)) as readonly JsonObject[];
  }

  private async partitions(deadline: number, key: readonly Link[] | null): Promise<readonly Partition[]> {
    const found = (await this.node.ask("StateMinerPartitions", this.node.name, deadline, key)) as readonly JsonObject[];
    return found.map((one, partition) => {
      const set = (name: string) => sectorsOf(one[name] as Json);
      const [sectors, live, active, faults] = ["AllSectors", "LiveSectors", "ActiveSectors", "FaultySectors"].map(
        set,
      ) as [readonly number[], readonly number[], readonly number[], readonly number[]];
      return {
        ...{ deadline, partition, sectors, faults, recoveries: set("RecoveringSectors") },
        terminated: without(sectors, live),
        unproven: without(live, active, faults),
      };
    });
  }

  async deadlineOf(sector: number, at?: HeadView): Promise<number | null> {
    try {
      const found = await this.node.ask("StateSectorPartition", this.node.name, sector, keyOf(at));
      return (found as { readonly Deadline: number }).Deadline;
    } catch (error) {
      if (!this.node.options.isRefusal(error) || (await this.sector(sector, at)) !== null) throw error;
      return null;
    }
  }

  async sector(number: number, at?: HeadView): Promise<OnChainSector | null> {
    const found = await this.node.ask("StateSectorGetInfo", this.node.name, number, keyOf(at));
    return found === null ? null : sectorOf(found as JsonObject);
  }

  async preCommit(number: number, at?: HeadView): Promise<OnChainPreCommit | null> {
    const found = await this.node.ask("StateSectorPreCommitInfo", this.node.name, number, keyOf(at));
    return found === null ? null : preCommitOf(found as JsonObject);
  }

  async isAllocated(number: number, at?: HeadView): Promise<boolean> {
    return (await this.node.ask("StateMinerSectorAllocated", this.node.name, number, keyOf(at))) as boolean;
  }
}
