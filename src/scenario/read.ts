/** A scenario as it comes out of a file: every field is known and of its type. */
import { parseFil } from "../types/amount.ts";
import { type LabScenario, type LabStep, ScenarioError, type StepValues, type Verb } from "./types.ts";

type Check = (value: unknown, place: string) => void;
type Fields = Readonly<Record<string, { readonly check: Check; readonly optional?: true }>>;

/** Steps of one scenario, and epochs of one step. */
const MAX_STEPS = 10_000;
const MAX_EPOCHS = 100_000;
const MAX_SECTORS = 1000;
/** Bytes of a deal's data. */
const MAX_BYTES = 64 << 20;

export function badScenario(place: string, why: string): never {
  throw new ScenarioError({ code: "BAD_SCENARIO", place }, `${place}: ${why}`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function whole(low: number, high: number): Check {
  return (value, place) => {
    if (!Number.isSafeInteger(value) || (value as number) < low || (value as number) > high)
      badScenario(place, `a whole number from ${low} to ${high} is needed`);
  };
}

const text: Check = (value, place) => {
  if (typeof value !== "string" || value === "" || value.length > 200)
    badScenario(place, "a text of up to 200 characters is needed");
};
const amount: Check = (value, place) => {
  text(value, place);
  try {
    parseFil(value as string);
  } catch (error) {
    badScenario(place, (error as Error).message);
  }
  if (!/[a-zµμ]\s*$/i.test(value as string)) badScenario(place, `an amount needs its unit: "${value} FIL"`);
};
const duration: Check = (value, place) => {
  if (typeof value !== "string" || !/^\d{1,9}[smhd]$/.test(value))
    badScenario(place, "a duration such as 90s, 15m, 2h or 1d is needed");
};
const boolean: Check = (value, place) => {
  if (typeof value !== "boolean") badScenario(place, "true or false is needed");
};
const anything: Check = () => undefined;
const epochs = whole(0, MAX_EPOCHS);
const number = whole(0, Number.MAX_SAFE_INTEGER);
const sector: Check = (value, place) => (typeof value === "string" ? text(value, place) : number(value, place));

function list(of: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value) || value.length > MAX_SECTORS)
      badScenario(place, `a list of up to ${MAX_SECTORS} is needed`);
    for (const [i, one] of (value as unknown[]).entries()) of(one, `${place}[${i}]`);
  };
}

function choice(...choices: readonly string[]): Check {
  return (value, place) => {
    if (!choices.includes(value as string)) badScenario(place, `one of ${choices.join(", ")} is needed`);
  };
}

function object(fields: Fields): Check {
  return (value, place) => {
    if (!isObject(value)) return badScenario(place, `an object with ${Object.keys(fields).join(", ")} is needed`);
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined)
      badScenario(`${place}.${unknown}`, `there is no such field; there are ${Object.keys(fields).join(", ")}`);
    for (const [name, { check, optional }] of Object.entries(fields)) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      if (given === undefined && optional) continue;
      if (given === undefined) badScenario(`${place}.${name}`, "it is missing");
      check(given, `${place}.${name}`);
    }
  };
}

const must = (check: Check) => ({ check });
const may = (check: Check) => ({ check, optional: true }) as const;
const miner = may(text);
const bounds = (check: Check) => ({ is: may(check), atLeast: may(check), atMost: may(check) });
const sectors = may(list(sector));

const VALUES: { readonly [V in Verb]: Check } = {
  mine: whole(1, MAX_EPOCHS),
  mineTo: number,
  pass: duration,
  skipRounds: whole(1, MAX_EPOCHS),
  toDeadline: object({ miner, deadline: may(whole(0, 47)), skip: may(boolean) }),
  toSector: object({ miner, sector: must(sector), state: must(text), epochs: may(epochs) }),
  send: object({ from: must(text), to: must(text), value: must(amount), exit: may(number), wait: may(boolean) }),
  pledge: object({ miner, as: must(text) }),
  setSector: object({ miner, sector: must(sector), fault: must(choice("none", "lost", "changed")) }),
  skipProofs: object({ miner, deadlines: may(list(whole(0, 47))) }),
  setMiner: object({ miner, on: must(boolean) }),
  equivocate: object({ miner }),
  terminate: object({ miner, sectors: must(list(sector)) }),
  snapshot: text,
  revert: text,
  channel: object({ from: must(text), to: must(text), amount: must(amount), as: must(text) }),
  pay: object({ channel: must(text), total: must(amount), lane: may(number) }),
  settle: object({ channel: must(text) }),
  collect: object({ channel: must(text) }),
  deal: object({
    ...{ miner, client: must(text), as: must(text), bytes: may(whole(1, MAX_BYTES)) },
    ...{ price: may(amount), maxPrice: may(amount), duration: may(number), start: may(epochs) },
  }),
  toDeal: object({ deal: must(text), state: must(text), epochs: may(epochs) }),
  call: object({ method: must(text), params: may(list(anything)) }),
  expectBalance: object({ of: must(text), gained: may(amount), ...bounds(amount) }),
  expectHead: object({ as: may(text), ...bounds(number) }),
  expectSectors: object({
    ...{ miner, live: sectors, active: sectors, faulty: sectors },
    ...{ recovering: sectors, unproven: sectors, terminated: sectors },
  }),
  expectSector: object({ miner, sector: must(sector), state: must(text) }),
  expectDeal: object({ deal: must(text), state: must(text), side: may(choice("client", "provider")) }),
  expectPower: object({ miner, ...bounds(number) }),
  expectCall: object({ method: must(text), params: may(list(anything)), has: must(anything) }),
};
export const VERBS = Object.keys(VALUES) as readonly Verb[];

/** The verb of a step and its value. Throws `ScenarioError` BAD_SCENARIO. */
export function readStep(step: unknown, place: string): readonly [verb: Verb, value: StepValues[Verb]] {
  const names = isObject(step) ? Object.keys(step) : [];
  const [verb] = names as readonly Verb[];
  if (verb === undefined || names.length !== 1) return badScenario(place, "an object with one verb is needed");
  if (!VERBS.includes(verb)) return badScenario(place, `there is no step ${verb}; there are ${VERBS.join(", ")}`);
  const value = (step as Readonly<Record<string, unknown>>)[verb] as StepValues[Verb];
  VALUES[verb](value, `${place}.${verb}`);
  return [verb, value];
}

const FILE = object({
  name: must(text),
  network: may(
    object({
      seed: may(text),
      accounts: may(whole(1, 100)),
      miners: may(whole(0, 16)),
      sectors: may(whole(1, 64)),
    }),
  ),
  steps: must((value, place) => {
    if (!Array.isArray(value) || value.length > MAX_STEPS)
      badScenario(place, `a list of up to ${MAX_STEPS} steps is needed`);
    for (const [i, step] of (value as LabStep[]).entries()) readStep(step, `step ${i + 1}`);
  }),
});

/** Throws `ScenarioError` BAD_SCENARIO, with the place that is wrong. */
export function readScenario(value: unknown): LabScenario {
  FILE(value, "the scenario");
  return value as LabScenario;
}
