/**
 * The price lists of the FVM, in milligas.
 *
 *   network versions 16, 17   Skyr
 *   18 to 20                  Hygge
 *   21 to 24                  Watermelon
 *   25 to 28                  Teep
 *
 * A sum of charges is one number here where the order of the parts cannot be seen: a charge that does not fit sets the
 * counter to the limit, whichever part it was.
 * Source: ref-fvm v2.12.1 fvm/src/gas/price_list.rs (SKYR_PRICES), v3.14.1 (HYGGE_PRICES), and at ef0a99370839
 * (WATERMELON_PRICES, TEEP_PRICES).
 */

/** A number of gas in milligas. */
// @ts-ignore: decorator
@inline
function gas(units: i64): i64 {
  return units * 1000;
}

/** A cost per count: the greatest row whose start is not above it. */
@final
export class Steps {
  constructor(
    readonly perProof: i64,
    readonly starts: StaticArray<i32>,
    readonly costs: StaticArray<i64>,
  ) {}

  of(count: i32): i64 {
    let found: i64 = 0;
    for (let i = 0; i < this.starts.length; i++) if (this.starts[i] <= count) found = this.costs[i];
    return gas(this.perProof * <i64>count + found);
  }
}

const AGGREGATE_STARTS: StaticArray<i32> = [4, 7, 13, 26, 52, 103, 205, 410];
/** Aggregates of seals of 32 GiB, and of every type without a row of its own. */
const AGGREGATE_32: Steps = new Steps(449900, AGGREGATE_STARTS, [
  103994170, 112356810, 122912610, 137559930, 162039100, 210960780, 318351180, 528274980,
]);
const AGGREGATE_64: Steps = new Steps(359272, AGGREGATE_STARTS, [
  102581240, 110803030, 120803700, 134642130, 157357890, 203017690, 304253590, 509880640,
]);
/** Seal proofs that have rows: of 64 GiB, version 1.1, and the non-interactive ones. */
const SEAL_64_V1_1: i64 = 9;
const SEAL_32_NI: i64 = 18;
const SEAL_64_NI: i64 = 19;
/** Non-interactive proofs, each of 126 times the challenges' share of one. */
const NI_STARTS: StaticArray<i32> = [1, 2, 3, 5, 9, 17, 33];
const NI_32: Steps = new Steps(44990 * 126, NI_STARTS, [
  112356810, 122912610, 137559930, 162039100, 210960780, 318351180, 528274980,
]);
const NI_64: Steps = new Steps(35928 * 126, NI_STARTS, [
  110803030, 120803700, 134642130, 157357890, 203017690, 304253590, 509880640,
]);

@final
export class PriceList {
  // ---- messages
  message: i64 = 0;
  messagePerByte: i64 = 0;
  returnPerByte: i64 = gas(1300);
  /** What a call of a method costs, and moving value; where they are charged differs (`call.ts`). */
  callBase: i64 = 0;
  transfer: i64 = 0;
  /** More for a transfer without a method. */
  transferOnly: i64 = 0;
  method: i64 = 0;

  // ---- actors
  lookup: i64 = 0;
  update: i64 = 0;
  createActor: i64 = 0;
  /** More for an actor whose address is new. */
  newAddress: i64 = 0;
  deleteActor: i64 = 0;

  // ---- blocks
  blockOpen: i64 = 0;
  blockOpenPerByte: i64 = 0;
  blockCreatePerByte: i64 = 0;
  blockReadPerByte: i64 = 0;
  blockLink: i64 = 0;
  blockLinkPerByte: i64 = 0;

  // ---- the rest
  syscall: i64 = gas(14000);
  secp256k1: i64 = gas(1637292);
  secp256k1PerByte: i64 = 0;
  bls: i64 = gas(16598605);
  blsPerByte: i64 = 0;
  recover: i64 = gas(1637292);
  /** An aggregate signature: per pairing, of which there is one more than keys, and per byte of the texts. */
  pairing: i64 = 0;
  pairingPerByte: i64 = 0;
  /** Hashing at a flat price; by algorithm (`syscalls/crypto.ts`) if 0. */
  hashFlat: i64 = 0;
  unsealedSectorCid: i64 = gas(98647);
  verifySeal: i64 = gas(2000);
  batchSeal: i64 = 0;
  post: i64 = gas(117680921);
  postPerSector: i64 = gas(43780);
  replicaUpdate: i64 = gas(36316136);
  consensusFault: i64 = gas(516422);
  randomness: i64 = gas(21000);
  randomnessPerByte: i64 = 0;
  tipsetCid: i64 = 0;
  oldTipsetCid: i64 = 0;
  event: i64 = 0;
  eventPerByte: i64 = 0;
  eventAcceptPerByte: i64 = 0;
  eventPerEntry: i64 = 0;
  eventPerKeyByte: i64 = 0;
  /** Per byte of a guest's first memory, and of its table entries of 8 bytes. */
  memoryPerByte: i64 = 0;

