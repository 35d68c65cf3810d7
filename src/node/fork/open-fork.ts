/** Where a fork begins: chosen once, at a tipset of the other node, and kept with what the network is made with. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { checkText } from "../../base/options.ts";
import { encodeKey } from "../../chain/canonical-index.ts";
import { CHAIN_FACTS } from "../../chain/chain.ts";
import { type Crypto, loadCrypto } from "../../core/crypto.ts";
import { Bundles } from "../../exec/bundles.ts";
import { parseMnemonic } from "../../keys/mnemonic.ts";
import {
  DEVNET,
  DEVNET_VERSION,
  type LocalSectorSize,
  localSectorSize,
  networkVersionAt,
} from "../../params/networks.ts";
import { findVersion, isFvm } from "../../schema/versions/rows.ts";
import type { BlockHashes } from "../../storage/check-block.ts";
import type { Block, BlockStore } from "../../storage/contract.ts";
import { MemoryStore } from "../../storage/memory.ts";
import { Address } from "../../types/address.ts";
import type { BlockHeader } from "../../types/block-header.ts";
import { parseCid } from "../../types/cid.ts";
import { makeAccounts, mnemonicOfSeed, PUBLIC_MNEMONIC } from "../accounts.ts";
import { DEVNET_BOUNDS } from "../devnet-bounds.ts";
import { FORK_FACT, noteMiner } from "../devnet-chain.ts";
import { checkBlockTime, checkUpgrades, type LocalUpgrade } from "../devnet-options.ts";
import { ForkError } from "./errors.ts";
import { type AtHand, type NamedActors, takeActors, takeUpgrades } from "./fork-actors.ts";
import { type ForkPoint, ForkStore, heightName } from "./fork-store.ts";
import { RemoteChain } from "./remote-chain.ts";

/** What a forked network takes over of the other. */
export type ForkOptions = {
  readonly seed: string;
  readonly mnemonic: string;
  readonly accounts: number;
  readonly blockTime: number;
  readonly networkVersion: number;
  readonly upgrades: readonly LocalUpgrade[];
  readonly sectorSize: LocalSectorSize;
};
/** Kept as JSON. Forks from before others than version 5 could be forked say nothing of versions, sectors and delay. */
type Kept = Pick<ForkOptions, "seed" | "mnemonic" | "accounts" | "blockTime"> & {
  readonly key: readonly string[];
  readonly height: number;
  readonly networkVersion?: number;
  readonly upgrades?: readonly LocalUpgrade[];
  readonly sectorSize?: LocalSectorSize;
  /** Seconds between epochs, as the network reckons its time. */
  readonly blockDelay?: number;
  /** Published actors of the state; null for those of a bundle that nobody published, and of the native machine. */
  readonly actors?: NamedActors | null;
};
/** `blocks`: what was fetched to see that the fork can be made, the actors' code above all. */
export type AskedFork = { readonly kept: Kept; readonly miner: Address; readonly blocks: readonly Block[] };

const MAX_ACCOUNTS = 100;
/** Characters of seed and mnemonic. */
const MAX_TEXT = 10_000;

/** Why a node may not tell what a fork needs, and what can be forked instead. */
const UNTOLD: Readonly<Record<string, string>> = {
  seed: " (a node that others reach tells it to admins alone, and one that joined may not know it: fork a node of the process that began the network, started without --host)",
  mnemonic:
    " (its accounts have words of their own, which a node that joined does not know: fork a node of the process that began the network)",
};

type Asked = { readonly at: number | undefined; readonly asked: AskedFork | undefined; readonly bundles?: AtHand };

/**
 * Opens the fork that a store holds, or begins one that was asked for (`askFork`), by default now. Throws `ForkError`.
 */
export async function openFork(
  inner: BlockStore,
  url: string,
  { at, asked, bundles = new Bundles() }: Asked,
  hashes: BlockHashes,
) {
  const found = await inner.metadata(FORK_FACT);
  if (found === undefined && (await inner.metadata(CHAIN_FACTS.head)) !== undefined)
    throw new ForkError(
      { code: "NOT_EMPTY" },
      "there is a network in the data folder that is no fork; give another --data, or --reset",
    );
  const fresh = found === undefined ? (asked ?? (await askFork(url, at, bundles))) : null;
  const kept = fresh?.kept ?? (JSON.parse(fromUtf8(found as Uint8Array)) as Kept);
  const point = { key: kept.key.map(parseCid), height: kept.height };
  const store = new ForkStore(inner, new RemoteChain(url), hashes, point);
  if (fresh !== null) await begin(inner, fresh, point);
  const { seed, mnemonic, accounts, blockTime, blockDelay, networkVersion = DEVNET_VERSION } = kept;
  const upgrades = await takeUpgrades(store, kept.upgrades ?? [], kept.actors ?? null, bundles);
  const { sectorSize = "2KiB" } = kept;
  const options: ForkOptions = { seed, mnemonic, accounts, blockTime, networkVersion, upgrades, sectorSize };
  return { store, options, blockDelay: blockDelay ?? null };
}

/**
 * Asks the other node for what a fork at an epoch of its chain (its head) begins with, and takes the code of its actors. Throws
 * `ForkError`: NOT_LOCAL for a network that is not of a seed, CODE_NOT_AT_HAND for one whose actors cannot be run here.
 */
