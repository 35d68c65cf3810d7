/** The first tipset of a local network and what goes with it: the miner, and the options that fixed all this. */
import { concat, fromUtf8, utf8 } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import type { Chain } from "../chain/chain.ts";
import { buildMessageMeta } from "../chain/message-store.ts";
import type { Crypto } from "../core/crypto.ts";
import { type Bundle, missingBundle } from "../exec/bundle.ts";
import { addressOf, type KeyInfo } from "../keys/keys.ts";
import {
  CHAIN_LIMITS,
  DEVNET_VERSION,
  type LocalSectorSize,
  localSectorSize,
  type NetworkParams,
  networkVersionAt,
} from "../params/networks.ts";
import { sectorSizeOf } from "../params/proving.ts";
import type { ScheduledVersion } from "../params/upgrades.ts";
import { findVersion, isFvm } from "../schema/versions/rows.ts";
import { buildAmt } from "../storage/amt.ts";
import type { BlockStore } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { formatFil } from "../types/amount.ts";
import type { BeaconEntry } from "../types/block-header.ts";
import { SIGNATURE_TYPE } from "../types/message.ts";
import { SYSTEM } from "../types/singletons.ts";
import type { DevAccount } from "./accounts.ts";
import type { LocalUpgrade } from "./devnet-options.ts";
import { buildGenesis, type GenesisMiner } from "./genesis.ts";
import { buildFvmGenesis, ethereumIds } from "./genesis-fvm.ts";
import { DESCRIPTION_FACT } from "./network-description.ts";
import { predeployed } from "./predeployed.ts";
import type { ProofMode } from "./proof-mode.ts";

/** What of a local network is fixed at its genesis. */
export type DevnetGenesis = {
  readonly seed: string;
  /** attoFIL for each address */
  readonly balance: bigint;
  /** Unix time, seconds. */
  readonly time: number;
  readonly accounts: readonly DevAccount[];
  /** BLS keys of the miners' workers. */
  readonly workers: readonly KeyInfo[];
  /** Miners with sectors; absent: one without. */
  readonly miners?: readonly GenesisMiner[];
  /** What their proofs of spacetime are, and those of seals. Default: attested. */
  readonly proofs?: ProofMode;
  readonly seals?: ProofMode;
  /** Published actors, on a network of version 16 or later: needed to make it, not to go on with it. */
  readonly bundle?: Bundle;
  /** Whether contracts that Ethereum's tools expect are there from the start. */
  readonly predeploy?: boolean;
  /** Versions that come later. */
  readonly upgrades?: readonly ScheduledVersion[];
  /** Entry of the beacon in the genesis header. */
  readonly beacon: BeaconEntry;
  /** Of a network of several nodes: seconds between epochs, which all timestamps follow, and among how many nodes miners are dealt out. */
  readonly several?: { readonly blockTime: number; readonly nodes: number };
};

export class DevnetError extends FilError<{ readonly code: "OTHER_NETWORK"; readonly stored: string }> {}

/** Ids are given from here on: two an account, then one for each worker, then those of Ethereum's accounts, then the miners. */
const FIRST_ACCOUNT_ID = 100n;

/** Actor id of the first miner of a network with so many accounts and workers. */
export function firstMinerId(accounts: number, workers: number, networkVersion = DEVNET_VERSION): bigint {
  const more = isFvm(networkVersion) ? ethereumIds(networkVersion, accounts) : 0;
  return FIRST_ACCOUNT_ID + 2n * BigInt(accounts) + BigInt(workers + more);
}

const MINER_FACT = "devnet/miner";
const IDENTITY_FACT = "devnet/identity";
/** Of a network that goes on from another one's state: where it was forked. */
export const FORK_FACT = "fork/from";

/** Throws `DevnetError` for a store that holds a fork: without the other node's answers its chain is another one. */
export async function refuseFork(store: Pick<BlockStore, "metadata">): Promise<void> {
  if ((await store.metadata(FORK_FACT)) === undefined) return;
  throw new DevnetError(
    { code: "OTHER_NETWORK", stored: "" },
    "the data directory holds a fork of another network: go on with --fork <url>, give another --data, or --reset",
  );
}

/** The fact that names the miner of a network that has no genesis of its own. */
export function noteMiner(miner: Address): readonly [name: string, value: Uint8Array] {
  return [MINER_FACT, miner.bytes];
}

/** Data of a beacon that nobody signs, by round: a network without elections draws on it. `src/beacon/local.ts` is the one that is signed. */
export function beaconDataOf(crypto: Crypto, seed: string): (round: bigint) => Uint8Array {
  const prefix = utf8(`filigree/${seed}/beacon/`);
  return (round) => crypto.blake2b256(concat(prefix, utf8(`${round}`)));
}

