/**
 * What holds under each network version that the FVM executes.
 *
 *   network versions   generation  prices   state tree  deepest call
 *   16, 17             2           Skyr     4           1,025
 *   18 to 20           3           Hygge    5           1,024
 *
 * Source: ref-fvm v2.12.1 and v3.14.1, fvm/src/machine, fvm/src/call_manager.
 */
import { HYGGE, PriceList, SKYR } from "./prices";

@final
export class Generation {
  constructor(
    /** Major version of the reference: 2 or 3. */
    readonly number: i32,
    readonly prices: PriceList,
    readonly tree: u64,
    /** Most calls under way, the message's own included. */
    readonly maxDepth: i32,
  ) {}

  /** Null for a network version that is not executed. */
  static of(networkVersion: i64): Generation | null {
    if (networkVersion == 16 || networkVersion == 17) return SECOND;
    if (networkVersion >= 18 && networkVersion <= 20) return THIRD;
    return null;
  }
}

const SECOND: Generation = new Generation(2, SKYR, 4, 1025);
const THIRD: Generation = new Generation(3, HYGGE, 5, 1024);
