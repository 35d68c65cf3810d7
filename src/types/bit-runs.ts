/**
 * Sets of numbers as run lengths, zeros first: counting, union, difference. Work is by runs, whatever their lengths.
 */
export type Runs = readonly bigint[];

type Edge = { readonly at: bigint; readonly set: 0 | 1; readonly step: 1 | -1 };

/** Where runs of ones begin and end. */
function edges(runs: Runs, set: 0 | 1): Edge[] {
  const out: Edge[] = [];
  let at = 0n;
  runs.forEach((length, i) => {
    if (i % 2 === 1 && length > 0n) out.push({ at, set, step: 1 }, { at: at + length, set, step: -1 });
    at += length;
  });
  return out;
}

/** Bits for which `keep` holds, given whether they are in the first and in the second set. */
function combine(a: Runs, b: Runs, keep: (inA: boolean, inB: boolean) => boolean): bigint[] {
  const all = [...edges(a, 0), ...edges(b, 1)].sort((x, y) => (x.at < y.at ? -1 : x.at > y.at ? 1 : 0));
  const depth = [0, 0];
  const out: bigint[] = [];
  let on = false;
  let from = 0n;
  for (let i = 0; i < all.length; i++) {
    const { at, set, step } = all[i] as Edge;
    depth[set] = (depth[set] as number) + step;
    if (all[i + 1]?.at === at) continue;
    const now = keep((depth[0] as number) > 0, (depth[1] as number) > 0);
    if (now === on) continue;
    out.push(at - from);
    from = at;
    on = now;
  }
  return out;
}

export function unionRuns(a: Runs, b: Runs): bigint[] {
  return combine(a, b, (inA, inB) => inA || inB);
}

/** Numbers of the first set that are not in the second. */
export function subtractRuns(a: Runs, b: Runs): bigint[] {
  return combine(a, b, (inA, inB) => inA && !inB);
}

export function countRuns(runs: Runs): bigint {
  return runs.reduce((sum, length, i) => (i % 2 === 1 ? sum + length : sum), 0n);
}

export function hasBit(runs: Runs, number: bigint): boolean {
  let at = 0n;
  for (let i = 0; i < runs.length; i++) {
    at += runs[i] as bigint;
    if (number < at) return i % 2 === 1;
  }
  return false;
}
