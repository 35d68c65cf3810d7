/**
 * What invariant checkers have in common.
 *
 * Every actor has a `check.ts` whose function walks the whole state of one actor, adds every complaint to a `Report`
 * (never stopping at the first) and returns a summary; sums across actors are compared afterwards. A checker runs over
 * a `CheckContext`, which is a block store and knows the actor's surroundings. Nothing here is consensus: `fil`-side
 * tools, tests and `filigree state check` call it.
 */
import { Big } from "../base/big";
import { Bytes } from "../base/bytes";
import { Cid } from "../ipld/cid";
import { BlockStore } from "../ipld/store";
import { Address } from "../types/address";
import { Codec, decode } from "../types/codec";
import { ObjectStore } from "./object-store";
import { NetworkProfile } from "./profile.gen";
import { NetworkVersion } from "./versions.gen";

/** Complaints, in the order found. */
@final
export class Report {
  readonly complaints: Array<string> = [];
  private prefix: string = "";

  /** Text before every following complaint, such as the actor it is about. */
  about(prefix: string): this {
    this.prefix = prefix;
    return this;
  }

  add(complaint: string): void {
    this.complaints.push(this.prefix + complaint);
  }

  /** Complains unless `holds`. */
  that(holds: bool, complaint: string): void {
    if (!holds) this.add(complaint);
  }
}

/** The store that a checker reads, and what is known about the actor under check. */
@final
export class CheckContext extends ObjectStore {
  /** A malformed node was met since the last actor began. */
  malformed: bool = false;

  constructor(
    private readonly blocks: BlockStore,
    private readonly version_: NetworkVersion,
    readonly profile: NetworkProfile,
    /** Epoch of the tipset whose execution gave this state. */
    readonly epoch: i64,
    readonly report: Report,
    /** The actor under check. */
    public address: Address = Address.UNDEF,
    /** Its balance in attoFIL. */
    public balance: Big = Big.ZERO,
  ) {
    super();
  }

  get version(): NetworkVersion {
    return this.version_;
  }

  get(cid: Cid): Bytes {
    return this.blocks.get(cid);
  }

  put(block: Bytes): Cid {
    return this.blocks.put(block);
  }

  fail(why: string): void {
    this.blocks.fail(why);
  }

  /** Complains unless `holds`. */
  that(holds: bool, complaint: string): void {
    this.report.that(holds, complaint);
  }

  /** Loads and decodes an object; null, and a complaint, if it is malformed. */
  object<T extends Codec>(cid: Cid, what: string): T | null {
    const value = decode<T>(this.get(cid), this.actorsVersion);
    if (value === null) {
      this.malformed = true;
      this.report.add(what + " does not decode");
    }
    return value;
  }
}
