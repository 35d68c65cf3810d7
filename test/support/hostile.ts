/**
 * Arguments as a stranger or a careless caller would give them: a valid argument with one thing in it replaced by what it
 * must not be, at every place and of every type.
 */
import { FilError } from "../../src/base/errors.ts";

/** What stands in the place of a value. */
const REPLACEMENTS: readonly (readonly [name: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["true", true],
  ["false", false],
  ["-1", -1],
  ["0.5", 0.5],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["2^53", 2 ** 53],
  ["2^32", 2 ** 32],
  ["-1n", -1n],
  ["2^64 n", 1n << 64n],
  ["2^2000 n", 1n << 2000n],
  ["empty text", ""],
  ["text", "9".repeat(40)],
  ["empty list", []],
  ["sparse list", new Array(3)],
  ["list of numbers", Array.from({ length: 32 }, (_, i) => i)],
  ["empty object", {}],
  ["object without prototype", Object.create(null)],
  ["object that counts itself long", { length: 2 ** 40 }],
  ["function", () => 1],
  ["symbol", Symbol("x")],
  ["date", new Date(0)],
  ["no bytes", new Uint8Array(0)],
  ["31 bytes", new Uint8Array(31)],
  ["33 bytes", new Uint8Array(33)],
  ["32 bytes of 255", new Uint8Array(32).fill(255)],
  ["words", new Uint32Array(8)],
  ["a buffer", new ArrayBuffer(32)],
];

/** Deepest place that is visited. */
const MAX_DEPTH = 9;

/** Every copy of `value` in which one thing is replaced; of a list the last element is visited. */
export function* replacedEverywhere(value: unknown, path = "", depth = 0): Generator<[path: string, changed: unknown]> {
  for (const [name, replacement] of REPLACEMENTS)
    if (!isSame(value, replacement)) yield [`${path} = ${name}`, replacement];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || depth > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    // All arguments, but of the lists in them one element: of two alike, both would be found at once.
    const places = depth === 0 ? value.keys() : value.length === 0 ? [] : [value.length - 1];
    for (const at of places)
      for (const [inner, changed] of replacedEverywhere(value[at], `${path}[${at}]`, depth + 1))
        yield [inner, value.with(at, changed)];
    return;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return;
  for (const [name, part] of Object.entries(value))
    for (const [inner, changed] of replacedEverywhere(part, `${path}.${name}`, depth + 1))
      yield [inner, { ...value, [name]: changed }];
}

function isSame(value: unknown, other: unknown): boolean {
  return Object.is(value, other) || (Array.isArray(value) && Array.isArray(other) && value.length + other.length === 0);
}

/** What a call came to: its answer, or the error of ours that it threw. Any other error is a finding. */
export async function outcomeOf(
  call: () => unknown,
): Promise<{ readonly answer?: unknown; readonly finding?: string }> {
  try {
    return { answer: await call() };
  } catch (error) {
    if (error instanceof FilError) return {};
    return { finding: error instanceof Error ? `${error.name}: ${error.message}` : `threw ${String(error)}` };
  }
}

/**
 * Calls `call` with every replaced copy of its arguments. Collects calls that threw what is no error of ours, and answers
 * that `refuses` finds to be no refusal, except at places that match `free`, where a replacement may mean the same.
 */
export async function findingsOf(
  args: readonly unknown[],
  call: (...args: readonly never[]) => unknown,
  { refuses = (): boolean => true, free = /^$/ }: { refuses?: (answer: unknown) => boolean; free?: RegExp } = {},
): Promise<{ readonly tried: number; readonly findings: readonly string[] }> {
  const findings: string[] = [];
  let tried = 0;
  for (const [path, changed] of replacedEverywhere(args, "")) {
    if (!Array.isArray(changed) || changed.length !== args.length) continue;
    tried++;
    const { answer, finding } = await outcomeOf(() => call(...(changed as never[])));
    if (finding !== undefined) findings.push(`${path}: ${finding}`);
    else if (answer !== undefined && !refuses(answer) && !free.test(path)) findings.push(`${path}: answered ${answer}`);
  }
  return { tried, findings };
}
