/**
 * A node that joins a local network which others began: it has the network's description and its genesis, both public, and
 * may own miners of the network's seed.
 */
import { platform } from "#platform";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { OptionError } from "../base/options.ts";
import { sameDrand } from "../beacon/drand.ts";
import { drandSource } from "../beacon/drand-servers.ts";
import { type LocalBeacon, type LocalTimes, localBeacon } from "../beacon/local.ts";
import { CHAIN_FACTS, Chain } from "../chain/chain.ts";
import { type ImportProgress, importSnapshot } from "../chain/import.ts";
import { minerStanding } from "../consensus/power.ts";
import { type Crypto, loadCrypto } from "../core/crypto.ts";
import { loadProofs } from "../core/proofs.ts";
import { addressOf } from "../keys/keys.ts";
import { Keystore } from "../keys/keystore.ts";
import { WATCHED_EPOCHS } from "../miner/mining-loop.ts";
import { parseMultiaddr } from "../network/host.ts";
import { drandTopic } from "../network/params.ts";
import { DEVNET, devnetAt, localSealProof, localSectorSize, withSectorSize } from "../params/networks.ts";
import type { Secrets } from "../platform/secrets.ts";
import { StateView } from "../state/state-view.ts";
import type { ByteSource } from "../storage/car-reader.ts";
import type { BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import type { Tipset } from "../types/block-header.ts";
import { type CID, parseCid } from "../types/cid.ts";
import { RESERVE } from "../types/singletons.ts";
import { isOfDevnet } from "./devnet-chain.ts";
import { checkRetention } from "./devnet-options.ts";
import { LocalMiners, minerWorker } from "./local-miners.ts";
import { type LocalProving, type LocalProvingOptions, provingUnder } from "./local-proving.ts";
import { LocalVerifier } from "./local-verifier.ts";
import {
  DESCRIPTION_FACT,
  descriptionToJson,
  type NetworkDescription,
  parseDescription,
} from "./network-description.ts";
import { NetworkNode, type NetworkNodeOptions } from "./network-node.ts";
import type { Presealing } from "./presealed.ts";

export type JoinErrorData =
  | { readonly code: "NOT_INITIALISED" }
  | { readonly code: "OTHER_NETWORK"; readonly stored: string }
  /** The description's seconds do not fit the timestamps of the chain. */
  | { readonly code: "OTHER_TIMES" }
  | { readonly code: "UNKNOWN_MINER"; readonly miner: string }
  /** The description's seed gives another key than the chain has for the miner. */
  | { readonly code: "WRONG_SEED"; readonly miner: string }
  | { readonly code: "OTHER_KEYS"; readonly setup: string }
  /** The folder is a node's already. */
  | { readonly code: "NOT_EMPTY" }
  /** A miner needs the beacon's entries, and nobody was named who has them. */
  | { readonly code: "NO_BEACON" };
export class JoinError extends FilError<JoinErrorData> {}

/**
 * Lays the network's genesis, or a snapshot of its chain, into an empty store. A store that has a chain of this genesis
 * already, because this was ended before its last write or the chain was imported before, becomes the node's as it is.
 */
export async function initNode(
  store: BlockStore,
  description: NetworkDescription,
  car: ByteSource,
  options: { readonly onProgress?: (progress: ImportProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<Tipset> {
  if (description.network !== DEVNET.name)
    throw new JoinError(
      { code: "OTHER_NETWORK", stored: description.network },
      `nodes of "${description.network}" are not run; this is a node of "${DEVNET.name}"`,
    );
  const json = utf8(JSON.stringify(descriptionToJson(description)));
  const genesis = parseCid(description.genesis.cid);
  if (await hasNode(store))
    throw new JoinError({ code: "NOT_EMPTY" }, "this is a node's data folder already; nothing was changed");
  if (!(await hasChainOf(store, genesis)))
    await importSnapshot(store, car, { ...options, hashes: await loadCrypto(), genesis });
  const chain = await Chain.open({ blocks: store });
  checkTimes(description, await chain.genesis(), chain.head);
  // Without it the folder is not a node's: it is written when the chain is there.
  await store.write({ metadata: [[DESCRIPTION_FACT, json]] }, { sync: true });
  return chain.head;
}

/** Whether a store was made a node's by `initNode`. */
export async function hasNode(store: BlockStore): Promise<boolean> {
  return (await store.metadata(DESCRIPTION_FACT)) !== undefined;
}

/** Whether a store has a chain that begins with this genesis and is not a local network's own. */
async function hasChainOf(store: BlockStore, genesis: CID): Promise<boolean> {
  if ((await store.metadata(CHAIN_FACTS.head)) === undefined || (await isOfDevnet(store))) return false;
  if ((await store.metadata(CHAIN_FACTS.importing)) !== undefined) return false;
  const chain = await Chain.open({ blocks: store });
  return (await chain.genesis()).key.some((cid) => cid.equals(genesis));
}

/** Epochs that a chain's head may be ahead of this machine's clock, as far as clocks may differ. */
const EARLY_EPOCHS = 5;

/** Throws `JoinError` if the times of a chain's blocks are not those that the description gives, or are to come. */
function checkTimes({ genesis, epochSeconds }: NetworkDescription, ...tipsets: readonly Tipset[]): void {
  for (const { height, blocks } of tipsets) {
    const [wanted, found] = [genesis.time + height * epochSeconds, Number(blocks[0]?.timestamp)];
    if (wanted !== found)
      throw new JoinError(
        { code: "OTHER_TIMES" },
        `the description does not fit the chain: by its genesis.time (${genesis.time}) and epochSeconds (${epochSeconds}) the block of epoch ${height} is of ${wanted}, and it is of ${found}; give the devnet.json of the running network`,
      );
    const late = found - Math.floor(platform.now() / 1000);
    // A genesis may be one of a network that is to begin.
    if (height > 0 && late > EARLY_EPOCHS * epochSeconds)
      throw new JoinError(
        { code: "OTHER_TIMES" },
        `the chain's head, of epoch ${height}, is ${late} seconds ahead of this machine's clock: one of them is wrong`,
      );
  }
}

export type JoinOptions = Pick<
  NetworkNodeOptions,
  | "listen"
  | "dht"
  | "machine"
  | "retention"
  | "data"
  | "version"
  | "time"
  | "onMining"
  | "onReport"
  | "onFault"
  | "onShutdown"
> & {
  readonly store: BlockStore;
  readonly secrets: Secrets;
  /** Multiaddrs; default: those of the description. */
  readonly bootstrap?: readonly string[];
  /** drand servers that the beacon's entries are fetched from; its gossip topic is joined, too. Default: by the seed. */
  readonly beaconServers?: readonly string[];
  /** ID addresses of the network's miners that this node owns. */
  readonly mine: readonly string[];
  /** Where parameters are kept, for miners of a network with real proofs. */
  readonly params?: Omit<LocalProvingOptions, "setup" | "seals">;
  /** Where sectors of miners are found, or sealed, that take long to seal. */
  readonly presealing?: Presealing;
};

/** Puts the node of an initialised store together; throws `JoinError`. It closes the store when it stops. */
export async function openJoinedNode(options: JoinOptions): Promise<NetworkNode> {
  const { store, secrets, bootstrap, mine, params, presealing, beaconServers = [], ...rest } = options;
  // What somebody gives is refused; of what a description says the rest may do.
  for (const address of bootstrap ?? []) parseMultiaddr(address);
  const chain = await Chain.open({ blocks: store, chainId: DEVNET.chainId });
  const found = await store.metadata(DESCRIPTION_FACT);
  if (found === undefined || chain.isEmpty) throw notInitialised();
  const description = parseDescription(fromUtf8(found));
  checkRetention(options.retention, description.networkVersion);
  const sectorSize = localSectorSize(description.miners[0]?.sectorBytes ?? 0) ?? "2KiB";
  const network = withSectorSize(
    { ...devnetAt(description.networkVersion), blockDelaySeconds: description.epochSeconds },
    sectorSize,
  );
  const crypto = await loadCrypto();
  const times: LocalTimes = {
    genesisTime: description.genesis.time,
    blockDelay: network.blockDelaySeconds,
    beaconPeriod: description.beacon.period,
  };
  const { proofs } = description;
  const { networkVersion } = description;
  const facts = { networkName: network.name, networkVersion, beacon: description.beacon, times, proofs };
  const { randomBytes } = platform;
  const keystore = await Keystore.open({ secrets, crypto, randomBytes, local: true, prefix: network.prefix }, "");
  const module = await loadProofs();
  const follower = new LocalVerifier(facts, crypto, module);
  const own = indicesOf(description, mine);
  await checkWorkers(chain, description, own, crypto);
  const drand =
    beaconServers.length === 0 ? null : drandSource(crypto, description.beacon, beaconServers, platform.now);
  const seeded = description.seed === "" ? null : localBeacon(crypto, description.seed, times);
  const beacon = drand ?? (seeded !== null && sameDrand(seeded.info, description.beacon) ? seeded : null);
  const held = mine.length === 0 ? null : (beacon ?? withoutBeacon());
  // Its workers begin when nothing is left to be refused for.
  const proving = held === null ? null : await provingOf(description, params);
  const local = held === null ? null : await minersOf(description, own, times, { proving, presealing, beacon: held });
  return NetworkNode.open({
    ...rest,
    ...(proving === null ? {} : { proving }),
    chain,
    crypto,
    network,
    secrets,
    keystore,
    verifier: local?.verification ?? follower,
    bootstrap: bootstrap ?? description.multiaddrs,
    ...(beacon === null ? {} : { beacon }),
    ...(drand === null ? {} : { topics: [{ name: drandTopic(drand.chainHash), validate: drand.received }] }),
    ...(local === null ? {} : { mining: { local, miners: local.miners, watchFirst: WATCHED_EPOCHS } }),
    info: () => descriptionToJson(description),
  });
}

/** The keys that a miner proves with, if the network's proofs are real: made here, and the same as everybody's. */
async function provingOf({ proofs }: NetworkDescription, params: JoinOptions["params"]): Promise<LocalProving | null> {
  if (proofs.mode === "attested") return null;
  if (params === undefined)
    throw new OptionError("params", "miners of a network with real proofs need a folder of keys");
  const proving = await provingUnder(proofs, params);
  if (proving !== null) return proving;
  throw new JoinError(
    { code: "OTHER_KEYS", setup: proofs.setup },
    `the network's keys are not those of the setup "${proofs.setup}" that its description names: its miners cannot be proved for here`,
  );
}

function withoutBeacon(): never {
  throw new JoinError(
    { code: "NO_BEACON" },
    "the network's beacon is not the one of its seed: give the drand servers that have its entries (--beacon <url>)",
  );
}

export function notInitialised(cause?: unknown): JoinError {
  return new JoinError(
    { code: "NOT_INITIALISED" },
    "the data folder holds no node; make one: filigree node init --network <devnet.json> --genesis <genesis.car>",
    { cause },
  );
}

/** Which of the description's miners these are; throws `JoinError` for one that is none of them. */
function indicesOf({ miners }: NetworkDescription, wanted: readonly string[]): number[] {
  return wanted.map((text) => {
    const index = miners.findIndex(({ address }) => address.slice(1) === text.slice(1));
    if (index < 0)
      throw new JoinError(
        { code: "UNKNOWN_MINER", miner: text },
        `${text} is no miner of this network; ${miners.length === 0 ? "its description names none" : `there are ${miners.map(({ address }) => address).join(", ")}`}`,
      );
    return index;
  });
}

/** Throws `JoinError` if the seed's keys are not those that the chain has for the miners' workers. */
async function checkWorkers(
  chain: Chain,
  { seed, miners }: NetworkDescription,
  indices: readonly number[],
  crypto: Crypto,
): Promise<void> {
  if (indices.length === 0) return;
  // That of the head is there also where old states are not.
  const view = await StateView.open(chain.blocks, chain.head.blocks[0]?.parentStateRoot as CID);
  for (const index of indices) {
    const miner = `${miners[index]?.address}`;
    const standing = await minerStanding(chain.blocks, view, Address.parse(miner));
    if (standing === null)
      throw new JoinError({ code: "UNKNOWN_MINER", miner }, `${miner} is no miner of this network's chain`);
    if (!standing.worker.equals(addressOf(crypto, minerWorker(crypto, seed, index))))
      throw new JoinError(
        { code: "WRONG_SEED", miner },
        `the description's seed is not this network's: it gives another worker key than the chain has for ${miner}; make the folder anew with the devnet.json of the running network`,
      );
  }
}

/** Miners of the network by their addresses: keys and sectors follow from the seed. */
async function minersOf(
  { seed, miners, network, networkVersion }: NetworkDescription,
  only: readonly number[],
  times: LocalTimes,
  {
    proving,
    presealing,
    beacon,
  }: {
    readonly proving: LocalProving | null;
    readonly presealing: Presealing | undefined;
    readonly beacon: LocalBeacon;
  },
): Promise<LocalMiners> {
  const [first] = miners as [NetworkDescription["miners"][0]];
  return LocalMiners.open(
    {
      seed,
      miners: miners.length,
      sectors: first.sectors,
      sealProof: localSealProof(localSectorSize(first.sectorBytes) ?? "2KiB", networkVersion),
      networkVersion,
      ...(presealing === undefined ? {} : { presealing }),
      firstId: Address.parse(first.address).actorId as bigint,
      owner: RESERVE,
      times,
      networkName: network,
      only,
      beacon,
      ...(proving === null ? {} : { proving }),
    },
    await loadCrypto(),
  );
}
