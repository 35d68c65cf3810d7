/**
 * What execution costs. A price has a compute part and a storage part; storage amounts count `storageMultiplier` times.
 * The lists are data: `src/schema/versions/prices.ts`, from which `prices.gen.ts` is generated.
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

const FREE: ScalingCost = new ScalingCost(0, 0);

@final
export class PriceList {
  // ---- a message on chain: compute, then storage units, plus storage units a byte
  messageCompute: i64 = 0;
  messageStorage: i64 = 0;
  messagePerByte: i64 = 0;
  /** Storage units a byte of a return value that is not empty. */
  returnPerByte: i64 = 0;

  // ---- a send, from the chain or from an actor
  sendBase: i64 = 0;
  /** More if value moves. */
  sendTransfer: i64 = 0;
  /** More if value moves and no method is called. */
  sendTransferOnly: i64 = 0;
  /** More (less: the actor charges for its own work) if a method is called. */
  sendInvoke: i64 = 0;

  // ---- blocks
  blockGet: i64 = 0;
  blockPut: i64 = 0;
  /** Storage units a byte. */
  blockPutPerByte: i64 = 0;

  // ---- actors
  createCompute: i64 = 0;
  createStorage: i64 = 0;
  deleteStorage: i64 = 0;

  // ---- syscalls
  verifyBls: i64 = 0;
  verifySecp256k1: i64 = 0;
  hashing: i64 = 0;
  unsealedSectorCid: i64 = 0;
  verifySeal: i64 = 0;
  consensusFault: i64 = 0;
  /** Also the row of every proof type that has none of its own. */
  post512MiB: ScalingCost = FREE;
  post32GiB: ScalingCost = FREE;
  post64GiB: ScalingCost = FREE;
  /** The PoSt price is halved, rounding down. */
  postHalved: bool = false;

  storageMultiplier: i64 = 0;

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
