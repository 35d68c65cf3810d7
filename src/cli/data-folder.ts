/** A node's data folder that nobody has open, for commands that work on it themselves. */
import path from "node:path";
import { platform } from "#platform";
import { Chain } from "../chain/chain.ts";
import type { OpenOptions } from "../platform/table.ts";
import { TableStore } from "../storage/table-store.ts";

/** Opens the store of a folder; by default one that is there. Throws `StorageError`: LOCKED, MISSING, FOREIGN. */
export function openFolder(folder: string, options: OpenOptions = { create: false }): Promise<TableStore> {
  return TableStore.open(path.resolve(folder), platform.openTable, options);
}

/** Works on the chain of a folder, then closes it. */
export async function withChain<Result>(folder: string, work: (chain: Chain) => Promise<Result>): Promise<Result> {
  const store = await openFolder(folder);
  try {
    return await work(await Chain.open({ blocks: store }));
  } finally {
    await store.close();
  }
}
