/** A scenario as it comes out of a file: every field is known and of its type. */
import { DEVNET_VERSION } from "../params/networks.ts";
import { parseFil } from "../types/amount.ts";
import { type LabScenario, type NodesVerb, ScenarioError, type Verb } from "./types.ts";

type Check = (value: unknown, place: string) => void;
type Fields = Readonly<Record<string, { readonly check: Check; readonly optional?: true }>>;

/** Steps of one scenario. */
const MAX_STEPS = 10_000;
/** Epochs that one step passes. */
export const MAX_EPOCHS = 100_000;
const MAX_SECTORS = 1000;
const MAX_NODES = 16;
/** Lists and objects within each other. */
const MAX_DEPTH = 64;
/** Milliseconds; and the share of losses at which a stream still comes through. */
const MAX_LATENCY = 10_000;
const MAX_LOSS = 0.9;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
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
/** By how much something has changed: below nothing where it has become less. */
const change: Check = (value, place) => {
  text(value, place);
  try {
    parseFil(value as string);
  } catch (error) {
    badScenario(place, (error as Error).message);
  }
  if (!/[a-zµμ]\s*$/i.test(value as string)) badScenario(place, `an amount needs its unit: "${value} FIL"`);
};
const amount: Check = (value, place) => {
  change(value, place);
  if (parseFil(value as string) < 0n)
    badScenario(place, `an amount is not negative, "${value}" is: only what was gained may be (expectBalance)`);
};
const duration: Check = (value, place) => {
  if (typeof value !== "string" || !/^\d{1,9}[smhd]$/.test(value))
    badScenario(place, "a duration such as 90s, 15m, 2h or 1d is needed");
};
const share: Check = (value, place) => {
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_LOSS))
    badScenario(place, `a number from 0 to ${MAX_LOSS} is needed`);
};
const boolean: Check = (value, place) => {
  if (typeof value !== "boolean") badScenario(place, "true or false is needed");
};
/** Any JSON, not deeper than answers are: whoever walks over it goes a call deeper for each level. */
const anything: Check = (value, place) => {
  for (let level = [value], depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) badScenario(place, `lists and objects within each other, at most ${MAX_DEPTH}, are needed`);
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
};
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

/** `also`: what is said of a field that there is not, behind those that there are. */
function object(fields: Fields, also = ""): Check {
  return (value, place) => {
    if (!isObject(value)) return badScenario(place, `an object with ${Object.keys(fields).join(", ")} is needed`);
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined)
      badScenario(`${place}.${unknown}`, `there is no such field; there are ${Object.keys(fields).join(", ")}${also}`);
    for (const [name, { check, optional }] of Object.entries(fields)) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      if (given === undefined && optional) continue;
      if (given === undefined) badScenario(`${place}.${name}`, "it is missing");
      check(given, `${place}.${name}`);
    }
  };
}

const must = (check: Check): { readonly check: Check } => ({ check });
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
  skipProofs: object({ miner, deadlines: may(list(whole(0, 47))), anyway: may(boolean) }),
  setMiner: object({ miner, on: must(boolean) }),
  equivocate: object({ miner, anyway: may(boolean) }),
  terminate: object({ miner, sectors: must(list(sector)), anyway: may(boolean) }),
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
  expectBalance: object({ of: must(text), gained: may(change), ...bounds(amount) }),
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

const nodeIndex = whole(0, MAX_NODES - 1);
const node = may(nodeIndex);
const nodes = list(nodeIndex);
const NODES_VALUES: { readonly [V in NodesVerb]: Check } = {
  mine: whole(1, MAX_EPOCHS),
  mineTo: number,
  pass: duration,
  send: object({
    ...{ node, from: must(text), to: must(text), value: must(amount) },
    ...{ exit: may(number), wait: may(boolean) },
  }),
  part: list(nodes),
  heal: object({}),
  setNode: object({ node: must(nodeIndex), on: must(boolean) }),
  setLinks: object({
    between: may((value, place) => {
      nodes(value, place);
      if ((value as readonly number[]).length !== 2) badScenario(place, "two nodes are needed");
    }),
    latency: may(whole(0, MAX_LATENCY)),
    loss: may(share),
  }),
  expectHead: object({ node, ...bounds(number) }),
  expectBalance: object({ node, of: must(text), gained: may(change), ...bounds(amount) }),
  expectChains: object({ is: must(whole(1, MAX_NODES)), nodes: may(nodes), within: may(epochs) }),
  expectPeers: object({ node, are: must(nodes) }),
  expectReorg: object({ node, ...bounds(number) }),
};

function step<V extends string>(
  checks: Readonly<Record<V, Check>>,
  others: Readonly<Record<string, Check>>,
  elsewhere: string,
) {
  const verbs = Object.keys(checks) as unknown as readonly V[];
  return (given: unknown, place: string): readonly [verb: V, value: unknown] => {
    const names = isObject(given) ? Object.keys(given) : [];
    const [verb] = names as unknown as readonly V[];
    if (verb === undefined || names.length !== 1) return badScenario(place, "an object with one verb is needed");
    if (!verbs.includes(verb)) {
      const where = Object.hasOwn(others, verb) ? ` ${elsewhere}` : "";
      return badScenario(place, `there is no step ${verb}${where}; there are ${verbs.join(", ")}`);
    }
    const value = (given as Readonly<Record<string, unknown>>)[verb];
    checks[verb](value, `${place}.${verb}`);
    return [verb, value];
  };
}

/** The verb of a step and its value. Throws `ScenarioError` BAD_SCENARIO. */
export const readStep: (given: unknown, place: string) => readonly [verb: Verb, value: unknown] = step(
  VALUES,
  NODES_VALUES,
  "on a network of one node (network.nodes makes one of several)",
);
/** The same, of a network of several nodes. */
export const readNodesStep: (given: unknown, place: string) => readonly [verb: NodesVerb, value: unknown] = step(
  NODES_VALUES,
  VALUES,
  "on a network of several nodes",
);

/** Seconds of a duration such as "2h". */
export function secondsOf(text: string): number {
  return Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] as number);
}

function steps(read: (given: unknown, place: string) => unknown) {
  return must((value, place) => {
    if (!Array.isArray(value) || value.length > MAX_STEPS)
      badScenario(place, `a list of up to ${MAX_STEPS} steps is needed`);
    for (const [i, given] of (value as unknown[]).entries()) read(given, `step ${i + 1}`);
  });
}

const ONE = { seed: may(text), accounts: may(whole(1, 100)) };
const VERSION = `scenarios are of network version ${DEVNET_VERSION}`;
const FILE = object({
  name: must(text),
  network: may(
    object(
      { ...ONE, miners: may(whole(0, 16)), sectors: may(whole(1, 64)) },
      `; nodes, in place of miners and sectors, makes a network of several; ${VERSION}`,
    ),
  ),
  steps: steps(readStep),
});
const NODES_FILE = object({
  name: must(text),
  network: must(
    object(
      { ...ONE, nodes: must(whole(2, MAX_NODES)) },
      `; miners and sectors are for a network of one node, without nodes; ${VERSION}`,
    ),
  ),
  steps: steps(readNodesStep),
});

/** Throws `ScenarioError` BAD_SCENARIO, with the place that is wrong. */
export function readScenario(value: unknown): LabScenario {
  const hasNodes = isObject(value) && isObject(value["network"]) && Object.hasOwn(value["network"], "nodes");
  (hasNodes ? NODES_FILE : FILE)(value, "the scenario");
  return value as LabScenario;
}
