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
};

export type OwnMiner = {
  /** ID address */
  readonly address: Address;
  /** BLS key that signs blocks and, here, messages. */
  readonly worker: KeyInfo;
  readonly sectorBytes: number;
  /** By number; sectors come and go. */
  readonly sectors: Map<number, OwnSector>;
};
