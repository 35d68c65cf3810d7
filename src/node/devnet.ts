/**
 * A whole Filecoin network in one process: a node, a producer that makes every block, a clock, and a genesis.
 *
 * Deterministic: seed and options decide genesis, keys and beacon; epochs pass by the clock (interval), by arrival of
 * messages (instant) or on call (manual). Every tipset is on disk before anyone hears of it.
 *
 * Above 500 lines: it is where all rooms of the network meet, and one constructor's parts are listed here once.
 */
import { platform } from "#platform";
import { LogLevels } from "../base/log-levels.ts";
import { OptionError } from "../base/options.ts";
import { Chain } from "../chain/chain.ts";
import { type Crypto, loadCrypto } from "../core/crypto.ts";
import type { KeyInfo } from "../keys/keys.ts";
import { Keystore } from "../keys/keystore.ts";
import { parseMnemonic } from "../keys/mnemonic.ts";
import { retrievalChain } from "../market/retrieval/chain-access.ts";
import { ContentFinder } from "../market/retrieval/content.ts";
import { BlockTimes } from "../miner/block-times.ts";
import { putSectors } from "../miner/folders/copies.ts";
import type { TipsetProducer } from "../miner/producer.ts";
import { Producer } from "../miner/producer.ts";
import { MinerSwitches } from "../miner/switches.ts";
import { DEVNET_VERSION, devnetAt, localSealProof, type NetworkParams, withSectorSize } from "../params/networks.ts";
import { VERSION } from "../params/version.ts";
import { memorySecrets } from "../platform/secrets.ts";
import { makeDispatcher } from "../rpc/api.ts";
import type { Dispatcher } from "../rpc/dispatcher.ts";
import { NodeRun } from "../rpc/node-run.ts";
import type { NodeParts } from "../rpc/services.ts";
import { isFvm } from "../schema/versions/rows.ts";
import { localRules } from "../stmgr/network-rules.ts";
import type { ByteSource } from "../storage/car-reader.ts";
import { MemoryStore } from "../storage/memory.ts";
import { TableStore } from "../storage/table-store.ts";
import { UndoStore } from "../storage/undo-store.ts";
import type { Address } from "../types/address.ts";
import { FIL } from "../types/amount.ts";
import type { BeaconEntry, Tipset } from "../types/block-header.ts";
import { type DevAccount, makeAccounts, mnemonicOfSeed, PUBLIC_MNEMONIC } from "./accounts.ts";
import { Clock } from "./clock.ts";
import { DealsPart } from "./deals-part.ts";
import { devControl } from "./dev-control.ts";
import {
  actorsToCome,
  beaconDataOf,
  firstMinerId,
  keptMiners,
  keptSectorSize,
  noBundle,
  openDevnetChain,
  refuseFork,
} from "./devnet-chain.ts";
import {
  askFile,
  checkCode,
  checkDump,
  checkFacts,
  type DumpSettings,
  dumpOf,
  isHalfLoaded,
  LOADING_FACT,
  misfit,
  optionsOf,
  refuseHalfLoaded,
  settle,
  withoutPlaces,
} from "./devnet-dump.ts";
import {
  checkDumpNames,
  checkForkNames,
  checkOpenNames,
  checkRevertNames,
  checkServeNames,
  type DevnetOptions,
  type ForkOptions,
} from "./devnet-given.ts";
import { checkBundle, checkDevnetOptions, checkUpgrades, type LocalUpgrade } from "./devnet-options.ts";
import { DumpError, type Dumped, readDump } from "./dump.ts";
import { EthAccounts } from "./eth-accounts.ts";
import { EthControl, Impersonation } from "./eth-control.ts";
import { fetchWhole } from "./fork/fetch-whole.ts";
import { askFork, openFork } from "./fork/open-fork.ts";
import { gatewayAddress } from "./gateway-address.ts";
import { GENESIS_RESERVE } from "./genesis.ts";
import { Laboratory } from "./laboratory.ts";
import { LocalMiners, minerWorker } from "./local-miners.ts";
import { FilecoinNode } from "./node.ts";
import { leastGas } from "./pool-part.ts";
import { sealsOf } from "./proof-mode.ts";
import { type RpcOptions, RpcPart } from "./rpc-part.ts";
import type { SealingPart } from "./sealing-part.ts";
import { openSectorFolder } from "./sector-home.ts";
import { sectorsService } from "./sectors-service.ts";
import { keepSnapshot } from "./snapshot-folder.ts";
import { Snapshots, staysAfterRevert, staysInMemory } from "./snapshots.ts";
import type { Health } from "./startable.ts";
import { tokenSecret } from "./token-secret.ts";

