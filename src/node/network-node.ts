/**
 * One node of a local network of several: its own store and identity, a host among peers, the miners that it owns, and
 * RPC. Epochs pass by the wall clock, for all nodes alike.
 */
import { platform } from "#platform";
import { FilError } from "../base/errors.ts";
import { LogLevels } from "../base/log-levels.ts";
import { sleepFor } from "../base/sleep.ts";
import type { LocalBeacon } from "../beacon/local.ts";
import type { BeaconSource } from "../beacon/source.ts";
import type { Chain } from "../chain/chain.ts";
import { entriesFor, miningBase } from "../consensus/base-info.ts";
import type { Crypto } from "../core/crypto.ts";
import type { KeyInfo } from "../keys/keys.ts";
import { type Keystore, keyIn } from "../keys/keystore.ts";
import { Reconciler } from "../market/paych/reconciler.ts";
import { retrievalChain } from "../market/retrieval/chain-access.ts";
import { ContentFinder } from "../market/retrieval/content.ts";
import { RetrievalMarket } from "../market/retrieval/part.ts";
import { blockCreation } from "../miner/create-block.ts";
import { type FaultReport, FaultReporter } from "../miner/fault-reporter.ts";
import type { MiningEvent } from "../miner/mining-loop.ts";
import { nodeSite } from "../miner/mining-site.ts";
import type { OwnMiner } from "../miner/own-sectors.ts";
import { SlashFilter } from "../miner/slash-filter.ts";
import type { DhtMode } from "../network/dht.ts";
import { dialable } from "../network/peer-address.ts";
import { type NetworkParams, networkVersionAt } from "../params/networks.ts";
import type { Secrets } from "../platform/secrets.ts";
import { makeDispatcher } from "../rpc/api.ts";
import type { Dispatcher } from "../rpc/dispatcher.ts";
import { NodeRun } from "../rpc/node-run.ts";
import type { DevControl, NodeParts } from "../rpc/services.ts";
import { isFvm } from "../schema/versions/rows.ts";
import { localRules } from "../stmgr/network-rules.ts";
import type { Sleep } from "../sync/peers.ts";
import type { DevAccount } from "./accounts.ts";
import { CONTEST_EPOCHS, Contest, GREETING_MS } from "./contest.ts";
import { DealsPart } from "./deals-part.ts";
import { EthAccounts } from "./eth-accounts.ts";
import { gatewayAddress } from "./gateway-address.ts";
import { GENESIS_RESERVE } from "./genesis.ts";
import { type LocalMiners, sharedEntries } from "./local-miners.ts";
import type { LocalProving } from "./local-proving.ts";
import type { LocalVerifier } from "./local-verifier.ts";
import type { MachinePlace } from "./machines.ts";
import { MiningPart } from "./mining-part.ts";
import { FilecoinNode, type Retention } from "./node.ts";
import { PeerPart, type PeerPartOptions } from "./peer-part.ts";
import { leastGas } from "./pool-part.ts";
import type { DescribedProofs } from "./proof-mode.ts";
import { type RpcOptions, RpcPart } from "./rpc-part.ts";
import type { SealingPart } from "./sealing-part.ts";
import { openSectorFolder } from "./sector-home.ts";
import { sectorsService } from "./sectors-service.ts";
import { tokenSecret } from "./token-secret.ts";

/** A clock: milliseconds since 1970, and what waits by it. */
export type NodeTime = {
  readonly now: () => number;
  readonly sleep: Sleep;
  /** As of `MiningLoop`. */
  readonly isMoved?: boolean;
};

