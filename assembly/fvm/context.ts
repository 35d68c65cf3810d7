/** What all calls of a machine share: epoch, rules, state, gas, and the message that is executed. */
import { Big } from "../base/big";
import { Address } from "../types/address";
import { SYSTEM_ID } from "../types/singletons";
import { FreeStore } from "../vm/block-store";
import { AccessTracker } from "./access";
import { EventLog } from "./events";
import { GasTracker } from "./gas-tracker";
import { Generation } from "./generation";
import { Manifest } from "./manifest";
import { PriceList } from "./prices";
import { Trace } from "./trace";
import { StateTree } from "./tree";

@final
export class Context {
  readonly gas: GasTracker = new GasTracker();
  readonly access: AccessTracker = new AccessTracker();
  readonly events: EventLog = new EventLog();

  epoch: i64 = 0;
  /** Seconds since 1970. */
  timestamp: u64 = 0;
  /** attoFIL per gas */
  baseFee: Big = Big.ZERO;
  /** attoFIL */
  supply: Big = Big.ZERO;

  // ---- the message being executed
  origin: u64 = 0;
  /** Its sender as written in it. */
  originAddress: Address = Address.UNDEF;
  nonce: u64 = 0;
  /** attoFIL per gas, as far as the fee cap leaves room for it. */
  premium: Big = Big.ZERO;
  actorsCreated: u64 = 0;
  /** Why the last thing failed, for people. */
  why: string = "";
  /** Null: nobody asks what its calls were. */
  trace: Trace | null = null;

  constructor(
    readonly store: FreeStore,
    readonly tree: StateTree,
    readonly manifest: Manifest,
    readonly generation: Generation,
    readonly networkVersion: u32,
    readonly chainId: u64,
  ) {}

  get prices(): PriceList {
    return this.generation.prices;
  }

  /** True from the fourth generation on, which tracks what guests may reach. */
  get tracksLinks(): bool {
    return this.generation.number >= 4;
  }

  /** True for the second generation, which charges by the call and tracks no accesses. */
  get isSecond(): bool {
    return this.generation.number == 2;
  }
}

/** Opens the manifest of a tree's system actor. */
export function manifestOf(store: FreeStore, tree: StateTree): Manifest {
  const system = tree.get(SYSTEM_ID);
  if (system === null) store.fail("the state has no system actor");
  return Manifest.load(store, system!.head);
}
