/** Which modules lie in one file. */

export type Graph = {
  /** Modules that one imports at its start. */
  imports(id: string): readonly string[];
  bytes(id: string): number;
};

/** A smaller file joins one that is loaded wherever it is, if that costs nobody more than its own bytes. */
const SMALL_BYTES = 12_000;

type Group = { readonly programs: ReadonlySet<string>; readonly modules: Set<string> };

/**
 * A name for each module that a program reaches: those that the same programs reach share one. As what a module imports is reached
 * by all who reach the module, files never import each other in a circle.
 */
export function groupsOf(programs: Readonly<Record<string, readonly string[]>>, graph: Graph): Map<string, string> {
  const reachedBy = new Map<string, string[]>();
  for (const [program, starts] of Object.entries(programs))
    for (const id of closure(starts, (one) => graph.imports(one))) {
      const list = reachedBy.get(id);
      if (list === undefined) reachedBy.set(id, [program]);
      else list.push(program);
    }
  const groups = new Map<string, Group>();
  for (const [id, list] of reachedBy) {
    const name = list.join("-");
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { programs: new Set(list), modules: new Set([id]) });
    else group.modules.add(id);
  }
  joinSmall(groups, graph);
  return new Map([...groups].flatMap(([name, { modules }]) => [...modules].map((id) => [id, name] as const)));
}

function joinSmall(groups: Map<string, Group>, graph: Graph): void {
  const size = ({ modules }: Group): number => [...modules].reduce((sum, id) => sum + graph.bytes(id), 0);
  const bySize = [...groups].map(([name, group]) => ({ name, group, bytes: size(group) }));
  for (const { name, group } of bySize.filter((one) => one.bytes < SMALL_BYTES).sort((a, b) => a.bytes - b.bytes)) {
    const needs = neededBy(name, groups, graph);
    const wider = [...groups]
      .filter(([other, { programs }]) => other !== name && [...group.programs].every((one) => programs.has(one)))
      .sort(([, a], [, b]) => a.programs.size - b.programs.size);
    // Whoever loads the other group has all that this one needs.
    const target = wider.find(([other]) => {
      const there = closure([other], (one) => neededBy(one, groups, graph));
      return needs.every((one) => there.has(one));
    });
    if (target === undefined) continue;
    for (const id of group.modules) target[1].modules.add(id);
    groups.delete(name);
  }
}

/** Groups that one imports, without itself. */
function neededBy(name: string, groups: ReadonlyMap<string, Group>, graph: Graph): string[] {
  const needed = new Set<string>();
  for (const id of (groups.get(name) as Group).modules)
    for (const imported of graph.imports(id))
      for (const [other, { modules }] of groups) if (other !== name && modules.has(imported)) needed.add(other);
  return [...needed];
}

function closure(starts: readonly string[], next: (one: string) => readonly string[]): Set<string> {
  const seen = new Set(starts);
  for (const one of seen) for (const further of next(one)) seen.add(further);
  return seen;
}
