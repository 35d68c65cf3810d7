/**
 * Price lists of the native machine, in gas. A price has a compute part and a storage part; storage amounts count
 * `storageMultiplier` times. The lists of the FVM (from "skyr" on) belong to its machine and have names alone here.
 *
 * Sources: lotus v1.0.0 chain/vm/gas.go and gas_v0.go (genesis); lotus v1.2.0 the same files (calico).
 */

/** Price of verifying a window PoSt: a flat part and one per challenged sector. */
export type ScalingCost = { readonly flat: number; readonly perSector: number };

export type PriceList = {
  // ---- a message on chain: compute, then storage units, plus storage units a byte
  readonly messageCompute: number;
  readonly messageStorage: number;
  readonly messagePerByte: number;
  /** Storage units a byte of a return value that is not empty. */
  readonly returnPerByte: number;

  // ---- a send, from the chain or from an actor
  readonly sendBase: number;
  /** More if value moves. */
  readonly sendTransfer: number;
  /** More if value moves and no method is called. */
  readonly sendTransferOnly: number;
  /** More (less: the actor charges for its own work) if a method is called. */
  readonly sendInvoke: number;

  // ---- blocks
  readonly blockGet: number;
  readonly blockPut: number;
  /** Storage units a byte. */
  readonly blockPutPerByte: number;

  // ---- actors
  readonly createCompute: number;
  readonly createStorage: number;
  readonly deleteStorage: number;

  // ---- syscalls
  readonly verifyBls: number;
  readonly verifySecp256k1: number;
  readonly hashing: number;
  readonly unsealedSectorCid: number;
  readonly verifySeal: number;
  readonly consensusFault: number;
  /** Also the row of every proof type that has none of its own. */
  readonly post512MiB: ScalingCost;
  readonly post32GiB: ScalingCost;
  readonly post64GiB: ScalingCost;
  /** The PoSt price is halved, rounding down. */
  readonly postHalved: boolean;

  readonly storageMultiplier: number;
};

const GENESIS: PriceList = {
  messageCompute: 38863,
  messageStorage: 36,
  messagePerByte: 1,
  returnPerByte: 1,
  sendBase: 29233,
  sendTransfer: 27500,
  sendTransferOnly: 159672,
  sendInvoke: -5377,
  blockGet: 75242,
  blockPut: 84070,
  blockPutPerByte: 1,
  createCompute: 1108454,
  createStorage: 76,
  deleteStorage: -76,
  verifyBls: 16598605,
  verifySecp256k1: 1637292,
  hashing: 31355,
  unsealedSectorCid: 98647,
  verifySeal: 2000,
  consensusFault: 495422,
  post512MiB: { flat: 123861062, perSector: 9226981 },
  post32GiB: { flat: 748593537, perSector: 85639 },
  post64GiB: { flat: 748593537, perSector: 85639 },
  postHalved: true,
  storageMultiplier: 1000,
};

const CALICO_POST: ScalingCost = { flat: 117680921, perSector: 43780 };

/** In the order of their first use. */
export const PRICE_LISTS = {
  genesis: GENESIS,
  calico: {
    ...GENESIS,
    blockGet: 114617,
    blockPut: 353640,
    post512MiB: CALICO_POST,
    post32GiB: CALICO_POST,
    post64GiB: CALICO_POST,
    postHalved: false,
    storageMultiplier: 1300,
  },
} as const satisfies Readonly<Record<string, PriceList>>;

export type PriceListName = keyof typeof PRICE_LISTS | "skyr" | "hygge" | "watermelon" | "teep";
