/**
 * A local network of several nodes in one process: each has its own store, identity, host and miners, and they meet over
 * libp2p like nodes anywhere. Other processes join with the network's description and its genesis.
 */

import { platform } from "#platform";
import { concat } from "../base/bytes.ts";
import { checkWhole } from "../base/options.ts";
import type { LocalBeacon } from "../beacon/local.ts";
import { Chain } from "../chain/chain.ts";
import { exportChain } from "../chain/export.ts";
import { type Crypto, loadCrypto } from "../core/crypto.ts";
import type { Bundle } from "../exec/bundle.ts";
import { Keystore } from "../keys/keystore.ts";
import {
  DEVNET,
  DEVNET_VERSION,
  devnetAt,
  type LocalSectorSize,
  localSealProof,
  type NetworkParams,
  networkVersionAt,
  withSectorSize,
} from "../params/networks.ts";
import { memorySecrets } from "../platform/secrets.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import { MemoryStore } from "../storage/memory.ts";
import { TableStore } from "../storage/table-store.ts";
import type { Tipset } from "../types/block-header.ts";
import { type DevAccount, makeAccounts } from "./accounts.ts";
import { ethereumOf } from "./dev-control.ts";
import { actorsToCome, firstMinerId, keptSectorSize, openDevnetChain } from "./devnet-chain.ts";
import { checkBundle, checkDevnetOptions, checkUpgrades, type LocalUpgrade } from "./devnet-options.ts";
import { LocalMiners, minerWorker } from "./local-miners.ts";
import type { LocalProving } from "./local-proving.ts";
import type { MachinePlace } from "./machines.ts";
import type { NetworkDescription } from "./network-description.ts";
import { descriptionToJson } from "./network-description.ts";
import { NetworkNode, type NetworkNodeOptions } from "./network-node.ts";
import type { Retention } from "./node.ts";
import type { Presealing } from "./presealed.ts";
import { sealsOf } from "./proof-mode.ts";

export type LocalNetworkOptions = {
  readonly nodes: number;
  readonly miners: number;
  /** Sectors of each miner. */
  readonly sectors: number;
  /** Their size; default: that of the network in the folder, else 2 KiB. */
  readonly sectorSize?: LocalSectorSize;
  readonly presealing?: Presealing;
  /** Real proofs; absent: they are attested. Closed with the network. */
  readonly proving?: LocalProving;
  /** How many of them, the last ones, no node here owns: other processes mine with them. Default 0. */
  readonly apart?: number;
  /** The network's beacon; default: one whose key follows from the seed. */
  readonly beacon?: LocalBeacon;
  /** From the genesis on. Default 5; from 16 on the published actors of `bundle` run. */
  readonly networkVersion?: number;
  /** Published actors of that version; a network that goes on has them in its folders. */
  readonly bundle?: Bundle;
  /** Versions that come later, as of `DevnetOptions`. Nodes of other processes do not join such a network. */
  readonly upgrades?: readonly LocalUpgrade[];
  readonly accounts: number;
  /** attoFIL on each address. */
  readonly balance: bigint;
  readonly seed: string;
  readonly mnemonic: string;
  /** Whole seconds between epochs. */
  readonly blockTime: number;
  /** Seconds between rounds of the beacon. Default: those between epochs. */
  readonly beaconPeriod?: number;
  /** Unix time, seconds. */
  readonly genesisTime: number;
  /** Multiaddr that the first node listens on; the others take the ports after it, or free ones if its port is 0. */
  readonly listen: string;
  /** Folder of a node's data by its index; null keeps everything in memory. */
  readonly dataOf: ((index: number) => string) | null;
  readonly reset: boolean;
  readonly repair: boolean;
  readonly machine: MachinePlace;
  readonly retention?: Retention;
  readonly version: string;
  readonly onHead?: (node: number, head: Tipset) => void;
} & { readonly [K in "onMining" | "onReport" | "onFault"]?: OfNode<NonNullable<NetworkNodeOptions[K]>> };

type OfNode<F extends (...args: never[]) => void> = (node: number, ...args: Parameters<F>) => void;

export class LocalNetwork {
  readonly options: LocalNetworkOptions;
  readonly network: NetworkParams;
  readonly accounts: readonly DevAccount[];
  readonly local: LocalMiners;
  readonly nodes: NetworkNode[] = [];
  readonly genesis: Tipset;
  private readonly crypto: Crypto;

  private constructor(
    parts: Pick<LocalNetwork, "options" | "network" | "accounts" | "local" | "genesis">,
    crypto: Crypto,
  ) {
    this.options = parts.options;
    this.network = parts.network;
    this.accounts = parts.accounts;
    this.local = parts.local;
    this.genesis = parts.genesis;
    this.crypto = crypto;
  }

