/** What a genesis is made of. */
import type { NetworkParams } from "../params/networks.ts";
import type { Block } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import type { CID } from "../types/cid.ts";

export type GenesisSpec = {
  readonly network: NetworkParams;
  readonly networkVersion: number;
  /** Accounts in order; the first owns the miner. attoFIL. */
  readonly accounts: readonly { readonly address: Address; readonly balance: bigint }[];
  /** Worker of the first miner, if no miners are given: a BLS address, one of the accounts. */
  readonly worker: Address;
  /** Default: one without sectors, owned by the first account. */
  readonly miners?: readonly GenesisMiner[];
};

export type GenesisMiner = {
  /** Two of the accounts; the worker has a BLS address. */
  readonly owner: Address;
  readonly worker: Address;
  /** Registered seal proof of its sectors. */
  readonly sealProof: number;
  /** attoFIL for pledges, out of the reserve */
  readonly balance: bigint;
  readonly sectors: readonly GenesisSector[];
};

export type GenesisSector = {
  readonly number: number;
  /** CommR */
  readonly sealedCid: CID;
  /** epoch */
  readonly expiration: number;
  /** Bytes of power. */
  readonly size: bigint;
};

/** Runs an implicit message of the genesis; throws `GenesisError` naming the step. */
export type ApplyGenesis = (
  step: string,
  message: {
    readonly from: Address;
    readonly to: Address;
    readonly value?: bigint;
    readonly method: number;
    /** What actors that it makes are named by, besides the sender. Default 0. */
    readonly nonce?: bigint;
  },
  params: Uint8Array,
) => { readonly return: Uint8Array };

export type GenesisTree = { readonly root: CID; readonly blocks: readonly Block[] };
