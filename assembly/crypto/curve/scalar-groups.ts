/** Which of many scalars are equal (a hash table of those met so far), and lists that lie one behind the other. */

/** Slots of the table in which equal scalars find each other: a power of two above the count. */
export function tableSlots(count: i32): i32 {
  return 1 << (33 - clz<u32>(<u32>count));
}

/** The group of a scalar, -1 for zero; a new group's scalar is appended to `distinct` and its number is `groups`. */
function findGroup(table: usize, slots: i32, distinct: usize, groups: i32, scalar: usize): i32 {
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

/**
 * How many different scalars there are beside zero; they go to `distinct`, in the order in which they are met. group: i32 for each
 * scalar, its group or -1; lengths: u32 for each scalar's group, how many it has; table: `slots` (`tableSlots`) i32.
 */
export function groupScalars(
  group: usize, lengths: usize, distinct: usize, table: usize, slots: i32, scalars: usize, count: i32,
): i32 {
  memory.fill(table, 0, 4 * <usize>slots);
  memory.fill(lengths, 0, 4 * <usize>count);
  let groups = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const found = findGroup(table, slots, distinct, groups, scalars + 32 * i);
    store<i32>(group + 4 * i, found);
    if (found < 0) continue;
    if (found == groups) groups++;
    store<u32>(lengths + 4 * <usize>found, load<u32>(lengths + 4 * <usize>found) + 1);
  }
  return groups;
}

/** starts[i] = lengths[0] + … + lengths[i - 1], where list i begins; lengths, u32 as they, are zero then, to be counted up again. */
export function startLists(starts: usize, lengths: usize, lists: i32): void {
  let sum: u32 = 0;
  for (let i: usize = 0; i < <usize>lists; i++) {
    store<u32>(starts + 4 * i, sum);
    sum += load<u32>(lengths + 4 * i);
    store<u32>(lengths + 4 * i, 0);
  }
}
