/** Shapes of answers as the reference's documentation shows them, and how ours compare. See test/fixtures/rpc. */
import { readFixtureJson } from "./files.ts";

export type Shape = string | readonly Shape[] | { readonly [field: string]: Shape };
export type ReferenceMethod = { readonly permission: string | null; readonly params: number; readonly result?: Shape };
type Reference = {
  readonly types: Readonly<Record<string, Shape>>;
  readonly v0: Readonly<Record<string, ReferenceMethod>>;
  readonly v1: Readonly<Record<string, ReferenceMethod>>;
};

export const reference = await readFixtureJson<Reference>("rpc/lotus-shapes.json");

/** What the reference says of a method at a version of the interface; undefined if it has none of this name. */
export function referenceOf(version: "v0" | "v1", name: string): ReferenceMethod | undefined {
  return reference[version][name] ?? (version === "v0" ? reference.v1[name] : undefined);
}

function isLink(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).join() === "/";
}

function kindOf(value: unknown): string {
  if (isLink(value)) return "link";
  if (Array.isArray(value)) return "list";
  return typeof value;
}

/**
 * Differences of an answer from a shape: fields that one has and the other has not, and values of other kinds. null and empty
 * lists say nothing, nor do fields of objects whose names are data (`names`).
 */
export function differences(shape: Shape, value: unknown, path: string, names: readonly string[] = []): string[] {
  const wanted = typeof shape === "string" ? (reference.types[shape] ?? shape) : shape;
  if (value === null || wanted === "null") return [];
  if (typeof wanted === "string") return kindOf(value) === wanted ? [] : [`${path}: ${wanted}, not ${kindOf(value)}`];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(value)) return [`${path}: list, not ${kindOf(value)}`];
    const of = (wanted as readonly Shape[])[0];
    return of === undefined || value.length === 0 ? [] : differences(of, value[0], `${path}[0]`, names);
  }
  if (kindOf(value) !== "object") return [`${path}: object, not ${kindOf(value)}`];
  const fields = wanted as { readonly [field: string]: Shape };
  const given = value as Record<string, unknown>;
  const first = Object.values(fields)[0];
  if (names.includes(path))
    return first === undefined
      ? []
      : Object.values(given)
          .slice(0, 1)
          .flatMap((one) => differences(first, one, `${path}.*`, names));
  const out: string[] = [];
  for (const name of Object.keys(fields)) if (!(name in given)) out.push(`${path}.${name}: missing`);
  for (const name of Object.keys(given)) if (!(name in fields)) out.push(`${path}.${name}: unknown to the reference`);
  for (const [name, of] of Object.entries(fields))
    if (name in given) out.push(...differences(of, given[name], `${path}.${name}`, names));
  return out;
}