export type NetworkNodeOptions = {
  /** Has the network's genesis; the node closes its store when it stops. */
  readonly chain: Chain;
  readonly crypto: Crypto;
  readonly network: NetworkParams;
  readonly secrets: Secrets;
  readonly keystore: Keystore;
  readonly verifier: LocalVerifier;
  /** Multiaddrs. */
  readonly listen: readonly string[];
  readonly bootstrap: readonly string[];
  /** Find peers by the network's DHT, and as "server" answer its questions. Default: neither. */
  readonly dht?: DhtMode;
  readonly machine: MachinePlace;
  /** Actors of versions to come, as of `NodeOptions`. */
  readonly later?: ReadonlyMap<string, Uint8Array>;
  /** Epochs whose states are kept. Default: all; in memory 1000. */
  readonly retention?: Retention;
  /** Folder of the node's data; absent or null: in memory. */
  readonly data?: string | null;
  /** What the node says that it is, behind "filigree-". */
  readonly version: string;
  /** The miners that this node owns, and those they belong to; absent: it follows. */
  readonly mining?: {
    readonly local: LocalMiners;
    readonly miners: readonly OwnMiner[];
    /** As of `MiningLoop`. */
    readonly watchFirst?: number;
  };
  /** The network's beacon, if entries can be had: then a node without miners tells what stands in front of a block, too. */
  readonly beacon?: LocalBeacon;
  /** Gossip topics beside the network's own, for instance the beacon's. */
  readonly topics?: PeerPartOptions["topics"];
  /** Proves for the node's miners alone, and ends with it. */
  readonly proving?: LocalProving;
  /** The network's accounts, where this node has their keys: it signs for those of Ethereum. Absent: it does not. */
  readonly accounts?: readonly DevAccount[];
  /** What `Devnet.info` tells. */
  readonly info: () => Record<string, unknown>;
  readonly onMining?: (event: MiningEvent) => void;
  readonly onReport?: (report: FaultReport) => void;
  /** Hears of faults of this node: where, and what was thrown. */
  readonly onFault?: (where: string, error: unknown) => void;
  /** The time that epochs pass by. Default: the wall clock. */
  readonly time?: NodeTime;
  readonly onShutdown?: () => void;
};

export class NetworkNode {
  readonly node: FilecoinNode;
  readonly peers: PeerPart;
  readonly mining: MiningPart | null;
  /** New sectors of this node's miners. */
  readonly sealing: SealingPart | null;
  readonly deals: DealsPart;
  /** Retrievals from its peers, and its user's data for them. */
  readonly retrieval: RetrievalMarket;
  readonly services: NodeParts;
  readonly dispatcher: Dispatcher;
  private readonly reporter: FaultReporter;
  /** What proofs of spacetime are on its network. */
  readonly proofs: DescribedProofs;
  private readonly proving: LocalProving | null;
  private rpc: RpcPart | null = null;

