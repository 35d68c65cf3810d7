/** A node on `FakeMarket`: provider and client over one store, which may die at any write. */

import { loadProofs } from "../../src/core/proofs.ts";
import { type ClientOptions, StorageClient } from "../../src/market/storage/client.ts";
import { MarketFunds } from "../../src/market/storage/funds.ts";
import { localLink } from "../../src/market/storage/link.ts";
import { type ProviderOptions, StorageProvider } from "../../src/market/storage/provider.ts";
import { PieceHasher } from "../../src/sector/piece/pieces.ts";
import { MemorySectorStore } from "../../src/sector/store.ts";
import type { BlockStore } from "../../src/storage/contract.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { type FakeMarket, MINER } from "./market-chain.ts";

export const PAYLOAD = Uint8Array.from({ length: 700 }, (_, i) => i & 0xff);
const proofs = await loadProofs();
export const PIECE = new PieceHasher(proofs).update(PAYLOAD).digest();

export type MarketNode = {
  readonly provider: StorageProvider;
  readonly client: StorageClient;
  readonly funds: MarketFunds;
  stop(): Promise<void>;
};

export type Disk = { readonly store: BlockStore; readonly files: MemorySectorStore };
export const newDisk = (): Disk => ({ store: new MemoryStore(), files: new MemorySectorStore() });

/** `onWrite`: called with the number of each write before it and after it; what it throws is a store that is gone. */
export async function openNode(
  market: FakeMarket,
  { store, files }: Disk,
  more: Partial<ProviderOptions> &
    Partial<Pick<ClientOptions, "linkTo" | "placeOf" | "servedAt" | "push" | "commit" | "ownAddress">> & {
      readonly onWrite?: (count: number, when: "before" | "after") => void;
    } = {},
): Promise<MarketNode> {
  const noPush: ClientOptions["push"] = () => Promise.reject(new Error("no data transfer"));
  const {
    onWrite = () => undefined,
    linkTo,
    placeOf = async () => null,
    servedAt = () => null,
    push = noPush,
    commit,
    ownAddress,
    ...options
  } = more;
  let count = 0;
  const blocks = Object.create(store, {
    write: {
      async value(...args: Parameters<BlockStore["write"]>) {
        const number = ++count;
        onWrite(number, "before");
        await store.write(...args);
        onWrite(number, "after");
      },
    },
  }) as BlockStore;
  for (const name of ["metadata", "metadataWith", "metadataBetween"] as const)
    Object.defineProperty(blocks, name, { value: (store[name] as (...args: never[]) => unknown).bind(store) });
  const chain = market.chain();
  const funds = new MarketFunds({ blocks, chain, isWaiting: market.isWaiting });
  const shared = { blocks, chain, funds, now: () => 1_000_000 + market.epoch };
  const provider = new StorageProvider({
    ...{
      ...shared,
      hashes: market.crypto,
      files,
      pieces: market.pieces(),
      proofs: async () => proofs,
      miners: [MINER],
      prefix: "f",
    },
    local: async () =>
      (async function* () {
        yield PAYLOAD;
      })(),
    ...options,
  });
  let random = market.epoch;
  const client = new StorageClient({
    ...shared,
    linkTo: linkTo ?? (() => localLink(provider)),
    proofs: async () => proofs,
    commit: commit ?? (async () => ({ piece: PIECE, carSize: PAYLOAD.length })),
    ...{ placeOf, servedAt, push, ownAddress: ownAddress ?? (() => null) },
    randomBytes: (length) => new Uint8Array(length).fill(++random),
  });
  await provider.start();
  await client.start();
  return {
    ...{ provider, client, funds },
    async stop() {
      await client.stop();
      await provider.stop();
    },
  };
}

/** Lets everything happen that can without another epoch. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}
