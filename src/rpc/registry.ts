/** All methods by whole name, for each version of the interface. */
import type { Group, Method } from "./method.ts";
import { API_VERSIONS, type ApiVersion } from "./versions.ts";

export class Registry {
  readonly groups: readonly Group[];
  private readonly byVersion: ReadonlyMap<ApiVersion, ReadonlyMap<string, Method>>;

  constructor(groups: readonly Group[]) {
    this.groups = groups;
    this.byVersion = new Map(API_VERSIONS.map((version) => [version, tableOf(groups, version)]));
  }

  methods(version: ApiVersion): ReadonlyMap<string, Method> {
    return this.byVersion.get(version) as ReadonlyMap<string, Method>;
  }
}

function tableOf(groups: readonly Group[], version: ApiVersion): ReadonlyMap<string, Method> {
  const table = new Map<string, Method>();
  const add = (name: string, method: Method): void => {
    if (table.has(name)) throw new TypeError(`RPC method ${name} is defined twice in ${version}`);
    table.set(name, method);
  };
  for (const { prefix, versions, methods } of groups) {
    if (!versions.includes(version)) continue;
    for (const [name, method] of Object.entries(methods)) {
      add(prefix + name, method);
      for (const alias of method.aliases ?? []) add(alias, method);
    }
  }
  return table;
}