  private constructor(options: NetworkNodeOptions, secret: Uint8Array) {
    const { chain, crypto, network, keystore, verifier, machine, mining } = options;
    const { now, sleep, isMoved = false }: NodeTime = options.time ?? { now: platform.now, sleep: sleepFor };
    this.proving = options.proving ?? null;
    this.proofs = verifier.facts.proofs ?? { mode: "attested" };
    const rules = localRules(network, GENESIS_RESERVE);
    const { times } = verifier.facts;
    this.node = new FilecoinNode({
      ...{ chain, crypto, network, rules, keystore, machine },
      proofs: verifier.proofs(),
      minerKeys: (mining?.miners ?? []).map(({ worker }) => worker),
      ...(options.retention === undefined ? {} : { retention: options.retention }),
      ...(options.data === undefined ? {} : { data: options.data }),
      ...(options.later === undefined ? {} : { later: options.later }),
    });
    const { states, pool, gas } = this.node;
    const validator = verifier.validator(states, now);
    this.peers = new PeerPart({
      node: this.node,
      validator,
      verifyBls: verifier.verifyBls,
      ahead: verifier.ahead(states),
      genesisTime: times.genesisTime,
      secrets: options.secrets,
      listen: options.listen,
      bootstrap: options.bootstrap,
      ...(options.dht === undefined ? {} : { dht: options.dht }),
      ...(options.topics === undefined ? {} : { topics: options.topics }),
      userAgent: `filigree-${options.version}`,
      local: true,
      now,
      sleep,
      // Of a node that asks to be paid nobody gets data for nothing.
      payloads: { get: (cid) => this.retrieval.freeBlock(cid) },
      ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
    });
    this.node.add(this.peers);
    const { peers } = this;
    this.reporter = new FaultReporter({
      states,
      pool,
      gas,
      crypto,
      payer: () => payerOf(keystore, mining?.miners ?? []),
      ...(options.onReport === undefined ? {} : { onReport: options.onReport }),
    });
    peers.intake.onBlock((header) => {
      this.reporter.see(header);
      this.mining?.see(header);
    });
    chain.onHeadChange(() => this.reporter.headMoved());
    const started = now();
    const contest = new Contest(peers.syncer, chain, 1000 * network.blockDelaySeconds * CONTEST_EPOCHS, now);
    const isAlone = (): boolean => peers.network?.connected().length === 0;
    const isGreeting = (): boolean => options.bootstrap.length > 0 && now() < started + GREETING_MS && isAlone();
    this.mining =
      mining === undefined
        ? null
        : new MiningPart({
            prefix: network.prefix,
            site: nodeSite({
              ...mining.local.making(states),
              miners: mining.miners,
              pool,
              submit: async (block) => {
                this.reporter.see(block.header);
                await peers.submit(block);
              },
              isBehind: () => isGreeting() || peers.syncer.isBehind() || contest.isOpen(),
            }),
            times,
            miners: mining.miners,
            ...(mining.watchFirst === undefined ? {} : { watchFirst: mining.watchFirst }),
            isMoved,
            poster: mining.local.poster(this.node),
            store: chain.blocks,
            onHeadChange: (listener) => chain.onHeadChange(listener),
            now,
            sleep,
            ...(options.onMining === undefined ? {} : { onEvent: options.onMining }),
          });
    const { mining: part } = this;
    if (part !== null) this.node.add(part);
    this.sealing =
      mining === undefined
        ? null
        : mining.local.sealing(
            this.node,
            {
              openFolder: (genesis) =>
                openSectorFolder(options.data ?? null, { network: genesis, store: chain.blocks }),
              now,
              retryMs: 1000 * network.blockDelaySeconds,
            },
            mining.miners,
          );
    const { sealing } = this;
    if (sealing !== null) this.node.add(sealing);
    const providers = retrievalChain(states);
    this.deals = new DealsPart({
      ...{ node: this.node, sealing, data: options.data ?? null },
      placesOf: (miner) => providers.placesOf(miner),
      streams: () => peers.network?.streams ?? null,
      transfers: () => this.retrieval.transfers,
      addresses: () => peers.addresses(),
      connected: () => (peers.network?.connected() ?? []).map(dialable),
    });
    this.node.add(this.deals);
    const gateways = (): string[] => (this.rpc === null ? [] : [gatewayAddress(this.rpc.url)]);
    this.retrieval = new RetrievalMarket({
      ...{ blocks: chain.blocks, client: this.node.client, payments: this.node.payments, now },
      chain: providers,
      paymentAddress: () => keystore.defaultAddress(),
      streams: () => peers.network?.streams ?? null,
      peerBlock: (cid, signal) => {
        const bitswap = peers.network?.payloads ?? null;
        if (bitswap === null) throw new Error("the node has no peers");
        return bitswap.getBlock(cid, { signal });
      },
      peers: () => [...new Set(peers.network?.connected().map(({ id }) => id) ?? [])],
      addresses: () => ({ libp2p: peers.addresses(), http: gateways() }),
      randomBytes: platform.randomBytes,
      onFault: (error) => options.onFault?.("retrieval", error),
      takers: this.deals.takers,
    });
    this.node.add(this.retrieval);
    const reconciler = new Reconciler({
      ...{ payments: this.node.payments, blocks: chain.blocks, now },
      streams: () => peers.network?.streams ?? null,
    });
    this.node.add(reconciler);
    const { deals, retrieval } = this;
    const content = new ContentFinder({
      ...{ has: async (cid) => (await this.node.client.store()).has(cid), chain: providers },
      own: () => ({
        ...{ peer: peers.network?.id ?? null, libp2p: peers.addresses(), http: gateways() },
        isFree: retrieval.isFree(),
      }),
      ...{ clientDeals: () => deals.client.list(), provider: deals.provider },
    });
    const beacon = mining?.local.beacon ?? options.beacon;
    const source = beacon?.source;
    const { mining: maker } = this;
    // One filter for all that is signed with keys of this node, whoever asks.
    let opened: Promise<SlashFilter> | null = null;
    const slash = (): Promise<Pick<SlashFilter, "sign">> => {
      if (maker !== null) return Promise.resolve(maker);
      opened ??= SlashFilter.open(chain.blocks);
      return opened;
    };
    // A block goes out at its epoch's time, and is made before.
    const ahead = verifier.validator(states, () => now() + 1000 * network.blockDelaySeconds);
    this.services = {
      version: options.version,
      network,
      chain,
      states,
      gas,
      pool,
      payments: this.node.payments,
      funds: this.node.funds,
      deals: this.deals,
      retrieval: this.retrieval,
      reconciler,
      content,
      client: this.node.client,
      minGas: leastGas(states),
      keystore,
      crypto,
      randomness: (tipset) => states.randomness(tipset),
      ...(beacon === undefined
        ? {}
        : { beacon: sharedEntries(beacon, times, (epoch) => states.networkVersionAt(epoch)) }),
      ...(source === undefined ? {} : { miningBase: baseOf(this.node, verifier, source) }),
      weight: (tipset) => peers.choice.weight(tipset),
      validateBlock: async (header) => {
        await validator.validate({ header, messages: await chain.messages(header) });
      },
      createBlock: blockCreation({
        ...{ states, crypto },
        keyOf: (worker) => mining?.local.workerKey(worker, mining.miners) ?? keyIn(keystore, worker),
        sign: async (header, parent, sign) => (await slash()).sign(header, parent, sign),
        validate: (block) => ahead.validate(block),
      }),
      ...(sealing === null ? {} : { sectors: sectorsService(sealing) }),
      prune: (keep) => this.node.prune(keep),
      log: new LogLevels(["chain", "mpool", "miner"]),
      alerts: [
        ...[peers.alert, peers.clocks.alert],
        ...[part, sealing].flatMap((one) => (one === null ? [] : [one.alert])),
      ],
      tokenSecret: secret,
      now,
      randomBytes: platform.randomBytes,
      run: new NodeRun(platform.randomBytes, now()),
      health: () => this.node.health(),
      ...(options.onShutdown === undefined ? {} : { shutdown: options.onShutdown }),
      dev: { ...byTheClock(options.info), ethAccounts: ethAccountsOf(options) },
      ...peers.services(),
    };
    this.dispatcher = makeDispatcher(this.services);
  }

