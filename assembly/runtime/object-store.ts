/** A block store that knows the generation of the objects in it; collections and checkers are written over it. */
import { Bytes } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { BlockStore } from "../ipld/store";
import { Codec } from "../types/codec";

export abstract class ObjectStore extends BlockStore {
  /** Generation of the actors in force: 0 (network versions 0 to 3) or 2 (4 and up). */
  abstract get actorsVersion(): i32;

  reader(bytes: Bytes): CborReader {
    return new CborReader(bytes, this.actorsVersion);
  }

  writer(): CborWriter {
    return new CborWriter(this.actorsVersion);
  }

  encode(value: Codec): Bytes {
    return value.encode(this.actorsVersion);
  }

  putObject(value: Codec): Cid {
    return this.put(this.encode(value));
  }
}
