/** Sums over a window of a parameter file in G1, as `sums.ts` has them, in the form of lanes. For modules that are compiled with SIMD. */
import { OverFp } from "../../crypto/curve/coordinate";
import { laneGroupedMsm, laneGroupedMsmScratch } from "../../crypto/curve/lane-groups";
import { addLanePoint } from "../../crypto/curve/lane-msm";
import { LANE_POINT, lanePairsOver, lanePointOf, lanePointZero, laneSumLists } from "../../crypto/curve/lane-pairs";
import { laneTimes, NARROW_SIZE, narrowFromBytes, narrowIsBelowModulus } from "../../crypto/field/fp-lanes";
import { LANES_RADIX_SQUARED } from "../../crypto/field/fp-lanes.gen";
import { pointZero } from "../../crypto/curve/point";

const COORDINATES: usize = memory.data(16, 4);
const RUN: usize = memory.data(8, 8);
const SUM: usize = memory.data(128, 16);

let pending: usize = 0;

/** Bytes of scratch for `ones` scalars that are 1 and `others` that are neither 0 nor 1. */
export function laneSumScratch(ones: i32, others: i32): usize {
  return <usize>others * (2 * LANE_POINT + 32) + <usize>ones * (LANE_POINT + LANE_POINT / 2 + 4) + laneGroupedMsmScratch(others) + 256;
}

/**
 * r (homogeneous) = sum of scalars[i] points[i], i < count, of which `ones` are 1 and `others` neither 0 nor 1. Returns -1, or the number
 * of the first point with a coordinate that is not below p, unless its scalar is 0. points: 96 bytes each, big-endian; scalars: 32 bytes
 * each, little-endian. scratch: laneSumScratch(ones, others) bytes.
 */
export function laneSumWindow(r: usize, points: usize, scalars: usize, count: i32, ones: i32, others: i32, scratch: usize): i32 {
  const full = (scratch + 15) & ~15;
  const single = full + 2 * <usize>others * LANE_POINT;
  const kept = single + <usize>(ones + (ones >> 1) + 1) * LANE_POINT;
  const entries = kept + 32 * <usize>others;
  const rest = entries + 4 * <usize>ones;
  let one: usize = 0, other: usize = 0;
  pending = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const scalar = scalars + 32 * i, low = load<u64>(scalar);
    const small = (load<u64>(scalar, 8) | load<u64>(scalar, 16) | load<u64>(scalar, 24)) == 0;
    if (small && low == 0) continue;
    let to: usize;
    if (small && low == 1) {
      store<u32>(entries + 4 * one, <u32>one << 2);
      to = single + one++ * LANE_POINT;
    } else {
      memory.copy(kept + 32 * other, scalar, 32);
      to = full + other++ * LANE_POINT;
    }
    if (!read(to, points + 96 * i)) return <i32>i;
  }
  raise();
  if (others > 0) laneGroupedMsm(r, full, kept, others, rest);
  else pointZero<OverFp>(r);
  if (ones > 0) {
    store<u32>(RUN, 0);
    store<u32>(RUN, <u32>ones, 4);
    lanePairsOver(single, single);
    laneSumLists(entries, RUN, RUN + 4, 1, <u32>ones);
    lanePointOf(SUM, load<u32>(entries));
    addLanePoint(r, SUM);
  }
  return -1;
}

/** Reads a point; false unless its coordinates are below p. It is in Montgomery form after the next point's `raise`. */
function read(to: usize, bytes: usize): bool {
  narrowFromBytes(to, bytes);
  narrowFromBytes(to + NARROW_SIZE, bytes + 48);
  if (!narrowIsBelowModulus(to) || !narrowIsBelowModulus(to + NARROW_SIZE)) return false;
  let y: u64 = 0;
  for (let at: usize = 48; at < 96; at += 8) y |= load<u64>(bytes + at);
  if (y == 0) {
    lanePointZero(to);
    return true;
  }
  store<u32>(COORDINATES + 4 * pending++, <u32>to);
  store<u32>(COORDINATES + 4 * pending++, <u32>(to + NARROW_SIZE));
  if (pending == 4) raise();
  return true;
}

/** Turns the coordinates that wait into Montgomery form. */
function raise(): void {
  if (pending == 0) return;
  for (let i = pending; i < 4; i++) store<u32>(COORDINATES + 4 * i, load<u32>(COORDINATES + 4 * (i & 1)));
  laneTimes(COORDINATES, COORDINATES, LANES_RADIX_SQUARED);
  pending = 0;
}
