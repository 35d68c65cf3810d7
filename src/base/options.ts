/** Checks of options that programs and commands give: what cannot be meant is refused by the option's name. */
import { describeValue, FilError } from "./errors.ts";
import { nearestName } from "./nearest-name.ts";

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

export function checkFlag(option: string, value: unknown): boolean {
  return typeof value === "boolean" ? value : refuse(option, "true or false", value);
}

/** Names of all options of a type: the compiler sees to it that none is missing and none is made up. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true };

/**
 * That options are an object, and that none is given whose name `taker` ("Devnet.open") does not know: a default would hold silently
 * in its place. For what is called once, not for what runs often.
 */
export function checkNames<Options>(taker: string, given: Options, names: OptionNames<Options>): void {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    refuse("options", `an object with options of ${taker}`, given);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const known = Object.keys(names);
  const near = nearestName(unknown, known);
  const next = near === null ? `there are ${known.join(", ")}` : `is ${near} meant?`;
  throw new OptionError(unknown.slice(0, LONGEST_NAME), `there is no such option of ${taker}; ${next}`);
}

/** Characters of an unknown name that are told. */
const LONGEST_NAME = 60;
