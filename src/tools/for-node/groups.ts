/** Which modules lie in one file. */
import type { Program } from "./entries.ts";

export type Graph = {
  /** Modules that one imports at its start. */
  imports(id: string): readonly string[];
  bytes(id: string): number;
};

/** A file of the form: what lies in it, and how many programs load it. */
export type SharedFile = { readonly modules: readonly string[]; readonly programs: number };

/**
 * What a file costs a start beside its text, as bytes of text: on an AMD Zen 3 a file takes 1.8 ms to be found, opened and linked, and
 * 40 kB about as long to be compiled (docs/performance.md, "Starting").
 */
const FILE_BYTES = 40_000;

type Group = { readonly modules: string[]; bytes: number; readonly imports: Set<Group> };

/**
 * The modules that programs reach, by the file in which they lie. At first each file holds what the very same programs reach: as what
 * a module imports is reached by all who reach the module, files never import each other in a circle. Then two become one, again and
 * again, as long as that makes starts cheaper and closes no circle.
 */
export function groupsOf(programs: readonly Program[], graph: Graph): readonly SharedFile[] {
  const reachedBy = new Map<string, number[]>();
  programs.forEach(({ starts }, i) => {
    for (const id of closure(starts, (one) => graph.imports(one))) {
      const list = reachedBy.get(id);
      if (list === undefined) reachedBy.set(id, [i]);
      else list.push(i);
    }
  });
  const bySignature = new Map<string, Group>();
  const groupOf = new Map<string, Group>();
  for (const [id, list] of reachedBy) {
    const group = bySignature.get(list.join()) ?? { modules: [], bytes: 0, imports: new Set<Group>() };
    bySignature.set(list.join(), group);
    group.modules.push(id);
    group.bytes += graph.bytes(id);
    groupOf.set(id, group);
  }
  for (const [id, group] of groupOf)
    for (const imported of graph.imports(id)) {
      const other = groupOf.get(imported) as Group;
      if (other !== group) group.imports.add(other);
    }
  const groups = new Set(bySignature.values());
  const loads = programs.map(({ starts, weight }) => ({
    starts: starts.map((id) => groupOf.get(id) as Group),
    weight,
  }));
  while (joinBest(groups, loads));
  const loaded = loads.map(({ starts }) => reach(starts));
  return [...groups].map((group) => ({
    modules: group.modules,
    programs: loaded.filter((set) => set.has(group)).length,
  }));
}

type Load = { readonly starts: Group[]; readonly weight: number };

const reach = (starts: readonly Group[]): Set<Group> => closure(starts, ({ imports }) => [...imports]);
const cost = ({ bytes }: Group): number => bytes + FILE_BYTES;

/** Makes one of the two groups that save most by it; false if none do. */
function joinBest(groups: Set<Group>, loads: readonly Load[]): boolean {
  const below = new Map([...groups].map((group) => [group, reach([group])] as const));
  const loaded = loads.map(({ starts, weight }) => ({ set: reach(starts), weight }));
  const wins: { readonly a: Group; readonly b: Group; readonly saved: number }[] = [];
  const all = [...groups];
  for (const [i, a] of all.entries())
    for (const b of all.slice(i + 1)) {
      let saved = 0;
      for (const { set, weight } of loaded) {
        const [hasA, hasB] = [set.has(a), set.has(b)];
        if (hasA && hasB) saved += weight * FILE_BYTES;
        else if (hasA || hasB) {
          // It loads what the other one holds, and what that imports.
          for (const one of below.get(hasA ? b : a) as Set<Group>) if (!set.has(one)) saved -= weight * cost(one);
          saved += weight * FILE_BYTES;
        }
      }
      if (saved > 0) wins.push({ a, b, saved });
    }
  wins.sort((x, y) => y.saved - x.saved);
  const best = wins.find(({ a, b }) => !isBetween(a, b, below) && !isBetween(b, a, below));
  if (best === undefined) return false;
  join(best.a, best.b, groups, loads);
  return true;
}

/** Whether a path leads from one to the other by way of a third. */
function isBetween(from: Group, to: Group, below: ReadonlyMap<Group, ReadonlySet<Group>>): boolean {
  return [...(below.get(from) as Set<Group>)].some((one) => one !== from && one !== to && below.get(one)?.has(to));
}

function join(a: Group, b: Group, groups: Set<Group>, loads: readonly Load[]): void {
  a.modules.push(...b.modules);
  a.bytes += b.bytes;
  for (const one of b.imports) a.imports.add(one);
  a.imports.delete(a);
  a.imports.delete(b);
  groups.delete(b);
  for (const { imports } of groups) if (imports.delete(b)) imports.add(a);
  a.imports.delete(a);
  for (const { starts } of loads) for (const [i, one] of starts.entries()) if (one === b) starts[i] = a;
}

function closure<T>(starts: readonly T[], next: (one: T) => readonly T[]): Set<T> {
  const seen = new Set(starts);
  for (const one of seen) for (const further of next(one)) seen.add(further);
  return seen;
}