export type { DevAccount, DevnetOptions, RpcOptions };

/** Options of a network that nobody has asked anything of. */
const DEFAULTS = {
  accounts: 10,
  balance: 1_000_000n * FIL,
  seed: "filigree",
  blockTime: 0,
  genesisTime: 1_598_306_400,
  data: null,
  version: VERSION,
} as const;

/** Time of a header goes in whole seconds. */
function networkOf(blockTime: number, version = DEVNET_VERSION, upgrades: readonly LocalUpgrade[] = []): NetworkParams {
  const later = upgrades.map(({ epoch, networkVersion }) => ({ epoch, networkVersion }));
  return { ...devnetAt(version, later), blockDelaySeconds: Math.max(1, Math.round(blockTime)) };
}

/** What a file of a network can be given as: its bytes, its pieces in order, or where they can be read. */
export type NetworkFile = Uint8Array | readonly Uint8Array[] | ByteSource;

function sourceOf(given: NetworkFile): ByteSource {
  if ("read" in given) return given;
  const parts = given instanceof Uint8Array ? [given] : given;
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return { size: file.length, read: async (from, length) => file.subarray(from, from + length) };
}

/** The parts of the node, for whoever runs it in the same process. */
export type DevnetServices = NodeParts & Pick<FilecoinNode, "chain" | "states" | "gas" | "pool" | "keystore">;

/** What a forked network goes on from: the other node's address, and the epoch of the state. */
export type ForkedFrom = { readonly url: string; readonly epoch: number };

export class Devnet {
  readonly options: DevnetOptions;
  readonly node: FilecoinNode;
  readonly network: NetworkParams;
  readonly accounts: readonly DevAccount[];
  readonly miner: Address;
  readonly producer: TipsetProducer;
  readonly clock: Clock;
  /** Miners with sectors; null on a network without election. */
  readonly local: LocalMiners | null;
  /** Faults of those miners on purpose. */
  readonly laboratory: Laboratory | null;
  /** New sectors of those miners. */
  readonly sealing: SealingPart | null;
  /** Moments that one can go back to. */
  readonly snapshots: Snapshots;
  /** Storage deals: of this node's user, and of those miners. */
  readonly deals: DealsPart;
  /** Multiaddrs where its data is served over HTTP. */
  private gateways: () => readonly string[] = () => [];
  /** What contract developers do to a network of the FVM; null on others. */
  readonly ethereum: EthControl | null;
  readonly services: DevnetServices;
  readonly dispatcher: Dispatcher;
  private source: ForkedFrom | null = null;

