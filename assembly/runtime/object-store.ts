/** A block store that knows the network version of the objects in it; collections and checkers are written over it. */
import { Bytes } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { BlockStore } from "../ipld/store";
import { Codec } from "../types/codec";
import { NetworkVersion } from "./versions.gen";

export abstract class ObjectStore extends BlockStore {
  /** Network version in force: rules, figures and forms. */
  abstract get version(): NetworkVersion;

  /** Version of the actors in force, which decides the layout of their objects. */
  get actorsVersion(): i32 {
    return this.version.actors;
  }

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
