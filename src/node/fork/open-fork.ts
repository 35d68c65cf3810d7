/** Where a fork begins: chosen once, at a tipset of the other node, and kept with what the network is made with. */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { encodeKey } from "../../chain/canonical-index.ts";
import { CHAIN_FACTS } from "../../chain/chain.ts";
import { walkBlocks } from "../../chain/links.ts";
import { DEVNET_VERSION } from "../../params/networks.ts";
import type { BlockHashes } from "../../storage/check-block.ts";
import type { BlockStore } from "../../storage/contract.ts";
import { Address } from "../../types/address.ts";
import { decodeHeader } from "../../types/block-header.ts";
import { parseCid } from "../../types/cid.ts";
import { FORK_FACT, noteMiner } from "../devnet-chain.ts";
import { ForkError } from "./errors.ts";
import { ForkStore, heightName } from "./fork-store.ts";
import { RemoteChain } from "./remote-chain.ts";

/** What a forked network takes over of the other. */
export type ForkOptions = {
  readonly seed: string;
  readonly mnemonic: string;
  readonly accounts: number;
  readonly blockTime: number;
};
type Kept = ForkOptions & { readonly key: readonly string[]; readonly height: number };

const MAX_ACCOUNTS = 100;

/**
 * Opens the fork that a store holds, or begins one at an epoch of the other node's chain (its head). Throws `ForkError`:
 * CODE_NOT_AT_HAND for a network whose actors cannot be run here.
 */
export async function openFork(inner: BlockStore, url: string, at: number | undefined, hashes: BlockHashes) {
  const remote = new RemoteChain(url);
  const found = await inner.metadata(FORK_FACT);
  const kept = found === undefined ? await begin(inner, remote, at) : (JSON.parse(fromUtf8(found)) as Kept);
  const point = { key: kept.key.map(parseCid), height: kept.height };
  const { seed, mnemonic, accounts, blockTime } = kept;
  return {
    store: new ForkStore(inner, remote, hashes, point),
    options: { seed, mnemonic, accounts, blockTime } satisfies ForkOptions,
  };
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

async function begin(inner: BlockStore, remote: RemoteChain, at: number | undefined): Promise<Kept> {
  const networkVersion = await remote.networkVersion();
  const info = await remote.describe();
  if (networkVersion !== DEVNET_VERSION || info === null)
    throw new ForkError(
      { code: "CODE_NOT_AT_HAND", networkVersion },
      `${remote.url} runs ${info === null ? "no local network" : "a network"} of version ${networkVersion}, and actors of such a network are code that is not at hand here: a fork can be of a local network of version ${DEVNET_VERSION}`,
    );
  const text = (name: string): string => {
    const value = info[name];
    if (typeof value === "string") return value;
    throw new ForkError({ code: "BAD_ANSWER", method: "Devnet.info" }, `${remote.url}, Devnet.info: no ${name}`);
  };
  const { accounts, miners, blockTime } = info;
  const [first] = Array.isArray(miners) ? (miners as { readonly address?: unknown }[]) : [];
  const miner = typeof first?.address === "string" ? first.address : text("miner");
  const { key, height } = at === undefined ? await remote.head() : await remote.atOrBefore(at, null);
  const kept: Kept = {
    seed: text("seed"),
    mnemonic: text("mnemonic"),
    accounts: Math.min(MAX_ACCOUNTS, Math.max(1, Array.isArray(accounts) ? accounts.length : 1)),
    blockTime: typeof blockTime === "number" ? blockTime : 0,
    key: key.map(String),
    height,
  };
  await inner.write(
    {
      metadata: [
        [FORK_FACT, utf8(JSON.stringify(kept))],
        noteMiner(Address.parse(miner)),
        [heightName(height), encodeKey(key)],
        [CHAIN_FACTS.head, encodeKey(key)],
        [CHAIN_FACTS.layout, Uint8Array.of(CHAIN_FACTS.thisLayout)],
      ],
    },
    { sync: true, note: `fork at epoch ${height}` },
  );
  return kept;
}
