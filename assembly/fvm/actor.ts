/** An actor in a state tree of the FVM: [code, head, nonce, balance], from tree version 5 on with the delegated address or null. */
import { Big } from "../base/big";
import { Bytes } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, cidOf } from "../ipld/cid";
import { Address, readAddress, writeAddress } from "../types/address";

/** Actors version by which addresses of every protocol are read. */
export const ANY_ADDRESS: i32 = 10;
/** Tree version from which actors have a delegated address. */
const DELEGATED_TREE: u64 = 5;

/** Head of an actor without state: the CID of an empty array. */
export const EMPTY_STATE: Cid = cidOf([0x80]);

/** Never changed once it is in the tree: `copy` first. */
@final
export class Actor {
  nonce: u64 = 0;
  /** attoFIL */
  balance: Big = Big.ZERO;

  constructor(
    public code: Cid,
    public head: Cid,
    readonly delegated: Address | null,
  ) {}

  static empty(code: Cid, delegated: Address | null): Actor {
    return new Actor(code, EMPTY_STATE, delegated);
  }

  copy(): Actor {
    const copy = new Actor(this.code, this.head, this.delegated);
    copy.nonce = this.nonce;
    copy.balance = this.balance;
    return copy;
  }

  withBalance(balance: Big): Actor {
    const copy = this.copy();
    copy.balance = balance;
    return copy;
  }

  encode(tree: u64): Bytes {
    const w = new CborWriter();
    w.array(tree < DELEGATED_TREE ? 4 : 5).cid(this.code).cid(this.head).u64(this.nonce).big(this.balance);
    if (tree < DELEGATED_TREE) return w.finish();
    const delegated = this.delegated;
    if (delegated === null) w.nil();
    else writeAddress(w, delegated);
    return w.finish();
  }

  /** Null if the bytes are no actor of that tree. */
  static decode(bytes: Bytes, tree: u64): Actor | null {
    const r = new CborReader(bytes, ANY_ADDRESS);
    r.tuple(tree < DELEGATED_TREE ? 4 : 5);
    const code = r.cid();
    const head = r.cid();
    const nonce = r.u64();
    const balance = r.big();
    let delegated: Address | null = null;
    if (tree >= DELEGATED_TREE) {
      if (r.isNull()) r.skipNull();
      else delegated = readAddress(r);
    }
    r.finish();
    if (!r.ok) return null;
    const actor = new Actor(code, head, delegated);
    actor.nonce = nonce;
    actor.balance = balance;
    return actor;
  }
}
