/** What a step has given a name. Throws with the names that there are. */
export function known<T>(names: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = names.get(name);
  if (found !== undefined) return found;
  const all = [...names.keys()];
  throw new Error(`no step has named a ${kind} ${name}${all.length === 0 ? "" : `; there are ${all.join(", ")}`}`);
}