  private constructor(
    parts: Pick<
      Devnet,
      | "options"
      | "node"
      | "accounts"
      | "miner"
      | "producer"
      | "clock"
      | "local"
      | "laboratory"
      | "sealing"
      | "snapshots"
      | "deals"
      | "ethereum"
    > & {
      readonly beacon: (epoch: number) => Promise<BeaconEntry>;
    },
    secret: Uint8Array,
  ) {
    const { options, node, accounts, miner, producer, clock, local, laboratory, sealing, snapshots, deals } = parts;
    this.options = options;
    this.node = node;
    this.network = node.network;
    this.accounts = accounts;
    this.miner = miner;
    this.producer = producer;
    this.clock = clock;
    this.local = local;
    this.laboratory = laboratory;
    this.sealing = sealing;
    this.snapshots = snapshots;
    this.deals = deals;
    this.ethereum = parts.ethereum;
    this.services = {
      version: options.version,
      network: this.network,
      chain: node.chain,
      states: node.states,
      gas: node.gas,
      pool: node.pool,
      payments: node.payments,
      funds: node.funds,
      deals,
      content: new ContentFinder({
        ...{ has: async (cid) => (await node.client.store()).has(cid), chain: retrievalChain(node.states) },
        // It has no identity among peers: its data is had from its gateway.
        own: () => ({ peer: null, libp2p: [], http: this.gateways(), isFree: false }),
        ...{ clientDeals: () => deals.client.list(), provider: deals.provider },
      }),
      client: node.client,
      minGas: leastGas(node.states),
      keystore: node.keystore,
      crypto: node.crypto,
      randomness: (tipset) => node.states.randomness(tipset),
      beacon: parts.beacon,
      ...(local === null ? {} : local.consensus(node)),
      ...(sealing === null ? {} : { sectors: sectorsService(sealing, true) }),
      prune: (keep) => node.prune(keep),
      ...(options.data === null
        ? {}
        : { keepSnapshot: (name, parts) => keepSnapshot(options.data as string, name, parts) }),
      log: new LogLevels(["chain", "mpool", "miner"]),
      alerts: sealing === null ? [clock.alert] : [clock.alert, sealing.alert],
      tokenSecret: secret,
      now: platform.now,
      randomBytes: platform.randomBytes,
      run: new NodeRun(platform.randomBytes, platform.now()),
      health: () => this.health(),
      ...(options.onShutdown === undefined ? {} : { shutdown: options.onShutdown }),
      dev: devControl(this, async () => {
        await checkDump(this);
        return this.dump();
      }),
    };
    this.dispatcher = makeDispatcher(this.services, options.observe);
  }

