/** Sectors that a miner holds: what the chain knows of them, and where their files are. */
import type { KeyInfo } from "../keys/keys.ts";
import type { SectorStore } from "../sector/store.ts";
import type { Address } from "../types/address.ts";
import type { CID } from "../types/cid.ts";

export type OwnSector = {
  readonly number: number;
  /** 32 bytes */
  readonly commR: Uint8Array;
  readonly sealedCid: CID;
  readonly store: SectorStore;
  /** The directory that its files are in now, for jobs of workers; null, or no such function: they are read through `store` alone. */
  readonly directory?: () => Promise<string | null>;
};

/** A miner whose sectors are here. */
export type HeldMiner = {
  /** ID address */
  readonly address: Address;
  readonly sectorBytes: number;
  /** By number; sectors come and go. */
  readonly sectors: Map<number, OwnSector>;
};

/** And the key of its worker. */
export type OwnMiner = HeldMiner & {
  /** BLS key that signs blocks and, here, messages. */
  readonly worker: KeyInfo;
};

/** One of some miners, with its key; throws `TypeError` for any other. */
export function keyedMiner(miners: readonly OwnMiner[], { address }: HeldMiner): OwnMiner {
  const found = miners.find((miner) => miner.address.equals(address));
  if (found === undefined) throw new TypeError(`${address} is none of the miners`);
  return found;
}
