/** Values that nobody means, in every position of every method: each call is answered, and the node lives. */
import { afterAll, beforeAll, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { REGISTRY } from "../../src/rpc/api.ts";
import { PERMISSIONS } from "../../src/rpc/auth.ts";
import type { Method } from "../../src/rpc/method.ts";
import { Session } from "../../src/rpc/session.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { attackTimes, random, shareOf } from "./tally.ts";

const CALLS = 20_000;
/** Calls at once, as many clients would make them. */
const AT_ONCE = 8;
/** Milliseconds within which everything that is no wait is answered, on a machine that does nothing else. */
const ANSWER_MS = 2000;
/** The machine may be doing other things: what is over this is not noise. */
const PATIENCE = 5;
/** Milliseconds after which the caller of a wait goes away. */
const WAIT_MS = 100;

let net: Devnet;
let values: readonly unknown[];
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, machine: "worker" });
  await net.clock.mine(30);
  values = valuesOf();
});
afterAll(() => net.close());

function valuesOf(): unknown[] {
  const [a, b] = net.accounts;
  const cid = { "/": String(net.head.key[0]) };
  const message = { Version: 0, To: `${b?.bls}`, From: `${a?.secp256k1}`, Nonce: 0, Value: "1", Method: 0, Params: "" };
  const gas = { GasLimit: 3_000_000, GasFeeCap: "1000000000", GasPremium: "1000" };
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 1);
  return [
    ...[null, true, false, 0, 1, -1, 5, 0.5, 1e300, -1e300, 2 ** 31, 2 ** 53, -(2 ** 53), 100_000, 3_000_000],
    ...["", "0", "-1", "1", "x", "f", "t0100", "t01000", "t00", "t099999999", "f0", "0x", "0x00", "9".repeat(5000)],
    ...[`${a?.secp256k1}`, `${a?.bls}`, `${a?.id}`, `${net.miner}`, "t3", "t410f", "bls", "secp256k1", "AAAA", "===="],
    ...["\u0000", "\ud800", "💥", "a".repeat(100_000), "latest", "pending", "2020-01-01T00:00:00Z", cid["/"]],
    ...[[], [null], [[]], [cid], [cid, cid], [{}], [0], [1, 2, 3], ["x"], new Array(2000).fill(0), deep],
    ...[{}, { "/": "" }, { "/": 1 }, cid, { "/": "bafy" }, { "/": {} }, { a: 1 }, { __proto__: null }, { length: -1 }],
    ...[
      message,
      { ...message, ...gas },
      { ...message, Value: "-1" },
      { ...message, Nonce: -1 },
      { ...message, To: "t0" },
    ],
    ...[
      { ...message, Params: "A".repeat(90_000) },
      { ...message, Method: 2 ** 53 },
      { ...message, ...gas, GasLimit: -5 },
    ],
    ...[
      { Message: { ...message, ...gas }, Signature: { Type: 1, Data: "AA==" } },
      { Type: 2, Data: "" },
    ],
    ...[{ Type: "secp256k1", PrivateKey: "AA==" }, { MaxFee: "1" }, { Cids: [cid], Blocks: [], Height: 1 }],
  ];
}

type Target = {
  readonly version: "v0" | "v1";
  readonly name: string;
  readonly method: Method;
  readonly position: number;
};

/** Every position of every method, and one behind the last. */
function targets(): Target[] {
  return (["v0", "v1"] as const).flatMap((version) =>
    [...REGISTRY.methods(version)].flatMap(([name, method]) =>
      Array.from({ length: method.params.length + 1 }, (_, position) => ({ version, name, method, position })),
    ),
  );
}

async function ask({ version, name, method, position }: Target, rnd: (below: number) => number): Promise<void> {
  const any = (): unknown => values[rnd(values.length)];
  const params = Array.from({ length: Math.max(method.params.length, position + 1) }, (_, at) =>
    at === position || rnd(3) === 0 ? any() : null,
  );
  const session = new Session({ permissions: PERMISSIONS, version, push: () => undefined });
  const abort = new AbortController();
  const isWait = method.cost === "wait" || method.subscription === true;
  const timer = isWait ? setTimeout(() => abort.abort(new Error("the caller went away")), WAIT_MS) : undefined;
  const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method: name, params });
  const begun = performance.now();
  try {
    const reply = await net.dispatcher.handle(request, session, abort.signal);
    const took = performance.now() - begun;
    if (isWait && abort.signal.aborted) return;
    const json = JSON.parse(reply ?? "null") as { result?: unknown; error?: { message?: unknown } } | null;
    const isAnswer = json !== null && ("result" in json || typeof json.error?.message === "string");
    if (!isAnswer) throw new Error(`${name} ${JSON.stringify(params).slice(0, 300)}: ${reply?.slice(0, 200)}`);
    if (took > ANSWER_MS * PATIENCE) throw new Error(`${name} ${JSON.stringify(params).slice(0, 300)}: ${took} ms`);
    if (/internal error|Cannot read|is not a function|undefined/i.test(String(json.error?.message ?? "")))
      throw new Error(`${name} ${JSON.stringify(params).slice(0, 300)}: ${String(json.error?.message)}`);
  } finally {
    clearTimeout(timer);
    session.close();
  }
}

test("any values in all positions of all methods", async (context) => {
  const rnd = random(5);
  const all = targets();
  const rounds = Math.ceil(shareOf(CALLS) / AT_ONCE);
  let next = 0;
  let failed: unknown;
  await attackTimes(context, CALLS, async (run) => {
    // Each round asks several at once; every call counts.
    if (run % AT_ONCE === 0) {
      failed = undefined;
      const group = Array.from({ length: AT_ONCE }, () => all[next++ % all.length] as Target);
      const results = await Promise.allSettled(group.map((target) => ask(target, rnd)));
      failed = results.find(({ status }) => status === "rejected");
    }
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
    if (run % 2000 === 0) {
      net.services.dev?.setBlockTime(3600);
      net.services.dev?.setAutomine(true);
      await net.clock.mine(1);
    }
  });
  if (rounds * AT_ONCE >= CALLS && next < all.length) throw new Error("positions were left out");
});
