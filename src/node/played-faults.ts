/** Faults that are played on the files of sectors at hand: of the first replica, and of an update's that is on its way. */
import type { OwnSector } from "../miner/own-sectors.ts";
import { FaultStore, type FileFault } from "../sector/fault-store.ts";
import { updateStore } from "../sector/store.ts";

/** What is played on a sector. */
export function faultOf({ store }: OwnSector): FileFault {
  return store instanceof FaultStore ? store.fault : "none";
}

/** The sector with files that a fault is played on; others can be played by the `FaultStore` that its files are then. */
export function withFault(sector: OwnSector, fault: FileFault): OwnSector {
  const store = new FaultStore(sector.store);
  store.fault = fault;
  // Workers read the files themselves, which are sound.
  const directory = async (): Promise<string | null> =>
    store.fault === "none" ? ((await sector.directory?.()) ?? null) : null;
  const { updated } = sector;
  const both = updated === undefined ? {} : { updated: { ...updated, store: updateStore(store), directory } };
  return { ...sector, store, directory, ...both };
}
