/**
 * Which code CIDs are actors, and of which version. `entry/vm.ts` fills it; machine and actors do not know each
 * other otherwise.
 */
import { Cid } from "../ipld/cid";
import { ActorDef, builtinCode } from "../runtime/actor";
import { ACTORS_VERSIONS } from "../runtime/versions.gen";

/** An actor under one of its codes. */
@final
export class ActorKind {
  constructor(
    readonly code: Cid,
    readonly def: ActorDef,
    /** The only actors version that may call it, or -1 for any. */
    readonly actorsVersion: i32,
  ) {}

  callableIn(actorsVersion: i32): bool {
    return this.actorsVersion < 0 || this.actorsVersion == actorsVersion;
  }

  get isAccount(): bool {
    return this.def.name == "account";
  }
}

@final
export class Registry {
  private readonly kinds: Array<ActorKind> = [];
  private last: ActorKind | null = null;

  /** An actor of every version. */
  add(def: ActorDef): this {
    for (let i = 0; i < ACTORS_VERSIONS.length; i++) {
      this.kinds.push(new ActorKind(builtinCode(ACTORS_VERSIONS[i], def.name), def, ACTORS_VERSIONS[i]));
    }
    return this;
  }

  /** An actor with one code ("fil/1/<name>") for every network version: test actors. */
  addTimeless(def: ActorDef): this {
    this.kinds.push(new ActorKind(builtinCode(0, def.name), def, -1));
    return this;
  }

  /** The actor of a code, or null. */
  find(code: Cid): ActorKind | null {
    const last = this.last;
    if (last !== null && last.code.eq(code)) return last;
    for (let i = 0; i < this.kinds.length; i++) {
      const kind = this.kinds[i];
      if (!kind.code.eq(code)) continue;
      this.last = kind;
      return kind;
    }
    return null;
  }

  /** Code of the account actor of a version. */
  accountCode(actorsVersion: i32): Cid {
    for (let i = 0; i < this.kinds.length; i++) {
      const kind = this.kinds[i];
      if (kind.isAccount && kind.actorsVersion == actorsVersion) return kind.code;
    }
    return new Cid(new StaticArray<u8>(0));
  }
}
