/**
 * A node: a store, the chain in it, machines, the state manager, a message pool and keys, as parts with one life cycle.
 * It reads, simulates, takes messages and answers RPC; who makes blocks, or fetches them, is a part that others add.
 * Nodes share nothing but code: any number fit in one process.
 */
import { platform } from "#platform";
import { checkWhole } from "../base/options.ts";
import type { Rewind } from "../base/rewind.ts";
import type { Chain } from "../chain/chain.ts";
import { faultJudge } from "../consensus/fault-judge.ts";
import type { Crypto } from "../core/crypto.ts";
import type { ExecutionRules, ProofVerifier } from "../exec/types.ts";
import { addressOf, type KeyInfo } from "../keys/keys.ts";
import type { Keystore } from "../keys/keystore.ts";
import { ClientData } from "../market/data/client-data.ts";
import { chainAccess, isPending } from "../market/paych/chain-access.ts";
import { PaymentChannels } from "../market/paych/part.ts";
import { type MarketChain, marketChain } from "../market/storage/chain-access.ts";
import { MarketFunds } from "../market/storage/funds.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { leastRetention, type NetworkParams } from "../params/networks.ts";
import { GasEstimator } from "../stmgr/gas-estimator.ts";
import { StateManager } from "../stmgr/state-manager.ts";
import type { BlockStore } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import { TableStore } from "../storage/table-store.ts";
import { UndoStore } from "../storage/undo-store.ts";
import type { SignedMessage } from "../types/message.ts";
import { Collector } from "./collector.ts";
import { type MachinePlace, Machines } from "./machines.ts";
import { makePool, PoolPart } from "./pool-part.ts";
import { type Health, Parts, type Startable } from "./startable.ts";
import { type Collected, StateCollector } from "./state-collector.ts";

export type NodeOptions = {
  /** The chain, which has a genesis; the node closes its store when it stops. */
  readonly chain: Chain;
  readonly crypto: Crypto;
  readonly network: NetworkParams;
  readonly rules: ExecutionRules;
  readonly keystore: Keystore;
  readonly machine: MachinePlace;
  /** Who verifies proofs that are submitted to actors. Default: none is good. */
  readonly proofs?: ProofVerifier;
  /**
   * Epochs whose states are kept while the node runs, or all of them. Default: all; in memory the last 1,000 tipsets', and
   * messages and receipts of those alone.
   */
  readonly retention?: Retention;
  /** Folder of the node's data, in which that of its user has a folder of its own; absent or null: both are in memory. */
  readonly data?: string | null;
  /** Keys of the miners that this node owns, which are in no wallet. */
  readonly minerKeys?: readonly KeyInfo[];
  /** Whether the user's data is opened as far as a damaged folder lets it be. */
  readonly repair?: boolean;
  /** Blocks by their keys that are in no store yet: actors of versions to come. */
  readonly later?: ReadonlyMap<string, Uint8Array>;
  /** Messages that the pool takes without a signature of their sender: of a local network. Default: none. */
  readonly trusts?: (signed: SignedMessage) => boolean;
};

/** Where in a node's folder its user's data is. */
const CLIENT_FOLDER = "client";

export type Retention = number | "archive";

export class FilecoinNode {
  readonly network: NetworkParams;
  readonly crypto: Crypto;
  readonly chain: Chain;
  readonly states: StateManager;
  readonly pool: MessagePool;
  readonly gas: GasEstimator;
  readonly keystore: Keystore;
  readonly payments: PaymentChannels;
  readonly client: ClientData;
  /** The storage market, with the keys of wallet and miners. */
  readonly market: MarketChain;
  readonly funds: MarketFunds;
  readonly collector: Collector | StateCollector;
  private readonly parts = new Parts();

