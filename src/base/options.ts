/** Checks of options that programs and commands give: what cannot be meant is refused by the option's name. */
import { describeValue, FilError } from "./errors.ts";

export class OptionError extends FilError<{ readonly code: "BAD_OPTION"; readonly option: string }> {
  constructor(option: string, why: string, options?: ErrorOptions) {
    super({ code: "BAD_OPTION", option }, `${option}: ${why}`, options);
  }
}

/** Lowest and highest value, both included. */
export type Bounds = readonly [low: number, high: number];

function refuse(option: string, wanted: string, value: unknown): never {
  throw new OptionError(option, `${wanted} expected, got ${describeValue(value)}`);
}

export function checkWhole(option: string, value: unknown, [low, high]: Bounds): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= low && value <= high) return value;
  return refuse(option, `a whole number from ${low} to ${high}`, value);
}

/** A number, which may have a fraction. */
export function checkNumber(option: string, value: unknown, [low, high]: Bounds): number {
  if (typeof value === "number" && value >= low && value <= high) return value;
  return refuse(option, `a number from ${low} to ${high}`, value);
}

export function checkText(option: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  return refuse(option, "a text that is not empty", value);
}

export function checkChoice<T extends string>(option: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  return found ?? refuse(option, choices.map((choice) => JSON.stringify(choice)).join(" or "), value);
}
