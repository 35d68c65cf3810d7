/** The profile in force in an instance of the core; the machine selects it before the first message. */
import { NetworkProfile, PROFILES } from "./profile.gen";

export let NETWORK: NetworkProfile = PROFILES[0];

/** Selects a profile by its number; false if there is none. */
export function selectNetwork(number: i64): bool {
  if (number < 0 || number >= PROFILES.length) return false;
  NETWORK = PROFILES[<i32>number];
  return true;
}