  /** Opens all nodes, each with its genesis, and starts them one after another; each dials those before it. */
  static async open(given: LocalNetworkOptions): Promise<LocalNetwork> {
    const { proving } = given;
    checkWhole("apart", given.apart ?? 0, [0, given.miners]);
    checkDevnetOptions({ ...given, data: null, proofs: proving?.described.mode });
    checkBundle(given);
    checkUpgrades(given.networkVersion ?? DEVNET_VERSION, given.upgrades ?? [], given.bundle);
    const crypto = await loadCrypto();
    const { seed, mnemonic, balance, networkVersion = DEVNET_VERSION, upgrades = [] } = given;
    const later = upgrades.map(({ epoch, networkVersion }) => ({ epoch, networkVersion }));
    const accounts = makeAccounts(crypto, { seed, mnemonic, count: given.accounts, balance });
    const first = await openChain(given, 0);
    try {
      const sectorSize = given.sectorSize ?? (first.isEmpty ? null : await keptSectorSize(first.blocks)) ?? "2KiB";
      const network = withSectorSize(
        { ...devnetAt(networkVersion, later), blockDelaySeconds: given.blockTime },
        sectorSize,
      );
      // A network that goes on has the time that it began with.
      const options = first.isEmpty ? given : { ...given, genesisTime: await timeOfGenesis(first) };
      const local = await LocalMiners.open(
        {
          seed,
          miners: options.miners,
          sectors: options.sectors,
          sealProof: localSealProof(sectorSize, networkVersion),
          networkVersion,
          lastVersion: network.upgrades.at(-1)?.networkVersion ?? networkVersion,
          ...(given.presealing === undefined ? {} : { presealing: given.presealing }),
          firstId: firstMinerId(accounts.length, options.miners, networkVersion),
          owner: (accounts[0] as DevAccount).secp256k1,
          times: {
            ...{ genesisTime: options.genesisTime, blockDelay: network.blockDelaySeconds },
            ...(options.beaconPeriod === undefined ? {} : { beaconPeriod: options.beaconPeriod }),
          },
          networkName: network.name,
          ...(options.beacon === undefined ? {} : { beacon: options.beacon }),
          ...(proving === undefined ? {} : { proving }),
        },
        crypto,
      );
      await layGenesis(options, first, { crypto, network, accounts, local });
      const net = new LocalNetwork({ options, network, accounts, local, genesis: await first.genesis() }, crypto);
      await net.startAll(first);
      return net;
    } catch (error) {
      await first.blocks.close().catch(() => undefined);
      throw error;
    }
  }

  private async startAll(first: Chain): Promise<void> {
    try {
      await this.startNode(0, first);
      for (let index = 1; index < this.options.nodes; index++) await this.restart(index);
    } catch (error) {
      await this.close().catch(() => undefined);
      throw error;
    }
  }

  /** Opens a node's store and starts the node in it; also one that was stopped. */
  async restart(index: number): Promise<void> {
    const { crypto, network, accounts, local, options } = this;
    const chain = await openChain(options, index);
    await layGenesis(options, chain, { crypto, network, accounts, local });
    await this.startNode(index, chain);
  }

  private async startNode(index: number, chain: Chain): Promise<void> {
    const { options, crypto, network, local } = this;
    const { dataOf, machine, retention, version, onHead, onMining, onReport, onFault } = options;
    const secrets = dataOf === null ? memorySecrets() : await platform.openSecrets(dataOf(index));
    const { randomBytes } = platform;
    const { prefix } = network;
    const keystore = await Keystore.open({ secrets, crypto, randomBytes, local: true, prefix }, "");
    if (keystore.isNew) await keystore.addAll(this.accounts.flatMap(({ keys }) => [keys.secp256k1, keys.bls]));
    const own = local.miners.filter((_, miner) => ownerOf(options, miner) === index);
    const node = await NetworkNode.open({
      data: dataOf?.(index) ?? null,
      chain,
      crypto,
      network,
      secrets,
      keystore,
      verifier: local.verification,
      listen: [listenOf(options.listen, index)],
      bootstrap: this.nodes.slice(0, index).flatMap(({ peers }) => peers.addresses().slice(0, 1)),
      machine,
      version,
      ...(retention === undefined ? {} : { retention }),
      beacon: local.beacon,
      later: actorsToCome(network, chain.head.height, options.upgrades ?? []),
      ...(own.length === 0 ? {} : { mining: { local, miners: own } }),
      accounts: this.accounts,
      // The description is for everybody; the words, as the seed, are told to admins alone.
      info: () => ({ ...descriptionToJson(this.describe()), mnemonic: options.mnemonic }),
      ...(onMining === undefined ? {} : { onMining: (event) => onMining(index, event) }),
      ...(onReport === undefined ? {} : { onReport: (report) => onReport(index, report) }),
      ...(onFault === undefined ? {} : { onFault: (where, error) => onFault(index, where, error) }),
    });
    this.nodes[index] = node;
    chain.onHeadChange(() => onHead?.(index, chain.head));
    await node.start();
  }

