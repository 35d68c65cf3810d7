/** A storage miner in a process of its own, beside a node. */
import { MinerFolderError } from "./settings.ts";

export { initGenesisMiner, initMiner, initNewMiner } from "./init.ts";
export { MinerProcess } from "./miner-process.ts";
export { askNetwork } from "./network-facts.ts";
export { readSettings } from "./settings.ts";

export function notInitialised(cause?: unknown): MinerFolderError {
  return new MinerFolderError({ code: "NOT_INITIALISED" }, "the folder holds no miner; make one: filigree miner init", {
    cause,
  });
}
