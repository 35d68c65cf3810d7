/**
 * Who can talk with whom in a simulation, and since when: what nodes may be held to depends on it.
 *
 * Nodes hear of a chain by a hello when they are connected, and by the blocks that are made on it; nobody tells of a chain again
 * that he has taken over. So a chain that comes from elsewhere reaches one node of an island, and the others with the next block.
 * It may come over any node, an adversary's too: it counts when somebody came into reach, and not whether he is honest.
 */

export type Island = {
  /** Honest nodes that can talk over honest nodes alone. */
  readonly nodes: readonly number[];
  /** The epoch since which they are the same. */
  readonly since: number;
  /** The epoch since which they are the same, and nobody came into reach of them from elsewhere. */
  readonly closedSince: number;
};

type Known = Island & {
  /** Whoever is in reach of the island over any node, and who was and is down since: it can have learnt nothing elsewhere. */
  readonly reach: ReadonlySet<number>;
};

export class Contacts {
  private known = new Map<string, Known>();

  /** `islands`: of honest nodes over honest ones; `worlds`: of all nodes that are up, over any. Called once an epoch. */
  update(epoch: number, islands: readonly (readonly number[])[], worlds: readonly (readonly number[])[]): Island[] {
    const up = new Set(worlds.flat());
    const known = islands.map((nodes): Known => {
      const before = this.known.get(nodes.join());
      const world = worlds.find((one) => one.includes(nodes[0] as number)) ?? nodes;
      const isClosed = before !== undefined && world.every((node) => before.reach.has(node));
      const away = [...(before?.reach ?? [])].filter((node) => !up.has(node));
      return {
        nodes,
        since: before?.since ?? epoch,
        closedSince: isClosed ? before.closedSince : epoch,
        reach: new Set([...world, ...away]),
      };
    });
    this.known = new Map(known.map((one) => [one.nodes.join(), one]));
    return known;
  }
}
