/**
 * What execution costs. A price has a compute part and a storage part; storage amounts count `storageMultiplier` times.
 *
 * Two lists exist among the native networks: the first from genesis, the second ("calico") from network version 7.
 * Sources: lotus v1.0.0 chain/vm/gas.go and gas_v0.go (first list); lotus v1.2.0 the same files (second list).
 */

/** Window PoSt proof types. Source: go-state-types abi/sector.go. */
const WINDOW_POST_32GIB: i64 = 8;
const WINDOW_POST_64GIB: i64 = 9;

/** Price of verifying a window PoSt: a flat part and one per challenged sector. */
@final
export class ScalingCost {
  constructor(
    readonly flat: i64,
    readonly perSector: i64,
  ) {}
}

@final
export class PriceList {
  // ---- a message on chain: compute, then storage units, plus storage units a byte
  messageCompute: i64 = 38863;
  messageStorage: i64 = 36;
  messagePerByte: i64 = 1;
  /** Storage units a byte of a return value that is not empty. */
  returnPerByte: i64 = 1;

  // ---- a send, from the chain or from an actor
  sendBase: i64 = 29233;
  /** More if value moves. */
  sendTransfer: i64 = 27500;
  /** More if value moves and no method is called. */
  sendTransferOnly: i64 = 159672;
  /** More (less: the actor charges for its own work) if a method is called. */
  sendInvoke: i64 = -5377;

  // ---- blocks
  blockGet: i64 = 75242;
  blockPut: i64 = 84070;
  /** Storage units a byte. */
  blockPutPerByte: i64 = 1;

  // ---- actors
  createCompute: i64 = 1108454;
  createStorage: i64 = 76;
  deleteStorage: i64 = -76;

  // ---- syscalls
  verifyBls: i64 = 16598605;
  verifySecp256k1: i64 = 1637292;
  hashing: i64 = 31355;
  unsealedSectorCid: i64 = 98647;
  verifySeal: i64 = 2000;
  consensusFault: i64 = 495422;
  /** Also the row of every proof type that has none of its own. */
  post512MiB: ScalingCost = new ScalingCost(123861062, 9226981);
  post32GiB: ScalingCost = new ScalingCost(748593537, 85639);
  post64GiB: ScalingCost = new ScalingCost(748593537, 85639);
  /** The PoSt price is halved, rounding down. */
  postHalved: bool = true;

  storageMultiplier: i64 = 1000;

  /** Price of verifying a window PoSt of `proof` over `sectors` challenged sectors. */
  post(proof: i64, sectors: i32): i64 {
    let row = this.post512MiB;
    if (proof == WINDOW_POST_32GIB) row = this.post32GiB;
    else if (proof == WINDOW_POST_64GIB) row = this.post64GiB;
    const price = row.flat + <i64>sectors * row.perSector;
    return this.postHalved ? price / 2 : price;
  }

  /** Price of a send with or without value, calling a method or not. */
  invocation(movesValue: bool, callsMethod: bool): i64 {
    let price = this.sendBase;
    if (movesValue) price += callsMethod ? this.sendTransfer : this.sendTransfer + this.sendTransferOnly;
    if (callsMethod) price += this.sendInvoke;
    return price;
  }
}

function calico(): PriceList {
  const list = new PriceList();
  list.storageMultiplier = 1300;
  list.blockGet = 114617;
  list.blockPut = 353640;
  list.post512MiB = new ScalingCost(117680921, 43780);
  list.post32GiB = new ScalingCost(117680921, 43780);
  list.post64GiB = new ScalingCost(117680921, 43780);
  list.postHalved = false;
  return list;
}

const FIRST: PriceList = new PriceList();
const CALICO: PriceList = calico();

/** First network version with the second list. */
const CALICO_SINCE: i32 = 7;

export function priceListFor(networkVersion: i32): PriceList {
  return networkVersion < CALICO_SINCE ? FIRST : CALICO;
}
