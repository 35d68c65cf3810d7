/** Sectors that a miner holds: what the chain knows of them, and where their files are. */
import type { KeyInfo } from "../keys/keys.ts";
import type { SectorStore } from "../sector/store.ts";
import type { Address } from "../types/address.ts";
import type { CID } from "../types/cid.ts";

/** A replica, and where its files are. */
export type Replica = {
  /** 32 bytes */
  readonly commR: Uint8Array;
  readonly sealedCid: CID;
  readonly store: SectorStore;
  /** The directory that its files are in now, for jobs of workers; null, or no such function: they are read through `store` alone. */
  readonly directory?: () => Promise<string | null>;
  /** Whether it is the one that an update has made, whose files have names of their own in that directory. */
  readonly isUpdate?: boolean;
};

export type OwnSector = Replica & {
  readonly number: number;
  /** The replica of an update that is on its way: the chain says which of the two counts, and a fork may say otherwise again. */
  readonly updated?: Replica;
};

/** What the chain says that a sector's replica is, in the state that a proof is about; null if it has no such sector. */
export type SealedOf = (sector: number) => Promise<CID | null>;

/** The sector with the replica that counts. */
export async function replicaOf(sector: OwnSector, sealedOf: SealedOf): Promise<OwnSector> {
  const { number, updated } = sector;
  if (updated === undefined) return sector;
  return (await sealedOf(number))?.equals(updated.sealedCid) === true ? { number, ...updated } : sector;
}

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
