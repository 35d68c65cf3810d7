/**
 * An actor as the machine sees it: a name and a table of numbered methods.
 *
 * The code of an actor is the identity CID of the text "fil/<actors version>/<name>" (a raw CIDv1). One definition
 * serves every generation that shares it; `since`/`until` bound single methods.
 */
import { Bytes, EMPTY, ptrOf, utf8 } from "../base/bytes";
import { Cid, CODEC_RAW, HASH_IDENTITY, makeCid } from "../ipld/cid";
import { Runtime } from "./runtime";

/** Decodes its parameters, does its work and returns the CBOR of its result (empty for none). */
export type Method = (rt: Runtime, params: Bytes) => Bytes;

/** What a method without a result returns. */
export const NOTHING: Bytes = EMPTY;

/** Code CID of a built-in actor of network versions below 16. */
export function builtinCode(actorsVersion: i32, name: string): Cid {
  // Generation 0 of the actors is published as "fil/1".
  const text = utf8("fil/" + (actorsVersion == 0 ? 1 : actorsVersion).toString() + "/" + name);
  return makeCid(CODEC_RAW, HASH_IDENTITY, ptrOf(text), text.length);
}

export class ActorDef {
  /** Only one instance, made at genesis. */
  singleton: bool = false;
  private readonly numbers: Array<u64> = [];
  private readonly names: Array<string> = [];
  private readonly methods: Array<Method> = [];
  private readonly since: Array<i32> = [];
  private readonly until: Array<i32> = [];

  constructor(readonly name: string) {}

  asSingleton(): this {
    this.singleton = true;
    return this;
  }

  /** Adds a method, callable from actors version `since` to `until`. */
  method(number: u64, name: string, run: Method, since: i32 = 0, until: i32 = i32.MAX_VALUE): this {
    this.numbers.push(number);
    this.names.push(name);
    this.methods.push(run);
    this.since.push(since);
    this.until.push(until);
    return this;
  }

  /** Index of a method in force, or -1. */
  find(number: u64, actorsVersion: i32): i32 {
    for (let i = 0; i < this.numbers.length; i++) {
      if (this.numbers[i] != number) continue;
      if (actorsVersion >= this.since[i] && actorsVersion <= this.until[i]) return i;
    }
    return -1;
  }

  call(index: i32, rt: Runtime, params: Bytes): Bytes {
    return this.methods[index](rt, params);
  }
}
