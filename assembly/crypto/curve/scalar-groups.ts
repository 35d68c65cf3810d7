/** Which of many scalars are equal: a hash table of those met so far. */

/** Slots of the table in which equal scalars find each other: a power of two above the count. */
export function tableSlots(count: i32): i32 {
  return 1 << (33 - clz<u32>(<u32>count));
}

/** The group of a scalar, -1 for zero; a new group's scalar is appended to `distinct` and its number is `groups`. */
export function findGroup(table: usize, slots: i32, distinct: usize, groups: i32, scalar: usize): i32 {
  const a = load<u64>(scalar), b = load<u64>(scalar, 8), c = load<u64>(scalar, 16), d = load<u64>(scalar, 24);
  if ((a | b | c | d) == 0) return -1;
  let at = <i32>(((a ^ (b >> 7) ^ (c << 9) ^ (d >> 3)) * 0x9e3779b97f4a7c15) >> 40) & (slots - 1);
  while (true) {
    const entry = load<i32>(table + 4 * <usize>at);
    if (entry == 0) break;
    if (memory.compare(distinct + 32 * <usize>(entry - 1), scalar, 32) == 0) return entry - 1;
    at = (at + 1) & (slots - 1);
  }
  store<i32>(table + 4 * <usize>at, groups + 1);
  memory.copy(distinct + 32 * <usize>groups, scalar, 32);
  return groups;
}