  /** Puts a node together; nothing runs before `start`. */
  static async open(options: NetworkNodeOptions): Promise<NetworkNode> {
    return new NetworkNode(options, await tokenSecret(options.secrets));
  }

  start(): Promise<void> {
    return this.node.start();
  }

  /** Serves JSON-RPC; on loopback without tokens. */
  async serve(options: Partial<RpcOptions> = {}): Promise<{ readonly url: string; readonly port: number }> {
    const all = { host: "127.0.0.1", port: 0, allowHosts: [], allowOrigins: [], ...options };
    const rpc = new RpcPart(this.dispatcher, this.services.tokenSecret, all);
    this.rpc = rpc;
    this.deals.servedAt(() => new URL(rpc.url).origin);
    this.node.add(rpc);
    await this.node.start();
    return { url: rpc.url, port: rpc.port };
  }

  /** Where JSON-RPC is served; null if it is not. */
  get url(): string | null {
    return this.rpc?.url ?? null;
  }

  async stop(): Promise<void> {
    this.services.run.stopped();
    this.mining?.end();
    const closed = this.proving?.close();
    await this.node.stop();
    await closed;
    await this.reporter.idle();
  }
}

function baseOf(
  node: FilecoinNode,
  verifier: LocalVerifier,
  source: BeaconSource,
): NonNullable<NodeParts["miningBase"]> {
  const { beacon, times } = verifier.facts;
  const { states } = node;
  const options = { states, beacons: [{ start: 0, info: beacon }], times, source, pickSector: verifier.pickSector };
  return async (miner, epoch, base, signal) =>
    miningBase(options, base, epoch, miner, await entriesFor(options, base, epoch, signal));
}

/** Who pays for reports: the first miner's worker, else the wallet's default key. */
async function payerOf(keystore: Keystore, [miner]: readonly OwnMiner[]): Promise<KeyInfo | null> {
  if (miner !== undefined) return miner.worker;
  const address = await keystore.defaultAddress();
  return address === null ? null : keystore.get(address);
}

/** Null without contracts, and for a node that does not have the accounts' keys. */
function ethAccountsOf({ accounts, network, crypto }: NetworkNodeOptions): EthAccounts | null {
  const has = accounts !== undefined && isFvm(networkVersionAt(network, 0));
  return has ? new EthAccounts({ network, crypto, accounts }) : null;
}

/** Nobody moves the time of a network of several nodes. */
function byTheClock(info: () => Record<string, unknown>): DevControl {
  const refuse = (): never => {
    throw new FilError(
      { code: "BY_THE_CLOCK" },
      "the epochs of a network with peers (--nodes, --listen, --apart, real proofs) pass by the clock alone, also of one node: where they are to pass on call, start it without those",
    );
  };
  return {
    ...{
      mine: refuse,
      mineTo: refuse,
      passTime: refuse,
      skipRounds: refuse,
      setAutomine: refuse,
      setBlockTime: refuse,
    },
    info,
  };
}
