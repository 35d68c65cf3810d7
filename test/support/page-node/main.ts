/** A page that is a node of a running network: it has the network's description and genesis, and dials by WebSocket. */
import { initNode, openJoinedNode } from "../../../src/node/joined-node.ts";
import { parseDescription } from "../../../src/node/network-description.ts";
import type { NetworkNode } from "../../../src/node/network-node.ts";
import { memorySecrets } from "../../../src/platform/secrets.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { tipsetKeyText } from "../../../src/types/block-header.ts";

export type PageState = {
  readonly height: number;
  /** Key of its chain's tipset at the epoch that was asked for, or before it over null rounds; null above its head. */
  readonly key: string | null;
  /** Blocks that it has validated. */
  readonly blocks: number;
  readonly faults: readonly string[];
};
export type PageNode = {
  /** `description`: JSON of the network; the genesis is fetched from beside the page. */
  join(description: string, bootstrap: readonly string[]): Promise<void>;
  state(epoch: number): Promise<PageState>;
};

const faults: string[] = [];
let node: NetworkNode | null = null;

const page: PageNode = {
  async join(description, bootstrap) {
    const car = new Uint8Array(await (await fetch("genesis.car")).arrayBuffer());
    const store = new MemoryStore();
    await initNode(store, parseDescription(description), {
      size: car.length,
      read: async (from, length) => car.slice(from, from + length),
    });
    node = await openJoinedNode({
      ...{ store, secrets: memorySecrets(), listen: [], bootstrap, mine: [], machine: "thread", version: "page" },
      onFault: (where, error) => faults.push(`${where}: ${error}`),
    });
    await node.start();
  },
  async state(epoch) {
    if (node === null) throw new Error("the page has not joined");
    const { chain } = node.node;
    const { height } = chain.head;
    const key = epoch > height ? null : tipsetKeyText((await chain.tipsetAtOrBefore(epoch)).key);
    return { height, key, blocks: node.peers.syncer.status().counts.blocks, faults };
  },
};
Object.assign(globalThis, { filigree: page });