  /**
   * Opens the network in its data folder, or makes it there; without options, a new one in memory that makes a tipset
   * whenever a message arrives. The clock does not run before `clock.start`. Throws `OptionError` for an option that cannot
   * be meant.
   */
  static async open(given: Partial<DevnetOptions> = {}): Promise<Devnet> {
    checkOpenNames("Devnet.open", given);
    checkDevnetOptions({
      ...DEFAULTS,
      miners: given.minersOfNew ?? 0,
      ...given,
      proofs: given.proving?.described.mode,
    });
    const crypto = await loadCrypto();
    checkBundle(given);
    const words = given.seed === undefined ? PUBLIC_MNEMONIC : mnemonicOfSeed(crypto, given.seed);
    const options = { ...DEFAULTS, ...given, mnemonic: parseMnemonic(given.mnemonic ?? words) };
    const { data, reset = false, repair = false } = options;
    const { networkVersion = DEVNET_VERSION } = options;
    const { upgrades = [] } = options;
    checkUpgrades(networkVersion, upgrades, given.bundle);
    const network = networkOf(options.blockTime, networkVersion, upgrades);
    // Looked at first: what cannot be made must not cost the earlier network.
    if (reset && isFvm(networkVersion) && given.bundle === undefined) noBundle(network, networkVersion);
    const store = new UndoStore(
      data === null ? new MemoryStore() : await TableStore.open(data, platform.openTable, { reset, repair }),
      data === null && options.retention === undefined ? staysInMemory : staysAfterRevert,
    );
    try {
      await refuseFork(store);
      await refuseHalfLoaded(store);
      return await Devnet.over(store, crypto, network, options);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The whole network as a CAR file, in pieces: everything that a snapshot has, keys in the clear included. */
  dump(settings: DumpSettings = {}): AsyncGenerator<Uint8Array> {
    checkDumpNames(settings);
    return dumpOf(this, settings);
  }

  /**
   * Makes a network of such a file, in memory or in an empty folder: it goes on where the other one was. Options that are
   * fixed with a network are the file's. Published actors are not in it: they come from `bundles`. Throws `DumpError`, `CarError`,
   * `OptionError`, `BundleError` MISSING_BUNDLE.
   */
  static async load(file: NetworkFile, given: Partial<DevnetOptions> = {}): Promise<Devnet> {
    checkOpenNames("Devnet.load", given);
    const crypto = await loadCrypto();
    const { data = null, reset = false } = given;
    // Looked at first: a file that is none must not cost the earlier network.
    const source = sourceOf(file);
    const { actors, ...ofFile } = await askFile(source, crypto, given.bundles);
    const options = { ...DEFAULTS, ...optionsOf(ofFile.options, given), upgrades: actors.upgrades };
    checkDevnetOptions({ ...options, proofs: given.proving?.described.mode });
    checkUpgrades(options.networkVersion ?? DEVNET_VERSION, options.upgrades);
    let inner = data === null ? new MemoryStore() : await TableStore.open(data, platform.openTable, { reset });
    if (data !== null && (await isHalfLoaded(inner))) {
      // What an interrupted load has left was never anybody's network.
      await inner.close();
      inner = await TableStore.open(data, platform.openTable, { reset: true });
    }
    const store = new UndoStore(inner, staysAfterRevert);
    let net: Devnet | null = null;
    try {
      if (!(await Chain.open({ blocks: store })).isEmpty)
        throw new DumpError(
          { code: "NOT_EMPTY" },
          "there is a network in the data folder; give another one, or --reset",
        );
      const dumped = await readDump(source, store, crypto);
      checkFacts(dumped.facts);
      await store.write({ blocks: actors.blocks });
      await checkCode(store, dumped);
      // The head is among the facts, and they are one batch: what is ended before it has left no network.
      const facts = [...withoutPlaces(dumped.facts), [LOADING_FACT, new Uint8Array(1)] as const];
      await store.write({ metadata: facts }, { sync: true, note: "the network of a file" });
      const network = networkOf(options.blockTime, options.networkVersion, options.upgrades);
      net = await Devnet.over(store, crypto, network, options, dumped).catch((cause: unknown) => {
        throw misfit(cause);
      });
      await settle(net, dumped, given.blockTime);
      await store.write({ metadata: [[LOADING_FACT, null]] }, { sync: true });
      return net;
    } catch (error) {
      // What runs already would go on writing.
      await (net ?? store).close();
      throw error;
    }
  }

  /**
   * Goes on from the state of a network that runs elsewhere, at an epoch of its chain (`at`; its head): blocks are fetched
   * from the other node's JSON-RPC when they are needed, and kept. What was used before works without that node, from the
   * same folder, too; with `whole` the state is fetched at once, within limits (TOO_LARGE, TOO_SLOW), and all of it does. What is not at hand is named
   * (`ForkError` NOT_AT_HAND). The code of published actors comes from `bundles`, else from the other node; if neither has it, that is
   * told at once (CODE_NOT_AT_HAND). Versions that follow on the other network follow here. One producer makes all blocks, without
   * election: miners of the other network do not prove here. Throws `ForkError`, `OptionError`.
   */
  static async fork(url: string, asWanted: ForkOptions = {}): Promise<Devnet> {
    checkForkNames(asWanted);
    const { at, whole = false, ...given } = asWanted;
    const crypto = await loadCrypto();
    const { data = null, reset = false, repair = false } = given;
    // Asked first: an address that is wrong must not cost the earlier network.
    for (const name of ["networkVersion", "predeploy", "bundle", "upgrades", "sectorSize"] as const)
      if (given[name] !== undefined) throw new OptionError(name, "that of the other network holds; leave it out");
    const asked = reset ? await askFork(url, at, given.bundles) : undefined;
    const inner =
      data === null ? new MemoryStore() : await TableStore.open(data, platform.openTable, { reset, repair });
    try {
      const { bundles } = given;
      const fork = await openFork(inner, url, { at, asked, ...(bundles === undefined ? {} : { bundles }) }, crypto);
      if (whole !== false) await fetchWhole(fork.store, whole === true ? {} : whole);
      const options = { ...DEFAULTS, retention: "archive" as const, ...fork.options, ...given, miners: 0 };
      checkDevnetOptions(options);
      const store = new UndoStore(fork.store, staysAfterRevert);
      const words = { mnemonic: given.mnemonic ?? fork.options.mnemonic };
      const { blockTime, networkVersion, upgrades } = fork.options;
      const bare = networkOf(blockTime, networkVersion, upgrades);
      const network = fork.blockDelay === null ? bare : { ...bare, blockDelaySeconds: fork.blockDelay };
      const net = await Devnet.over(store, crypto, network, { ...options, ...words });
      net.source = { url, epoch: fork.store.point.height };
      return net;
    } catch (error) {
      await inner.close();
      throw error;
    }
  }

  private static async over(
    store: UndoStore,
    crypto: Crypto,
    bare: NetworkParams,
    given: DevnetOptions,
    of?: Dumped,
  ): Promise<Devnet> {
    const { seed, balance, data, proving, networkVersion = DEVNET_VERSION } = given;
    const chain = await Chain.open({ blocks: store, chainId: bare.chainId });
    const sectorSize = given.sectorSize ?? (chain.isEmpty ? null : await keptSectorSize(store)) ?? "2KiB";
    const network = withSectorSize(bare, sectorSize);
    // A network that goes on has the time that it began with.
    const began = chain.isEmpty ? undefined : (await chain.genesis()).blocks[0]?.timestamp;
    const { sectors = 1, minersOfNew = 0 } = given;
    const miners = given.miners ?? (chain.isEmpty ? minersOfNew : await keptMiners(store));
    if (miners === 0 && sectorSize !== "2KiB")
      throw new OptionError("sectorSize", "sectors are those of miners, and this network has none; leave it out");
    const options = { ...given, miners, sectorSize, ...(began === undefined ? {} : { genesisTime: Number(began) }) };
    const accounts = makeAccounts(crypto, { seed, mnemonic: options.mnemonic, count: options.accounts, balance });
    const workers = Array.from({ length: Math.max(1, miners) }, (_, i) => minerWorker(crypto, seed, i));
    const schedule = { genesisTime: options.genesisTime, blockDelay: network.blockDelaySeconds };
    const local =
      miners === 0
        ? null
        : await LocalMiners.open(
            {
              seed,
              miners,
              sectors,
              sealProof: localSealProof(sectorSize, networkVersion),
              networkVersion,
              lastVersion: network.upgrades.at(-1)?.networkVersion ?? networkVersion,
              ...(given.presealing === undefined ? {} : { presealing: given.presealing }),
              firstId: firstMinerId(accounts.length, workers.length, networkVersion),
              owner: (accounts[0] as DevAccount).secp256k1,
              times: schedule,
              networkName: network.name,
              ...(options.expiration === undefined ? {} : { expiration: options.expiration }),
              ...(proving === undefined ? {} : { proving }),
            },
            crypto,
          );
    const secrets = data === null ? memorySecrets() : await platform.openSecrets(data);
    const keystore = await Keystore.open(
      { secrets, crypto, randomBytes: platform.randomBytes, local: true, prefix: network.prefix },
      "",
    );
    // Keys are never taken away, whatever became of the store; those of a new genesis come to them.
    if (chain.isEmpty || keystore.isNew)
      await keystore.addAll(accounts.flatMap(({ keys }) => [keys.secp256k1, keys.bls]));
    // The genesis comes last: a first start that was killed before it begins from the beginning.
    const beacon = async (epoch: number): Promise<BeaconEntry> =>
      local?.entryAt(epoch) ?? { round: BigInt(epoch), data: beaconDataOf(crypto, seed)(BigInt(epoch)) };
    const described = proving?.described ?? { mode: "attested" };
    const modes = { proofs: described.mode, seals: sealsOf(described) };
    const mining = local === null ? {} : { miners: local.forGenesis(), ...modes };
    const { bundle } = options;
    const actors = bundle === undefined ? {} : { bundle };
    const entry = await beacon(0);
    const genesis = {
      seed,
      balance,
      time: options.genesisTime,
      accounts,
      workers,
      beacon: entry,
      ...mining,
      ...actors,
      ...(options.predeploy === true ? { predeploy: true } : {}),
      upgrades: network.upgrades.slice(1),
    };
    const miner = await openDevnetChain(chain, crypto, network, genesis);
    const rules = localRules(network, GENESIS_RESERVE);
    const proofs = local === null ? {} : { proofs: local.verifier() };
    const machine = options.machine ?? "thread";
    const retention = options.retention === undefined ? {} : { retention: options.retention };
    const impersonation = new Impersonation();
    const times = new BlockTimes();
    const node = new FilecoinNode({
      chain,
      crypto,
      network,
      rules,
      keystore,
      machine,
      ...proofs,
      ...retention,
      later: actorsToCome(network, chain.head.height, given.upgrades ?? []),
      ...(local === null ? {} : { minerKeys: workers }),
      data: options.data,
      trusts: (signed) => impersonation.trusts(signed),
    });
    const { states, pool } = node;
    const worker = workers[0] as KeyInfo;
    const switches = new MinerSwitches();
    const producer =
      local?.producer(node, switches) ??
      new Producer({ states, pool, crypto, miner, worker, beacon: beaconDataOf(crypto, seed), times });
    const secret = await tokenSecret(secrets);
    const sealing =
      local?.sealing(node, {
        openFolder: async (genesis) => {
          // The records of a file are of another one's folder.
          const known = of === undefined ? { store } : {};
          const folder = await openSectorFolder(data, { network: genesis, ...known });
          if (of !== undefined) await putSectors(folder, of.sectors);
          return folder;
        },
        now: platform.now,
        retryMs: 1000 * network.blockDelaySeconds,
      }) ?? null;
    // One of a file makes nothing before all is as the file says.
    const clock = new Clock({
      producer,
      states,
      pool,
      blockTime: options.blockTime,
      automine: of === undefined,
      ready: () => sealing?.rest(),
    });
    if (sealing !== null) node.add(sealing);
    const deals = new DealsPart({
      node,
      sealing,
      data,
      ...(given.dealHook === undefined ? {} : { hook: given.dealHook }),
    });
    node.add(deals);
    await node.start();
    const laboratory = local === null ? null : new Laboratory({ node, local, switches, clock, sealing });
    const own = new EthAccounts({ network, crypto, accounts });
    const control = { node, clock, own, times, impersonation };
    const ethereum = isFvm(networkVersion) ? new EthControl(control) : null;
    const snapshots = new Snapshots({ node, store, clock, laboratory, sealing });
    const parts = {
      options,
      node,
      accounts,
      miner,
      producer,
      clock,
      local,
      laboratory,
      sealing,
      snapshots,
      deals,
      ethereum,
      beacon,
    };
    return new Devnet(parts, secret);
  }

  /**
   * Serves JSON-RPC, by default on any free port of loopback. There without tokens; on any other host tokens are needed
   * for more than reading.
   */
  async serve(options: Partial<RpcOptions> = {}): Promise<{ readonly url: string; readonly port: number }> {
    checkServeNames(options);
    const all = { host: "127.0.0.1", port: 0, allowHosts: [], allowOrigins: [], ...options };
    const rpc = new RpcPart(this.dispatcher, this.services.tokenSecret, all);
    this.gateways = () => [gatewayAddress(rpc.url)];
    this.deals.servedAt(() => new URL(rpc.url).origin);
    this.node.add(rpc);
    await this.node.start();
    return { url: rpc.url, port: rpc.port };
  }

  /**
   * Calls an RPC method in this process, with all permissions; throws what a client would be told. Names of the `Filecoin`
   * namespace need no prefix: `net.request("WalletBalance", address)`, `net.request("Devnet.mine", 5)`.
   */
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of as many shapes as there are methods
  request<Result = any>(method: string, ...params: readonly unknown[]): Promise<Result> {
    return this.dispatcher.request(method, ...params) as Promise<Result>;
  }

  /** Takes a snapshot of everything that the network is, and gives its number. */
  async snapshot(): Promise<number> {
    return (await this.snapshots.take()).id;
  }

  /**
   * Goes back to a snapshot and gives the head. The snapshot and those after it are over; with `keep` it can be gone back to
   * again. Throws `SnapshotError` UNKNOWN_SNAPSHOT.
   */
  async revert(id: number, how: { readonly keep?: boolean } = {}): Promise<Tipset> {
    checkRevertNames(how);
    return this.snapshots.revert(id, how.keep === true);
  }

  /** Whether `close` was called: nothing is asked of it any more (errors with the code CLOSED). */
  get isClosed(): boolean {
    return this.services.run.isStopped;
  }

  get head(): Tipset {
    return this.node.chain.head;
  }

  /** Null: it is no fork. */
  get forkedFrom(): ForkedFrom | null {
    return this.source;
  }

  /** The health of each part by its name. */
  health(): Readonly<Record<string, Health>> {
    return { ...this.node.health(), clock: this.clock.health() };
  }

  /** Stops mining and serving, and closes the store. */
  async close(): Promise<void> {
    this.services.run.stopped();
    const stopped = this.clock.stop();
    await this.options.proving?.close();
    await stopped;
    await this.node.stop();
  }
}
