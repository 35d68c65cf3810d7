/** Nodes of the retrieval market over loopback, each with a chain of payment channels that executes what it is sent. */
import type { Crypto } from "../../src/core/crypto.ts";
import { ClientData } from "../../src/market/data/client-data.ts";
import { PaychManager } from "../../src/market/paych/manager.ts";
import { Vouchers } from "../../src/market/paych/vouchers.ts";
import { RetrievalMarket } from "../../src/market/retrieval/part.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { Address } from "../../src/types/address.ts";
import type { CID } from "../../src/types/cid.ts";
import { type MarketHost, openMarketHost } from "./market-hosts.ts";
import { FakeChain } from "./paych-chain.ts";

/** A chain that executes what it is sent by itself. */
export class QuickChain extends FakeChain {
  readonly others: FakeChain[] = [];
  private made = 0;

  override send: FakeChain["send"] = async (draft, keep) => {
    await FakeChain.prototype.send.call(this, draft, keep);
    if (draft.method === 2n) this.executeCreate(Address.actor(new Uint8Array(20).fill(100 + ++this.made)));
    else {
      const view = await this.channel(draft.to);
      if (view !== null) this.put(draft.to, { ...view, balance: view.balance + draft.value });
      this.execute();
    }
    for (const other of this.others) for (const [key, view] of this.channels) other.channels.set(key, view);
  };
}

export type RetrievalNode = {
  readonly host: MarketHost;
  readonly data: ClientData;
  readonly chain: QuickChain;
  readonly channels: PaychManager;
  readonly vouchers: Vouchers;
  readonly kept: MemoryStore;
  market: RetrievalMarket;
  readonly faults: unknown[];
  /** What the chain says: where miners are reached, and who has deals. */
  readonly places: Map<string, readonly string[]>;
  readonly miners: Address[];
};
/** Node with the key of a number. */
export async function openRetrievalNode(crypto: Crypto, own: number): Promise<RetrievalNode> {
  const host = await openMarketHost();
  const store = new MemoryStore();
  const kept = new MemoryStore();
  const chain = new QuickChain(crypto);
  const address = chain.own(own);
  let made = 0;
  const channels = new PaychManager({ blocks: kept, chain, randomBytes: (n) => new Uint8Array(n).fill(++made) });
  await channels.start();
  const vouchers = new Vouchers(channels);
  const data = new ClientData({ open: async () => store, hashes: crypto });
  const faults: unknown[] = [];
  const node: RetrievalNode = {
    host,
    data,
    chain,
    channels,
    vouchers,
    kept,
    faults,
    places: new Map(),
    miners: [],
    market: null as never,
  };
  node.market = makeMarket(node, address);
  await node.market.start();
  return node;
}

export function makeMarket(
  { host, data, channels, vouchers, kept, faults, places, miners }: RetrievalNode,
  address: Address,
): RetrievalMarket {
  return new RetrievalMarket({
    ...{ blocks: kept, client: data, payments: { channels, vouchers }, paymentAddress: async () => address },
    ...{
      streams: () => host.streams,
      chain: { placesOf: async (miner) => places.get(`${miner}`) ?? [], minersOf: async () => miners },
      peerBlock: () => Promise.reject(new Error("no bitswap")),
      peers: () => host.host.getPeers().map(String),
      addresses: () => ({ libp2p: [host.address], http: ["/ip4/127.0.0.1/tcp/80/http"] }),
    },
    ...{ now: Date.now, randomBytes: (n) => globalThis.crypto.getRandomValues(new Uint8Array(n)) },
    onFault: (error) => faults.push(error),
    restartMs: 50,
  });
}

export async function importFile(node: RetrievalNode, bytes: number): Promise<CID> {
  const store = await node.data.store();
  const content = (async function* () {
    for (let at = 0; at < bytes; at += 65_536) {
      const part = new Uint8Array(Math.min(65_536, bytes - at)).map((_, i) => (i * 31 + at / 65_536) & 0xff);
      yield part;
    }
  })();
  return (
    await store.importFiles(
      "f",
      (async function* () {
        yield { path: "f", content };
      })(),
    )
  ).root;
}

/** What a node's vouchers are over, attoFIL, all lanes of all channels. */
export const voucherSum = async (node: RetrievalNode): Promise<bigint> => {
  let sum = 0n;
  for (const address of node.channels.list()) {
    const lanes = new Map<bigint, bigint>();
    for (const { voucher } of await node.vouchers.list(address)) lanes.set(voucher.lane, voucher.amount);
    for (const amount of lanes.values()) sum += amount;
  }
  return sum;
};

export async function closeRetrievalNodes(nodes: RetrievalNode[]): Promise<void> {
  for (const { market, host, data } of nodes.splice(0)) {
    await market.stop();
    await data.stop();
    await host.stop();
  }
}
