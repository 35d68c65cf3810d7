/**
 * The shape of everything that has a CBOR form. Generated classes and the atoms below extend it, so that collections
 * can hold any of them: `instantiate<T>()` makes an empty value, `read` fills it.
 */
import { Big } from "../base/big";
import { Bytes, EMPTY } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { Address, readAddress, writeAddress } from "./address";

export abstract class Codec {
  /** Reads one item; a violation is left in `r.fault`. */
  abstract read(r: CborReader): void;
  abstract write(w: CborWriter): void;

  encode(actorsVersion: i32): Bytes {
    const w = new CborWriter(actorsVersion);
    this.write(w);
    return w.finish();
  }
}

/** Decodes exactly one item; null if it is malformed. Bytes behind it are allowed, as the network's readers do. */
export function decode<T extends Codec>(bytes: Bytes, actorsVersion: i32): T | null {
  const r = new CborReader(bytes, actorsVersion);
  const value = instantiate<T>();
  value.read(r);
  return r.ok ? value : null;
}

/** Nothing at all: the parameters and the return value of many methods take no bytes. */
@final
export class Nothing extends Codec {
  read(_r: CborReader): void {}
  write(_w: CborWriter): void {}
}

/** Any one item, kept as its bytes. */
@final
export class RawItem extends Codec {
  bytes: Bytes = EMPTY;

  static of(bytes: Bytes): RawItem {
    const item = new RawItem();
    item.bytes = bytes;
    return item;
  }

  read(r: CborReader): void {
    this.bytes = r.raw();
  }

  write(w: CborWriter): void {
    w.raw(this.bytes);
  }
}

@final
export class U64 extends Codec {
  value: u64 = 0;

  static of(value: u64): U64 {
    const item = new U64();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = r.u64();
  }

  write(w: CborWriter): void {
    w.u64(this.value);
  }
}

@final
export class I64 extends Codec {
  value: i64 = 0;

  static of(value: i64): I64 {
    const item = new I64();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = r.i64();
  }

  write(w: CborWriter): void {
    w.i64(this.value);
  }
}

@final
export class Amount extends Codec {
  value: Big = Big.ZERO;

  static of(value: Big): Amount {
    const item = new Amount();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = r.big();
  }

  write(w: CborWriter): void {
    w.big(this.value);
  }
}

@final
export class Link extends Codec {
  value: Cid = Cid.NONE;

  static of(value: Cid): Link {
    const item = new Link();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = r.cid();
  }

  write(w: CborWriter): void {
    w.cid(this.value);
  }
}

@final
export class AddressItem extends Codec {
  value: Address = Address.UNDEF;

  static of(value: Address): AddressItem {
    const item = new AddressItem();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = readAddress(r);
  }

  write(w: CborWriter): void {
    writeAddress(w, this.value);
  }
}

/** A byte string. */
@final
export class BytesItem extends Codec {
  value: Bytes = EMPTY;

  static of(value: Bytes): BytesItem {
    const item = new BytesItem();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = r.bytes();
  }

  write(w: CborWriter): void {
    w.bytes(this.value);
  }
}
