/** `groupedMsm` of `msm.ts` in the form of lanes. For modules that are compiled with SIMD. */
import { LANE_LEAST, laneMsm, laneMsmScratch, lanePointFrom } from "./lane-msm";
import { LANE_POINT, lanePairsOver, lanePointOf, laneSumLists } from "./lane-pairs";
import { OverFp } from "./coordinate";
import { groupedMsm, groupedMsmScratch } from "./msm";
import { groupScalars, startLists, tableSlots } from "./scalar-groups";

/** Bytes of scratch for `count` points. */
export function laneGroupedMsmScratch(count: i32): usize {
  if (count < LANE_LEAST) return <usize>count * 112 + groupedMsmScratch<OverFp>(count) + 16;
  return <usize>count * (32 + 16) + 4 * <usize>tableSlots(count) + laneMsmScratch(count) + 32;
}

/**
 * r (homogeneous) = sum of scalars[i] points[i], i < count; points of equal scalars are added first. points: as `lane-pairs` has
 * them, with room for as many behind them; they change. scratch: laneGroupedMsmScratch(count) bytes.
 */
export function laneGroupedMsm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  if (count < LANE_LEAST) {
    const own = (scratch + 7) & ~7;
    for (let i: usize = 0; i < <usize>count; i++) lanePointFrom(own + i * 112, points + i * LANE_POINT);
    groupedMsm<OverFp>(r, own, scalars, count, own + <usize>count * 112);
    return;
  }
  const slots = tableSlots(count);
  const distinct = (scratch + 7) & ~7;
  const group = distinct + 32 * <usize>count;
  const entries = group + 4 * <usize>count;
  const starts = entries + 4 * <usize>count;
  const lengths = starts + 4 * <usize>count;
  const table = lengths + 4 * <usize>count;
  const rest = table + 4 * <usize>slots;
  const groups = groupScalars(group, lengths, distinct, table, slots, scalars, count);
  if (groups == count) {
    laneMsm(r, points, scalars, count, rest);
    return;
  }
  startLists(starts, lengths, groups);
  for (let i: usize = 0; i < <usize>count; i++) {
    const g = load<i32>(group + 4 * i);
    if (g < 0) continue;
    const place = load<u32>(lengths + 4 * <usize>g);
    store<u32>(lengths + 4 * <usize>g, place + 1);
    store<u32>(entries + 4 * <usize>(load<u32>(starts + 4 * <usize>g) + place), <u32>i << 2);
  }
  lanePairsOver(points, points);
  laneSumLists(entries, starts, lengths, groups, <u32>count);
  // Groups stand in ascending order of their first points, so their sums can move to the front one after the other.
  for (let g: usize = 0; g < <usize>groups; g++) {
    lanePointOf(points + g * LANE_POINT, load<u32>(entries + 4 * <usize>load<u32>(starts + 4 * g)));
  }
  laneMsm(r, points, distinct, groups, rest);
}
