/**
 * What holds under each network version that the FVM executes.
 *
 *   network versions   generation  prices   state tree  deepest call
 *   16, 17             2           Skyr     4           1,025
 *   18 to 20           3           Hygge    5           1,024
 *   21 to 24           4           Watermelon  5        1,024
 *   25 to 28           4           Teep     5           1,024
 *
 * Source: ref-fvm v2.12.1, v3.14.1 and ef0a99370839, fvm/src/machine, fvm/src/call_manager.
 */
import { HYGGE, PriceList, SKYR, TEEP, WATERMELON } from "./prices";

@final
export class Generation {
  constructor(
    /** Major version of the reference: 2 to 4. */
    readonly number: i32,
    readonly prices: PriceList,
    readonly tree: u64,
    /** Most calls under way, the message's own included. */
    readonly maxDepth: i32,
  ) {}

  /** Null for a network version that is not executed. */
  static of(networkVersion: i64): Generation | null {
    if (networkVersion == 16 || networkVersion == 17) return SECOND;
    if (networkVersion < 18 || networkVersion > 28) return null;
    if (networkVersion <= 20) return THIRD;
    return networkVersion <= 24 ? FOURTH : FOURTH_TEEP;
  }
}

const SECOND: Generation = new Generation(2, SKYR, 4, 1025);
const THIRD: Generation = new Generation(3, HYGGE, 5, 1024);
const FOURTH: Generation = new Generation(4, WATERMELON, 5, 1024);
const FOURTH_TEEP: Generation = new Generation(4, TEEP, 5, 1024);
