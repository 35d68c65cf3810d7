/** What all calls of a machine share: the epoch, the state, the gas counter, the calls under way. */
import { Big } from "../base/big";
import { Bytes, EMPTY } from "../base/bytes";
import { NetworkProfile } from "../runtime/profile.gen";
import { NetworkVersion } from "../runtime/versions.gen";
import { Address } from "../types/address";
import { FreeStore } from "./block-store";
import { CirculatingSupply } from "./circulating-supply";
import { Frame } from "./frame";
import { GasMeter } from "./gas/meter";
import { PRICE_LISTS } from "./gas/prices.gen";
import { Registry } from "./registry";
import { StateTree } from "./state-tree";
import { Trace } from "./trace";

@final
export class Context {
  epoch: i64 = 0;
  /** Network version in force. */
  version: NetworkVersion;
  /** attoFIL per unit of gas */
  baseFee: Big = Big.ZERO;
  readonly gas: GasMeter;

  // ---- the message being executed
  /** Its sender, as written in it. */
  origin: Address = Address.UNDEF;
  originNonce: u64 = 0;
  /** Addresses of new actors derived so far. */
  actorsNamed: u64 = 0;

  /** Calls under way, outermost first. Those after `depth` are left over. */
  readonly frames: Array<Frame> = [];
  depth: i32 = 0;

  // ---- the answer of the call that ended last
  returned: Bytes = EMPTY;
  why: string = "";

  constructor(
    readonly store: FreeStore,
    readonly registry: Registry,
    readonly tree: StateTree,
    readonly trace: Trace,
    readonly supply: CirculatingSupply,
    readonly profile: NetworkProfile,
    version: NetworkVersion,
  ) {
    this.version = version;
    this.gas = new GasMeter(PRICE_LISTS[version.prices], trace);
  }

  /** Moves to an epoch, under the rules of a network version. */
  advance(epoch: i64, version: NetworkVersion): void {
    this.epoch = epoch;
    this.version = version;
    this.gas.prices = PRICE_LISTS[version.prices];
  }
}