  /** Puts a node together; nothing runs before `start`. */
  constructor({
    chain,
    crypto,
    network,
    rules,
    keystore,
    machine,
    proofs,
    retention,
    data,
    minerKeys = [],
    repair = false,
    later,
    trusts,
  }: NodeOptions) {
    const machines = new Machines({
      place: machine,
      vm: { profile: network.profile },
      blocks: chain.blocks,
      ...(proofs === undefined ? {} : { proofs }),
      ...(later === undefined ? {} : { later }),
    });
    this.network = network;
    this.crypto = crypto;
    this.chain = chain;
    this.keystore = keystore;
    const judgeFault = faultJudge(crypto);
    this.states = new StateManager({ chain, network, rules, machines, now: platform.now, judgeFault });
    this.pool = makePool(this.states, crypto, trusts);
    this.gas = new GasEstimator({ states: this.states, pending: this.pool });
    this.parts.add(new StorePart(chain.blocks));
    this.parts.add(machines);
    this.parts.add(new StatesPart(this.states));
    this.parts.add(new PoolPart(this.pool, this.states));
    this.payments = new PaymentChannels(
      { blocks: chain.blocks, chain: chainAccess({ ...this, crypto, keystore }), randomBytes: platform.randomBytes },
      chain,
    );
    this.parts.add(this.payments);
    this.market = marketChain({ ...this, crypto, keystore: keysOf(crypto, keystore, minerKeys) });
    this.funds = new MarketFunds({
      blocks: chain.blocks,
      chain: this.market,
      isWaiting: (cid, message) => isPending(this.pool, cid, message),
    });
    const clientFolder = data == null ? null : `${data}/${CLIENT_FOLDER}`;
    const openClient = async (): Promise<BlockStore> =>
      clientFolder === null
        ? new MemoryStore()
        : TableStore.open(clientFolder, platform.openTable, { repair, longValues: true });
    this.client = new ClientData({ open: openClient, hashes: crypto });
    this.parts.add(this.client);
    const { states, pool } = this;
    const store = chain.blocks instanceof UndoStore ? chain.blocks.inner : chain.blocks;
    if (retention === undefined && store instanceof MemoryStore)
      this.collector = new Collector({ store, states, pool, keep: leastRetention(network) });
    else {
      // A node that keeps everything collects when it is told to, and no earlier.
      const never = { keep: Number.MAX_SAFE_INTEGER, every: Number.POSITIVE_INFINITY };
      const kept =
        retention === undefined || retention === "archive"
          ? never
          : { keep: Math.max(retention, leastRetention(network)) };
      this.collector = new StateCollector({ chain, ...kept });
    }
    this.parts.add(this.collector);
  }

  /** Adds a part on top of the others: it starts after them and stops before them. */
  add(part: Startable): void {
    this.parts.add(part);
  }

  /** Collects states; those of so many epochs stay. Throws `OptionError` for fewer than the network must have. */
  async prune(keep: number): Promise<Collected> {
    return this.collector.collect(checkWhole("keep", keep, [leastRetention(this.network), Number.MAX_SAFE_INTEGER]));
  }

  /** Lets all parts stop that work by themselves; the function that is given lets them go on with what the store holds then. */
  pause(): Promise<Rewind> {
    return this.parts.pause();
  }

  /** What is in memory beside the store: what waits, keys, and what the parts on top remember. */
  remember(): Rewind {
    const rewinds = [this.keystore.remember(), this.pool.remember(), this.parts.remember()];
    return async (changed) => {
      for (const rewind of rewinds) await rewind(changed);
    };
  }

  /** Starts whatever was not started. If a part fails, the node stops and throws its error. */
  start(): Promise<void> {
    return this.parts.start();
  }

  /** Lets what is under way end, stops all parts and closes the store. */
  stop(): Promise<void> {
    return this.parts.stop();
  }

  /** The health of each part by its name. */
  health(): Readonly<Record<string, Health>> {
    return this.parts.health();
  }
}

/** Keys of the wallet, and those of miners. */
function keysOf(crypto: Crypto, keystore: Keystore, minerKeys: readonly KeyInfo[]): Pick<Keystore, "has" | "get"> {
  const own = new Map(minerKeys.map((key) => [`${addressOf(crypto, key)}`, key]));
  return {
    has: (address) => own.has(`${address}`) || keystore.has(address),
    get: (address) => own.get(`${address}`) ?? keystore.get(address),
  };
}

/** The store is open before the node is; the node closes it last. */
class StorePart implements Startable {
  readonly name = "store";
  private readonly store: BlockStore;
  private closed = false;

  constructor(store: BlockStore) {
    this.store = store;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.closed = true;
    await this.store.close();
  }

  health(): Health {
    return { status: this.closed ? "stopped" : "ok" };
  }
}

/** The state manager follows the chain as soon as it is made; waits end when the node stops. */
class StatesPart implements Startable {
  readonly name = "states";
  private readonly states: StateManager;
  private closed = false;

  constructor(states: StateManager) {
    this.states = states;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.closed = true;
    this.states.close();
  }

  health(): Health {
    return { status: this.closed ? "stopped" : "ok" };
  }
}
