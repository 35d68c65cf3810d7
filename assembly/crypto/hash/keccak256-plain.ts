/** Keccak-f[1600] lane by lane, as FIPS 202 tells it: the reference of the kernel, used by tests. */
import { KECCAK_ROUND_CONSTANTS } from "./keccak256-kernel.gen";

/** ρ and π as one walk over 24 lanes from lane 1: the lane to write next, and the rotation of what goes there. */
const WALK_LANE: StaticArray<u8> = [
  10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
];
const WALK_ROTATION: StaticArray<u8> = [
  1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
];

/** Same contract as `keccakPermute`. */
export function keccakPermutePlain(a: usize): void {
  for (let round = 0; round < 24; round++) {
    // θ: every lane takes in the parity of two neighbouring columns
    const c0 = column(a);
    const c1 = column(a + 8);
    const c2 = column(a + 16);
    const c3 = column(a + 24);
    const c4 = column(a + 32);
    spread(a, c4 ^ rotl<u64>(c1, 1));
    spread(a + 8, c0 ^ rotl<u64>(c2, 1));
    spread(a + 16, c1 ^ rotl<u64>(c3, 1));
    spread(a + 24, c2 ^ rotl<u64>(c4, 1));
    spread(a + 32, c3 ^ rotl<u64>(c0, 1));
    // ρ, π
    let moving = load<u64>(a, 8);
    for (let i = 0; i < 24; i++) {
      const at = a + 8 * <usize>unchecked(WALK_LANE[i]);
      const next = load<u64>(at);
      store<u64>(at, rotl<u64>(moving, <u64>unchecked(WALK_ROTATION[i])));
      moving = next;
    }
    // χ, and ι on the first lane
    for (let row = a; row < a + 200; row += 40) {
      const b0 = load<u64>(row);
      const b1 = load<u64>(row, 8);
      const b2 = load<u64>(row, 16);
      const b3 = load<u64>(row, 24);
      const b4 = load<u64>(row, 32);
      store<u64>(row, b0 ^ (~b1 & b2));
      store<u64>(row, b1 ^ (~b2 & b3), 8);
      store<u64>(row, b2 ^ (~b3 & b4), 16);
      store<u64>(row, b3 ^ (~b4 & b0), 24);
      store<u64>(row, b4 ^ (~b0 & b1), 32);
    }
    store<u64>(a, load<u64>(a) ^ unchecked(KECCAK_ROUND_CONSTANTS[round]));
  }
}

// @ts-ignore: decorator
@inline
function column(a: usize): u64 {
  return load<u64>(a) ^ load<u64>(a, 40) ^ load<u64>(a, 80) ^ load<u64>(a, 120) ^ load<u64>(a, 160);
}

// @ts-ignore: decorator
@inline
function spread(a: usize, parity: u64): void {
  store<u64>(a, load<u64>(a) ^ parity);
  store<u64>(a, load<u64>(a, 40) ^ parity, 40);
  store<u64>(a, load<u64>(a, 80) ^ parity, 80);
  store<u64>(a, load<u64>(a, 120) ^ parity, 120);
  store<u64>(a, load<u64>(a, 160) ^ parity, 160);
}
