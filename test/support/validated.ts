/** The chain down from a tipset as a snapshot, taken in and validated as `chain import --validate` does. */
import type { Chain } from "../../src/chain/chain.ts";
import { exportChain } from "../../src/chain/export.ts";
import { importSnapshot } from "../../src/chain/import.ts";
import { checkSnapshot, type SnapshotReport } from "../../src/cli/snapshot-check.ts";
import { progressLine } from "../../src/cli/terminal.ts";
import { loadCrypto } from "../../src/core/crypto.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import type { Tipset } from "../../src/types/block-header.ts";
import { gather, sourceOf } from "./bytes-source.ts";

export async function validated(chain: Chain, head: Tipset, epochs = 20): Promise<SnapshotReport | null> {
  const crypto = await loadCrypto();
  const file = await gather(exportChain(chain, head, { recentRoots: epochs, skipOldMessages: false }));
  const store = new MemoryStore();
  const more = { crypto, network: "local" as const, signal: new AbortController().signal, line: progressLine() };
  let report: SnapshotReport | null = null;
  const check = async (): Promise<void> => {
    report = await checkSnapshot(store, { epochs, ...more });
  };
  await importSnapshot(store, sourceOf(file), { hashes: crypto, check });
  return report;
}