  /** The genesis as a CAR file, for nodes that join. */
  async genesisCar(): Promise<Uint8Array> {
    const { chain } = (this.nodes[0] as NetworkNode).node;
    const sections: Uint8Array[] = [];
    for await (const section of exportChain(chain, this.genesis, { recentRoots: 1, skipOldMessages: false }))
      sections.push(section);
    return concat(...sections);
  }

  describe(): NetworkDescription {
    const { network, options, local, accounts, nodes } = this;
    const text = (address: { toString(prefix: "f" | "t"): string }): string => address.toString(network.prefix);
    const { height } = (nodes[0] as NetworkNode).node.chain.head;
    const hasEthereum = chainRule("ethAccountsSend", networkVersionAt(network, height));
    return {
      network: network.name,
      chainId: network.chainId,
      networkVersion: networkVersionAt(network, 0),
      ...(network.upgrades.length > 1 ? { upgrades: network.upgrades.slice(1) } : {}),
      epochSeconds: network.blockDelaySeconds,
      genesis: { cid: `${this.genesis.key[0]}`, time: options.genesisTime },
      beacon: local.beacon.info,
      seed: options.seed,
      proofs: options.proving?.described ?? { mode: "attested" },
      rpc: nodes.flatMap(({ url }) => (url === null ? [] : [url])),
      multiaddrs: nodes.flatMap(({ peers }) => peers.addresses()),
      miners: local.miners.map(({ address, sectors, sectorBytes }, i) => ({
        address: text(address),
        sectors: sectors.size,
        sectorBytes,
        node: ownerOf(options, i),
      })),
      accounts: accounts.map((account) => ({
        name: account.name,
        id: text(account.id),
        secp256k1: text(account.secp256k1),
        bls: text(account.bls),
        ...(hasEthereum ? ethereumOf(account, network) : {}),
      })),
    };
  }

  /** Stops all nodes. */
  async close(): Promise<void> {
    for (const node of this.nodes) node?.mining?.end();
    const closed = this.options.proving?.close();
    const stopped = await Promise.allSettled([...this.nodes.map((node) => node?.stop()), closed]);
    for (const one of stopped) if (one.status === "rejected") throw one.reason;
  }
}

/** Index of the node that owns a miner; null if none here does. */
function ownerOf({ miners, nodes, apart = 0 }: LocalNetworkOptions, miner: number): number | null {
  return miner < miners - apart ? miner % nodes : null;
}

type ChainParts = {
  readonly crypto: Crypto;
  readonly network: NetworkParams;
  readonly accounts: readonly DevAccount[];
  readonly local: LocalMiners;
};

async function openChain({ dataOf, reset, repair }: LocalNetworkOptions, index: number): Promise<Chain> {
  const store =
    dataOf === null ? new MemoryStore() : await TableStore.open(dataOf(index), platform.openTable, { reset, repair });
  try {
    return await Chain.open({ blocks: store, chainId: DEVNET.chainId });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function timeOfGenesis(chain: Chain): Promise<number> {
  return Number((await chain.genesis()).blocks[0]?.timestamp);
}

/** Makes the genesis in a chain that has none, the same for all nodes; closes the store if it is another network's. */
async function layGenesis(options: LocalNetworkOptions, chain: Chain, parts: ChainParts): Promise<void> {
  const { seed, balance, genesisTime, blockTime, nodes } = options;
  const { crypto, network, accounts, local } = parts;
  const described = options.proving?.described ?? { mode: "attested" };
  try {
    await openDevnetChain(chain, crypto, network, {
      seed,
      balance,
      time: genesisTime,
      accounts,
      workers: local.miners.map((_, i) => minerWorker(crypto, seed, i)),
      beacon: await local.entryAt(0),
      miners: local.forGenesis(),
      proofs: described.mode,
      seals: sealsOf(described),
      several: { blockTime, nodes },
      ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
      upgrades: network.upgrades.slice(1),
    });
  } catch (error) {
    await chain.blocks.close();
    throw error;
  }
}

/** The multiaddr of the node `index`: ports count up from the first node's. */
function listenOf(listen: string, index: number): string {
  return listen.replace(
    /\/(tcp|udp)\/([1-9]\d{0,4})/,
    (_, kind: string, port: string) => `/${kind}/${Number(port) + index}`,
  );
}
