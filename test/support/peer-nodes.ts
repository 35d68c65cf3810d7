/** Nodes of one local network with miners, each with its own store and host on loopback. */
import { ElectedProducer } from "../../src/miner/elected-producer.ts";
import { Devnet, type DevnetOptions } from "../../src/node/devnet.ts";
import type { LocalMiners } from "../../src/node/local-miners.ts";
import { PeerPart, type PeerPartOptions } from "../../src/node/peer-part.ts";
import { memorySecrets } from "../../src/platform/secrets.ts";
import { makeDispatcher } from "../../src/rpc/api.ts";
import type { Dispatcher } from "../../src/rpc/dispatcher.ts";
import type { Tipset } from "../../src/types/block-header.ts";

export type PeerNode = {
  readonly net: Devnet;
  readonly peers: PeerPart;
  /** The RPC interface of the node with its peers. */
  readonly rpc: Dispatcher;
  readonly faults: string[];
  readonly address: string;
  /** Makes tipsets and tells the peers of every block. */
  mine(count: number): Promise<Tipset>;
  close(): Promise<void>;
};

export type PeerNodeOptions = {
  /** Which of the network's miners mine here; default: all. */
  readonly miners?: readonly number[];
  readonly net?: Partial<DevnetOptions>;
  readonly peers?: Partial<PeerPartOptions>;
};

/** Epochs that may go by without a winner. */
const MAX_EMPTY = 50;

/** A node of the network that its seed decides; it mines when it is asked to. */
export async function openPeerNode(options: PeerNodeOptions = {}): Promise<PeerNode> {
  const { net: given = {}, peers: over = {}, miners } = options;
  const net = await Devnet.open({ seed: "peers", miners: 2, accounts: 2, ...given });
  const local = net.local as LocalMiners;
  const producer = new ElectedProducer({
    ...local.making(net.node.states),
    pool: net.node.pool,
    miners: local.miners.filter((_, i) => miners?.includes(i) ?? true),
    poster: local.poster(net.node),
  });
  const faults: string[] = [];
  const peers = new PeerPart({
    node: net.node,
    validator: local.validator(net.node.states),
    verifyBls: (key, message, signature) => net.node.crypto.blsVerify(key, message, signature),
    genesisTime: net.options.genesisTime,
    secrets: memorySecrets(),
    listen: ["/ip4/127.0.0.1/tcp/0"],
    bootstrap: [],
    userAgent: "filigree-test",
    local: true,
    now: Date.now,
    onFault: (where, error) => faults.push(`${where}: ${error instanceof Error ? error.stack : error}`),
    ...over,
  });
  net.node.add(peers);
  net.clock.setAutomine(false);
  await net.node.start();
  return {
    net,
    peers,
    rpc: makeDispatcher({ ...net.services, ...peers.services() }),
    faults,
    address: peers.addresses()[0] ?? "",
    async mine(count) {
      const { chain } = net.node;
      let tipset = chain.head;
      for (let i = 0; i < count; i++) {
        const first = chain.head.height + 1;
        let made = null;
        for (let epoch = first; made === null && epoch < first + MAX_EMPTY; epoch++)
          made = await producer.produce(epoch);
        if (made === null) throw new Error(`nobody won any of ${MAX_EMPTY} epochs`);
        tipset = made.tipset;
        for (const header of tipset.blocks)
          await peers.publishBlock({ header, messages: await chain.messages(header) });
      }
      return tipset;
    },
    close: () => net.close(),
  };
}

export async function connect(from: PeerNode, to: PeerNode): Promise<void> {
  await from.peers.network?.connect(to.address);
}