  // ---- links, from the fourth generation on
  /** A link that becomes usable, and one that is checked. */
  linkTracked: i64 = 0;
  linkChecked: i64 = 0;
  scanPerItem: i64 = 0;
  scanPerCid: i64 = 0;
  /** A copy and its memory: what a block costs at least, besides its links. */
  blockCopyPerByte: i64 = 0;
  /** Per epoch back to which randomness or a tipset's CID is looked up. */
  lookback: i64 = 0;
  /** Non-interactive seals have rows of their own. */
  pricesNonInteractive: bool = false;

  /** A block of so many bytes and links, opened or made: what it needs, or what keeping it in memory costs if that is more. */
  linkedBlock(bytes: i32, links: i64): i64 {
    return max<i64>(this.blockOpenPerByte * <i64>bytes, this.blockCopyPerByte * <i64>bytes + links);
  }

  aggregate(sealProof: i64, count: i32): i64 {
    if (this.pricesNonInteractive && sealProof == SEAL_32_NI) return NI_32.of(count);
    if (this.pricesNonInteractive && sealProof == SEAL_64_NI) return NI_64.of(count);
    return (sealProof == SEAL_64_V1_1 ? AGGREGATE_64 : AGGREGATE_32).of(count);
  }
}

/** Bytes that a draw of randomness hashes besides its entropy: tag, digest, epoch. */
export const DRAW_BYTES: i64 = 48;

function skyr(): PriceList {
  const p = new PriceList();
  p.message = gas(38863 + 36 * 1300);
  p.messagePerByte = gas(1300);
  p.callBase = gas(29233);
  p.transfer = gas(27500);
  p.transferOnly = gas(159672);
  p.method = gas(-5377);
  p.createActor = gas(1108454 + 76 * 1300);
  p.deleteActor = gas(-76 * 1300);
  p.blockOpen = gas(114617 + 21000);
  p.blockOpenPerByte = 10500;
  p.blockCreatePerByte = 10500;
  p.blockReadPerByte = 500;
  p.blockLink = gas(353640);
  p.blockLinkPerByte = 2 * 500 + gas(1300);
  p.hashFlat = gas(31355);
  return p;
}

/** What the lists have in common from the third generation on. */
function sinceHygge(): PriceList {
  const p = new PriceList();
  p.message = gas(38863 + 36 * 1300 + 475000);
  p.messagePerByte = gas(1300);
  p.transfer = gas(6000);
  p.method = gas(75000);
  p.lookup = gas(500000);
  p.update = gas(475000);
  p.createActor = gas(650000);
  p.newAddress = gas(1000000 + 1050000);
  p.blockOpen = gas(187440);
  p.blockOpenPerByte = gas(10);
  p.blockCreatePerByte = gas(10);
  p.blockReadPerByte = 400;
  p.blockLink = gas(172000 + 334000);
  p.blockLinkPerByte = 400 + gas(2 + 10 + 3340);
  p.secp256k1PerByte = gas(10);
  p.blsPerByte = gas(26);
  p.batchSeal = gas(2000);
  p.memoryPerByte = 400;
  return p;
}

function hygge(): PriceList {
  const p = sinceHygge();
  p.randomness = gas(21000 + 10 * DRAW_BYTES);
  p.randomnessPerByte = gas(10);
  p.tipsetCid = gas(50000);
  p.oldTipsetCid = gas(215000);
  p.event = gas(1750);
  p.eventPerByte = 400 + gas(2 + 25);
  p.eventAcceptPerByte = 3 * 400 + gas(2 * 2 + 10);
  return p;
}

function watermelon(): PriceList {
  const p = sinceHygge();
  p.randomness = gas(5800 * 19 + 15000 + 21000);
  p.lookback = gas(75);
  p.pairing = gas(8299302);
  p.pairingPerByte = gas(7);
  // Entries and the check of the keys' UTF-8; of the estimated size three copies and the hash.
  p.event = gas(2000 + 500);
  p.eventPerEntry = gas(1400);
  p.eventPerKeyByte = gas(16);
  p.eventPerByte = 3 * (400 + gas(2)) + gas(10);
  p.blockCopyPerByte = 400 + gas(2);
  p.linkTracked = gas(300);
  p.linkChecked = gas(300);
  p.scanPerItem = gas(35);
  p.scanPerCid = gas(400);
  return p;
}

function teep(): PriceList {
  const p = watermelon();
  p.batchSeal = gas(42000000);
  p.pricesNonInteractive = true;
  return p;
}

export const SKYR: PriceList = skyr();
export const HYGGE: PriceList = hygge();
export const WATERMELON: PriceList = watermelon();
export const TEEP: PriceList = teep();
