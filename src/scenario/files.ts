/** What a scenario that comes as data must not do: read or write files of whoever runs it. A module is a program, and may. */
import { filePath } from "../rpc/codec/codec.ts";
import { CURRENT_GROUPS } from "../rpc/groups.ts";
import type { Group } from "../rpc/method.ts";
import { badScenario } from "./read.ts";
import type { LabScenario } from "./types.ts";

const PATH = JSON.stringify(filePath.schema);

/** Whole names of the methods that take a path. */
function methodsWithPaths(): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { prefix, methods } of CURRENT_GROUPS as readonly Group[])
    for (const [name, { params }] of Object.entries(methods))
      if (params.some(({ codec }) => JSON.stringify(codec.schema).includes(PATH))) names.add(prefix + name);
  return names;
}

/** Throws `ScenarioError` BAD_SCENARIO for a step that calls a method which takes a path of a file. */
export function refuseFiles({ steps }: LabScenario): void {
  const refused = methodsWithPaths();
  for (const [i, step] of steps.entries())
    for (const [verb, value] of Object.entries(step)) {
      if (verb !== "call" && verb !== "expectCall") continue;
      const { method } = value as { readonly method: string };
      if (refused.has(method) || refused.has(`Filecoin.${method}`))
        badScenario(`step ${i + 1}.${verb}.method`, `${method} reads or writes files, which a module (.mjs) may alone`);
    }
}
