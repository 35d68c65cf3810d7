/**
 * Calls that are right but for one thing: each parameter of every method, and each field inside of it, replaced by what it
 * must not be. What comes back is an answer or an error that says something, and nothing else.
 */
import { REGISTRY } from "../../src/rpc/api.ts";
import { PERMISSIONS } from "../../src/rpc/auth.ts";
import { Session } from "../../src/rpc/session.ts";
import { API_VERSIONS, type ApiVersion } from "../../src/rpc/versions.ts";
import { callsOf } from "./rpc-calls.ts";
import type { RpcNetwork } from "./rpc-network.ts";

/** Raw JSON, so that numbers beyond 2^53 are among it. */
const VALUES: readonly string[] = [
  ...["null", "true", "0", "-1", "1.5", "1e300", "-1e300", "3000000", "4294967296", "9007199254740993"],
  ...["18446744073709551615", "18446744073709551616", "-9223372036854775809", "1".repeat(400)],
  ...['""', '"x"', '"-1"', '"0"', '"f0"', '"t099999999999999999999"', '"t410f"', '"0xff"', '"===="', '"AAAA"'],
  ...[`"${"9".repeat(400)}"`, `"${"a".repeat(100_000)}"`, '"\\u0000"', '"\\ud800"', '"\\u00015"', '"t00"', '"t3"'],
  ...["[]", "[[]]", "[null]", "[[[[]]]]", "[1,2,3]", '["x"]', `[${"0,".repeat(5000)}0]`, "[-1]", "[1.5]"],
  ...["{}", '{"/":""}', '{"/":1}', '{"/":"bafy"}', '{"/":{}}', '{"__proto__":{}}', '{"length":1e9}', '{"Type":9}'],
  ...['{"Type":1,"Data":"AA=="}', '{"/":"bafkqaaa"}', '{"/":"baeaaaaa"}', '{"To":"t00","From":"t00"}'],
];

/** Numbers from a seed, the same every time: a linear congruential generator. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Place = { readonly position: number; readonly field: string | null };

/** Positions of a call's parameters, one behind the last, and the fields of those that are objects. */
function placesOf(params: readonly unknown[], count: number): Place[] {
  const places: Place[] = Array.from({ length: count + 1 }, (_, position) => ({ position, field: null }));
  params.forEach((value, position) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const field of Object.keys(value)) places.push({ position, field });
  });
  return places;
}

function requestOf(method: string, params: readonly unknown[], { position, field }: Place, raw: string): string {
  const texts = params.map((value) => JSON.stringify(value ?? null));
  while (texts.length <= position) texts.push("null");
  if (field === null) texts[position] = raw;
  else {
    const rest = Object.entries(params[position] as object).filter(([name]) => name !== field);
    const fields = rest.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value ?? null)}`);
    texts[position] = `{${[...fields, `${JSON.stringify(field)}:${raw}`].join(",")}}`;
  }
  return `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)},"params":[${texts.join(",")}]}`;
}

/** What no answer may say: it speaks of our program and not of the call. */
const INNER = /internal error|is not a function|Cannot read|undefined|\[object/;

export type FuzzReport = { readonly calls: number; readonly places: number; readonly problems: readonly string[] };

/**
 * Makes `perPlace` calls for each place of each method, with values drawn by `seed`. A wait is left after `waitMs`; a call
 * that is not answered within `answerMs` is a problem.
 */
export async function fuzzMethods(
  on: RpcNetwork,
  {
    perPlace,
    seed,
    answerMs = 30_000,
    waitMs = 20,
  }: { perPlace: number; seed: number; answerMs?: number; waitMs?: number },
): Promise<FuzzReport> {
  const draw = numbersFrom(seed);
  const problems: string[] = [];
  let [calls, places] = [0, 0];
  const ask = async (version: ApiVersion, name: string, text: string, patience: number): Promise<void> => {
    const session = new Session({ permissions: PERMISSIONS, version, push: () => undefined });
    const timer = setTimeout(() => session.close(), patience);
    const reply = await on.net.dispatcher.handle(text, session);
    clearTimeout(timer);
    const { error, result } = JSON.parse(reply ?? "{}") as { error?: { message: string }; result?: unknown };
    if (error === undefined && result === undefined)
      problems.push(`${version} ${name}: no answer to ${text.slice(0, 300)}`);
    if (INNER.test(error?.message ?? ""))
      problems.push(`${version} ${name}: ${error?.message} to ${text.slice(0, 300)}`);
    if (patience === answerMs && error?.message === "the client went away")
      problems.push(`${version} ${name}: no answer in time to ${text.slice(0, 300)}`);
    session.close();
  };
  for (const version of API_VERSIONS)
    for (const [name, { give }] of Object.entries(callsOf(on)[version])) {
      const whole = REGISTRY.methods(version).has(name) ? name : `Filecoin.${name}`;
      const method = REGISTRY.methods(version).get(whole);
      if (method === undefined) throw new Error(`${whole} is not defined`);
      const params = await give();
      const patience = method.cost === "wait" ? waitMs : answerMs;
      for (const place of placesOf(params, method.params.length)) {
        places++;
        for (let i = 0; i < perPlace; i++, calls++)
          await ask(version, name, requestOf(whole, params, place, VALUES[draw(VALUES.length)] as string), patience);
      }
    }
  return { calls, places, problems };
}