/** Makes the first tipset of a chain that has none, and gives the address of the miner. */
export async function openDevnetChain(
  chain: Chain,
  crypto: Crypto,
  network: NetworkParams,
  genesis: DevnetGenesis,
): Promise<Address> {
  if (chain.isEmpty) await makeChain(chain, crypto, network, genesis);
  // What is fixed with a fork is kept with it.
  if ((await chain.blocks.metadata(FORK_FACT)) !== undefined)
    return Address.fromBytes((await chain.blocks.metadata(MINER_FACT)) as Uint8Array);
  const found = await chain.blocks.metadata(IDENTITY_FACT);
  const stored = found === undefined ? "" : fromUtf8(found);
  if (found === undefined) await refuseForeign(chain.blocks);
  const version = networkVersionAt(network, 0);
  const others = differences(stored, identityOf(genesis, version));
  if (others.length > 0)
    throw new DevnetError(
      { code: "OTHER_NETWORK", stored },
      `the data directory holds a network made with other options: ${others.join(", ")}; give the same ones, another --data, or --reset`,
    );
  return Address.fromBytes((await chain.blocks.metadata(MINER_FACT)) as Uint8Array);
}

/** Throws `DevnetError` for a chain that no local network of one process made. */
async function refuseForeign(blocks: Pick<BlockStore, "metadata">): Promise<never> {
  const isNode = (await blocks.metadata(DESCRIPTION_FACT)) !== undefined;
  throw new DevnetError(
    { code: "OTHER_NETWORK", stored: "" },
    isNode
      ? "the data directory is that of a node that joined a network (node init): start it with `filigree node start`, or give another --data"
      : "the data directory holds a chain that was taken in (chain import), and no network: give another --data",
  );
}

async function makeChain(chain: Chain, crypto: Crypto, network: NetworkParams, spec: DevnetGenesis): Promise<void> {
  const { beacon } = spec;
  const funded = spec.accounts.flatMap(({ secp256k1, bls, balance }) => [
    { address: secp256k1, balance },
    { address: bls, balance },
  ]);
  const workers = spec.workers.map((worker) => addressOf(crypto, worker));
  const networkVersion = networkVersionAt(network, 0);
  const accounts = [...funded, ...workers.map((address) => ({ address, balance: spec.balance }))];
  const worker = workers[0] as Address;
  const genesis = isFvm(networkVersion)
    ? await buildFvmGenesis({
        ...{ networkName: network.name, networkVersion, chainId: network.chainId, time: spec.time, accounts, worker },
        bundle: spec.bundle ?? noBundle(network, networkVersion),
        ...(spec.predeploy === true ? { contracts: predeployed() } : {}),
        ...(spec.miners === undefined ? {} : { miners: spec.miners }),
        ethereum: spec.accounts.map(({ delegated, balance }) => ({ address: delegated, balance })),
      })
    : await buildGenesis({
        ...{ network, networkVersion, accounts, worker },
        ...(spec.miners === undefined ? {} : { miners: spec.miners }),
      });
  const meta = buildMessageMeta({ bls: [], secp: [] });
  const receipts = buildAmt([]);
  const header = {
    miner: SYSTEM,
    ticket: crypto.blake2b256(beacon.data),
    electionProof: null,
    beaconEntries: [beacon],
    winPoStProof: [],
    parents: [],
    parentWeight: 0n,
    height: 0,
    parentStateRoot: genesis.stateRoot,
    parentMessageReceipts: receipts.root,
    messages: meta.root,
    blsAggregate: null,
    timestamp: BigInt(spec.time),
    blockSig: { type: SIGNATURE_TYPE.bls, data: new Uint8Array(96) },
    forkSignaling: 0n,
    parentBaseFee: CHAIN_LIMITS.initialBaseFee,
  };
  await chain.blocks.write({
    metadata: [
      [MINER_FACT, (genesis.miners[0] as Address).bytes],
      [IDENTITY_FACT, utf8(JSON.stringify(identityOf(spec, networkVersion)))],
    ],
  });
  await chain.append({
    headers: [header],
    messages: [{ bls: [], secp: [] }],
    result: { stateRoot: genesis.stateRoot, receiptsRoot: receipts.root },
    blocks: [...genesis.blocks, ...meta.blocks, ...receipts.blocks],
  });
}

/**
 * Actors of later versions, for the runs that bring them: those that are given, as the tipset that brings them may be the head and yet
 * have no result. Throws `BundleError` MISSING_BUNDLE where one is not given that is still to come after an epoch.
 */
export function actorsToCome(
  network: NetworkParams,
  height: number,
  upgrades: readonly LocalUpgrade[],
): ReadonlyMap<string, Uint8Array> {
  const blocks = new Map<string, Uint8Array>();
  for (const { epoch, networkVersion, bundle } of upgrades) {
    const isNew = findVersion(networkVersion)?.actors !== findVersion(networkVersionAt(network, epoch - 1))?.actors;
    if (!isNew || (bundle === undefined && epoch <= height)) continue;
    for (const [key, bytes] of (bundle ?? noBundle(network, networkVersion)).blocks) blocks.set(key, bytes);
  }
  return blocks;
}

/** Throws `BundleError` MISSING_BUNDLE. */
export function noBundle(network: NetworkParams, networkVersion: number): never {
  throw missingBundle(network.bundles, findVersion(networkVersion)?.actors ?? 0);
}

