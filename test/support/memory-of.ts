/** The store in memory beneath that of a local network. */
import type { BlockStore } from "../../src/storage/contract.ts";
import type { MemoryStore } from "../../src/storage/memory.ts";
import { UndoStore } from "../../src/storage/undo-store.ts";

export function memoryOf(blocks: Pick<BlockStore, "peek">): MemoryStore {
  return (blocks instanceof UndoStore ? blocks.inner : blocks) as MemoryStore;
}