export async function askFork(
  url: string,
  at: number | undefined,
  bundles: AtHand = new Bundles(),
): Promise<AskedFork> {
  const remote = new RemoteChain(url);
  const info = await remote.describe();
  if (info === null) {
    const networkVersion = await remote.networkVersion(null);
    throw new ForkError(
      { code: "NOT_LOCAL", networkVersion },
      `${url} runs no local network of Filigree, but one of version ${networkVersion}: a fork needs the seed that keys of accounts and miners follow from`,
    );
  }
  const bad = (name: string, cause?: unknown, method = "Devnet.info"): never => {
    const why = info[name] ? "" : (UNTOLD[name] ?? "");
    throw new ForkError({ code: "BAD_ANSWER", method }, `${url}, ${method}: no ${name}${why}`, { cause });
  };
  const text = (name: string): string => {
    const value = info[name];
    return typeof value === "string" && value.length <= MAX_TEXT ? value : bad(name);
  };
  const { accounts, miners } = info;
  // A network of several nodes passes its epochs by the clock, and says how.
  const { blockTime = info["epochSeconds"] ?? 0 } = info;
  const orBad = <T>(name: string, read: () => T, method?: string): T => {
    try {
      return read();
    } catch (cause) {
      return bad(name, cause, method);
    }
  };
  const [first] = Array.isArray(miners)
    ? (miners as { readonly address?: unknown; readonly sectorBytes?: unknown }[])
    : [];
  const miner = typeof first?.address === "string" ? first.address : text("miner");
  const address = orBad("miner", () => Address.parse(miner));
  if (address.actorId === null) bad("miner that is an ID address");
  const { sectorBytes } = first ?? {};
  const sectorSize = typeof sectorBytes === "number" ? localSectorSize(sectorBytes) : "2KiB";
  const { key, height } = at === undefined ? await remote.head() : await remote.atOrBefore(at, null);
  const { versions, blockDelay } = await remote.constants();
  const [{ networkVersion }, ...later] = versions as [(typeof versions)[0], ...typeof versions];
  const told = await remote.networkVersion(key);
  const unknown = (why: string): ForkError =>
    new ForkError({ code: "CODE_NOT_AT_HAND", networkVersion: told }, `${url} runs a network of version ${told}${why}`);
  if (findVersion(told) === undefined)
    throw unknown(", which is not known here: a later version of Filigree may know it");
  if (!isFvm(networkVersion) && networkVersion !== DEVNET_VERSION)
    throw unknown(
      `, which began with ${networkVersion}: a fork can be of one that began with ${DEVNET_VERSION}, or with ${DEVNET_BOUNDS.networkVersion.join(" to ")}`,
    );
  if (networkVersionAt({ upgrades: versions }, height) !== told)
    bad(`schedule of versions that comes to ${told} at epoch ${height}`, undefined, "StateGetNetworkParams");
  orBad("schedule of versions", () => checkUpgrades(networkVersion, later), "StateGetNetworkParams");
  // A folder that begins with what cannot be used could never be opened again.
  const crypto = await loadCrypto();
  const seed = orBad("seed", () => checkText("seed", text("seed")));
  const words = info["mnemonic"] === undefined ? guessed(crypto, seed, accounts) : text("mnemonic");
  const kept: Kept = {
    seed,
    mnemonic: orBad("mnemonic", () => parseMnemonic(words ?? bad("mnemonic"))),
    accounts: Math.min(MAX_ACCOUNTS, Math.max(1, Array.isArray(accounts) ? accounts.length : 1)),
    blockTime: orBad("blockTime", () => checkBlockTime(blockTime)),
    key: key.map(String),
    height,
    ...{ networkVersion, upgrades: later, blockDelay },
    sectorSize: sectorSize ?? bad(`size of sectors that is known (${sectorBytes})`),
  };
  const scratch = new MemoryStore();
  const store = new ForkStore(scratch, remote, crypto, { key, height });
  const { blocks: headers } = await store.checkedTipset({ key, height });
  const [block] = headers as readonly [BlockHeader, ...BlockHeader[]];
  const version = networkVersionAt({ upgrades: versions }, await epochBelow(store, block));
  const actors = await takeActors(
    store,
    { state: block.parentStateRoot, networkVersion: version, miner: address },
    bundles,
  );
  await takeUpgrades(store, later, actors, bundles);
  const blocks: Block[] = [];
  for await (const { cid, bytes } of scratch.everyBlock()) blocks.push({ cid, bytes });
  return { kept: { ...kept, actors }, miner: address, blocks };
}

/** The words that a network's accounts follow from, of a node that does not know them: those that nobody chose, if its first account is theirs. */
function guessed(crypto: Crypto, seed: string, accounts: unknown): string | null {
  const [first] = Array.isArray(accounts) ? (accounts as { readonly secp256k1?: unknown }[]) : [];
  for (const mnemonic of [PUBLIC_MNEMONIC, mnemonicOfSeed(crypto, seed)]) {
    const [account] = makeAccounts(crypto, { seed, mnemonic, count: 1, balance: 0n });
    if (account?.secp256k1.toString(DEVNET.prefix) === first?.secp256k1) return mnemonic;
  }
  return null;
}

/** The epoch of the tipset that made the state before a block; 0 for the genesis, which has none before it. */
async function epochBelow(store: ForkStore, { height, parents }: BlockHeader): Promise<number> {
  const [parent] = parents;
  return height === 0 || parent === undefined ? 0 : (await store.header(parent)).height;
}

async function begin(inner: BlockStore, { kept, miner, blocks }: AskedFork, { key, height }: ForkPoint): Promise<void> {
  await inner.write(
    {
      blocks,
      metadata: [
        [FORK_FACT, utf8(JSON.stringify(kept))],
        noteMiner(miner),
        [heightName(height), encodeKey(key)],
        [CHAIN_FACTS.head, encodeKey(key)],
        [CHAIN_FACTS.layout, Uint8Array.of(CHAIN_FACTS.thisLayout)],
      ],
    },
    { sync: true, note: `fork at epoch ${height}` },
  );
}