/** Whether a store is a local network's own. */
export async function isOfDevnet(store: Pick<BlockStore, "metadata">): Promise<boolean> {
  return (await store.metadata(IDENTITY_FACT)) !== undefined;
}

/** Miners with sectors of the local network in a store; 0 where it has one producer, or cannot be read. */
export async function keptMiners(store: Pick<BlockStore, "metadata">): Promise<number> {
  const found = await store.metadata(IDENTITY_FACT);
  try {
    const { miners } = JSON.parse(found === undefined ? "{}" : fromUtf8(found)) as { readonly miners?: unknown };
    return typeof miners === "number" && Number.isSafeInteger(miners) && miners > 0 ? miners : 0;
  } catch {
    return 0;
  }
}

/** Size of the sectors of the local network in a store; null where it has none, or cannot be read. */
export async function keptSectorSize(store: Pick<BlockStore, "metadata">): Promise<LocalSectorSize | null> {
  const found = await store.metadata(IDENTITY_FACT);
  try {
    const { sealProof } = JSON.parse(found === undefined ? "{}" : fromUtf8(found)) as { readonly sealProof?: unknown };
    return typeof sealProof === "number" ? localSectorSize(sectorSizeOf(sealProof) ?? 0) : null;
  } catch {
    return null;
  }
}

type Identity = Readonly<Record<string, string | number | undefined>>;

/** What of the options is fixed with the genesis. */
function identityOf(spec: DevnetGenesis, networkVersion: number): Identity {
  const { seed, accounts, balance, miners = [], several, predeploy, upgrades = [], ...modes } = spec;
  const { proofs = "attested", seals = "attested" } = modes;
  const first = `${accounts[0]?.secp256k1 ?? ""}`;
  const sectors = miners[0]?.sectors.length;
  const mining = sectors === undefined ? {} : { miners: miners.length, sectors, sealProof: miners[0]?.sealProof };
  // Networks from before there were real proofs say nothing of them.
  const mode = { ...(proofs === "attested" ? {} : { proofs }), ...(seals === "attested" ? {} : { seals }) };
  // Networks of the native machine say nothing of their version.
  const version = networkVersion === DEVNET_VERSION ? {} : { networkVersion };
  const contracts = predeploy === true ? { predeploy: "contracts" } : {};
  const count = accounts.length;
  return {
    seed,
    accounts: count,
    balance: balance.toString(),
    first,
    ...mining,
    ...mode,
    ...version,
    ...contracts,
    ...(upgrades.length === 0 ? {} : { upgrades: upgradesText(upgrades) }),
    ...several,
  };
}

function upgradesText(upgrades: readonly ScheduledVersion[]): string {
  return upgrades.map(({ networkVersion, epoch }) => `${networkVersion}@${epoch}`).join(" ");
}

/** Options by the names that they have on the command line; of folders made before the last two were kept, they are not compared. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  seed: "--seed",
  accounts: "--accounts",
  balance: "--balance",
  miners: "--miners",
  sectors: "--sectors",
  sealProof: "--sector-size",
  proofs: "--proofs",
  networkVersion: "--network-version",
  upgrades: "--upgrade",
  seals: "--seals",
  predeploy: "--predeploy",
  blockTime: "--block-time",
  nodes: "--nodes",
};
const KEPT_SINCE = ["blockTime", "nodes"];
const OF_MINERS = ["sectors", "sealProof"];
const MODES = ["proofs", "seals"];

/** What a network was made with otherwise, as people give it. */
function differences(text: string, given: Identity): string[] {
  let stored: Identity;
  try {
    stored = JSON.parse(text) as Identity;
  } catch {
    return ["which ones cannot be read"];
  }
  const shown = (name: string, value: string | number): string =>
    name === "balance"
      ? formatFil(BigInt(value))
      : name === "sealProof"
        ? (localSectorSize(sectorSizeOf(Number(value)) ?? 0) ?? `${value}`)
        : `${value}`;
  const out = Object.entries(OPTION_NAMES)
    .filter(([name]) => stored[name] !== given[name])
    .filter(([name]) => stored[name] !== undefined || !KEPT_SINCE.includes(name))
    // Who has no miners has no sectors either: the miners are named.
    .filter(([name]) => !OF_MINERS.includes(name) || (stored[name] !== undefined && given[name] !== undefined))
    // A kind of seal follows from the version as well as from the size: what reads the same is no difference that anybody chose.
    .filter(([name]) => {
      const [was, is] = [stored[name], given[name]];
      return was === undefined || is === undefined || shown(name, was) !== shown(name, is);
    })
    .map(([name, option]) => {
      const [was, is] = [stored[name], given[name]];
      if (was === undefined) return MODES.includes(name) ? `${option} attested (not ${is})` : `no ${option}`;
      if (is === undefined && MODES.includes(name)) return `${option} ${was} (not attested)`;
      return `${option} ${shown(name, was)} (${is === undefined ? "none given" : `not ${shown(name, is)}`})`;
    });
  // Without a mnemonic of its own a network has that of its seed.
  if (stored["first"] !== given["first"] && stored["seed"] === given["seed"]) out.push("another --mnemonic");
  return out;
}
