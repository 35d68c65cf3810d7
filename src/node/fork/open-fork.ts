/** Where a fork begins: chosen once, at a tipset of the other node, and kept with what the network is made with. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { checkText } from "../../base/options.ts";
import { encodeKey } from "../../chain/canonical-index.ts";
import { CHAIN_FACTS } from "../../chain/chain.ts";
import { walkBlocks } from "../../chain/links.ts";
import { parseMnemonic } from "../../keys/mnemonic.ts";
import { DEVNET_VERSION } from "../../params/networks.ts";
import type { BlockHashes } from "../../storage/check-block.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import { decodeHeader } from "../../types/block-header.ts";
import { parseCid } from "../../types/cid.ts";
import { FORK_FACT, noteMiner } from "../devnet-chain.ts";
import { checkBlockTime } from "../devnet-options.ts";
import { ForkError } from "./errors.ts";
import { type ForkPoint, ForkStore, heightName } from "./fork-store.ts";
import { RemoteChain } from "./remote-chain.ts";

/** What a forked network takes over of the other. */
export type ForkOptions = {
  readonly seed: string;
  readonly mnemonic: string;
  readonly accounts: number;
  readonly blockTime: number;
};
type Kept = ForkOptions & { readonly key: readonly string[]; readonly height: number };
export type AskedFork = { readonly kept: Kept; readonly miner: Address };

const MAX_ACCOUNTS = 100;
/** Characters of seed and mnemonic. */
const MAX_TEXT = 10_000;

/**
 * Opens the fork that a store holds, or begins one that was asked for (`askFork`), by default now. Throws `ForkError`.
 */
export async function openFork(
  inner: BlockStore,
  url: string,
  { at, asked }: { readonly at: number | undefined; readonly asked: AskedFork | undefined },
  hashes: BlockHashes,
) {
  const found = await inner.metadata(FORK_FACT);
  if (found === undefined && (await inner.metadata(CHAIN_FACTS.head)) !== undefined)
    throw new ForkError(
      { code: "NOT_EMPTY" },
      "there is a network in the data folder that is no fork; give another --data, or --reset",
    );
  const fresh = found === undefined ? (asked ?? (await askFork(url, at))) : null;
  const kept = fresh?.kept ?? (JSON.parse(fromUtf8(found as Uint8Array)) as Kept);
  const point = { key: kept.key.map(parseCid), height: kept.height };
  const store = new ForkStore(inner, new RemoteChain(url), hashes, point);
  if (fresh !== null) {
    await store.checkTipset(point);
    await begin(inner, fresh, point);
  }
  const { seed, mnemonic, accounts, blockTime } = kept;
  return { store, options: { seed, mnemonic, accounts, blockTime } satisfies ForkOptions };
}

/** Fetches the whole state at the fork, and what its blocks carry: from then on nothing of it is asked for. */
export async function fetchWhole(store: ForkStore): Promise<void> {
  const seen = new Set<string>();
  const { key } = store.point;
  for (const cid of key) {
    const bytes = await store.get(cid.bytes);
    if (bytes === undefined) continue;
    const { parentStateRoot, parentMessageReceipts, messages } = decodeHeader(bytes);
    for (const root of [parentStateRoot, parentMessageReceipts, messages])
      for await (const _ of walkBlocks(store, root, seen));
  }
}

/**
 * Asks the other node for what a fork at an epoch of its chain (its head) begins with. Throws `ForkError`: CODE_NOT_AT_HAND for a
 * network whose actors cannot be run here.
 */
export async function askFork(url: string, at: number | undefined): Promise<AskedFork> {
  const remote = new RemoteChain(url);
  const networkVersion = await remote.networkVersion();
  const info = await remote.describe();
  if (networkVersion !== DEVNET_VERSION || info === null)
    throw new ForkError(
      { code: "CODE_NOT_AT_HAND", networkVersion },
      `${remote.url} runs ${info === null ? "no local network" : "a network"} of version ${networkVersion}, and actors of such a network are code that is not at hand here: a fork can be of a local network of version ${DEVNET_VERSION}`,
    );
  const bad = (name: string, cause?: unknown): never => {
    const method = "Devnet.info";
    throw new ForkError(
      { code: "BAD_ANSWER", method },
      `${remote.url}, ${method}: no ${name}${name === "seed" ? " (a node that others reach tells it to admins alone)" : ""}`,
      { cause },
    );
  };
  const text = (name: string): string => {
    const value = info[name];
    return typeof value === "string" && value.length <= MAX_TEXT ? value : bad(name);
  };
  const { accounts, miners, blockTime = 0 } = info;
  const orBad = <T>(name: string, read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      return bad(name, cause);
    }
  };
  const [first] = Array.isArray(miners) ? (miners as { readonly address?: unknown }[]) : [];
  const miner = typeof first?.address === "string" ? first.address : text("miner");
  const { key, height } = at === undefined ? await remote.head() : await remote.atOrBefore(at, null);
  // A folder that begins with what cannot be used could never be opened again.
  const kept: Kept = {
    seed: orBad("seed", () => checkText("seed", text("seed"))),
    mnemonic: orBad("mnemonic", () => parseMnemonic(text("mnemonic"))),
    accounts: Math.min(MAX_ACCOUNTS, Math.max(1, Array.isArray(accounts) ? accounts.length : 1)),
    blockTime: orBad("blockTime", () => checkBlockTime(blockTime)),
    key: key.map(String),
    height,
  };
  return { kept, miner: orBad("miner", () => Address.parse(miner)) };
}

async function begin(inner: BlockStore, { kept, miner }: AskedFork, { key, height }: ForkPoint): Promise<void> {
  await inner.write(
    {
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
