/** The descriptions of methods' parameters against real ones: JSON of them becomes the same bytes again. */
import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, test } from "vitest";
import { fromBase64, toHex } from "../../../src/base/bytes.ts";
import { gunzip } from "../../../src/conformance/inflate.ts";
import type { Scenario, ScenarioFile } from "../../../src/conformance/scenario.ts";
import { ACTORS } from "../../../src/schema/index.ts";
import { decodeMethodData, encodeMethodParams, StateView } from "../../../src/state/state-view.ts";
import { readCar } from "../../../src/storage/car.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { Address } from "../../../src/types/address.ts";
import { type CID, cidOfText, parseCid, textOfCid } from "../../../src/types/cid.ts";
import { decodeMessage } from "../../../src/types/message.ts";
import { cborToJson, type Json, jsonToCbor } from "../../../src/types/schema-codec.ts";
import { readFixtureJson } from "../../support/files.ts";

const FILES = [
  { actorsVersion: 0, prefix: "fil/1/", names: ["market-v0", "scenarios-v0", "miner-devnet-v0", "miner-mainnet-v0"] },
  { actorsVersion: 2, prefix: "fil/2/", names: ["market-v2", "scenarios-v2", "miner-devnet-v2", "miner-mainnet-v2"] },
] as const;

/** Exit codes of calls that came as far as their parameters' reading, and whose parameters were read. */
const wereRead = (exit: number): boolean => exit === 0 || exit >= 8;

/** Methods with parameters that no recorded message calls from outside; other actors call them, or the genesis. */
const INSIDE = /^(?:account|cron|init|reward|storageminer|verifiedregistry) 1$|^storageminer (?:12|17)$/;

function isCanonical(bytes: Uint8Array): boolean {
  try {
    dagCbor.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

describe.each(FILES)("codes $prefix", ({ actorsVersion, prefix, names }) => {
  const seen = new Set<string>();

  /** Checks one message's parameters, and those inside of them; the number of those that were checked. */
  const check = (code: CID, to: Address | null, method: bigint, params: Uint8Array): number => {
    // The actors do not look behind the parameters, which the host's reader does.
    if (method === 0n || params.length === 0 || !isCanonical(params)) return 0;
    const json = decodeMethodData(code, method, "params", params, "f") as { readonly [field: string]: Json } | null;
    if (json === null) return 0;
    const again = encodeMethodParams(code, method, json, "f");
    if (toHex(again) !== toHex(params)) {
      // A bitfield may have zeros or junk behind its last one, which are not written again.
      expect(JSON.stringify(json)).toMatch(/\[\d+(,\d+)*\]/);
      const twice = encodeMethodParams(code, method, decodeMethodData(code, method, "params", again, "f"), "f");
      expect(toHex(twice)).toBe(toHex(again));
    } else seen.add(`${textOfCid(code)?.slice(prefix.length)} ${method}`);
    const inner = json["ConstructorParams"] ?? json["Params"];
    if (typeof inner !== "string") return 1;
    const made = json["CodeCID"] as { "/": string } | undefined;
    try {
      if (made !== undefined) check(parseCid(made["/"]), null, 1n, fromBase64(inner));
      else if (`${to}` === json["To"]) check(code, to, BigInt(json["Method"] as number), fromBase64(inner));
    } catch {
      // What is only proposed may be anything.
    }
    return 1;
  };

  const play = async (store: MemoryStore, scenario: Scenario): Promise<number> => {
    const view = await StateView.open(store, parseCid(scenario.root));
    const story = /^(multisig|paych|miner)-/.exec(scenario.name)?.[1];
    const made = { multisig: "multisig", paych: "paymentchannel", miner: "storageminer" }[story ?? ""];
    let checked = 0;
    for (const { op, msg, exit } of scenario.steps) {
      if (op === "epoch" || msg === undefined || !wereRead(exit)) continue;
      const { to, method, params } = decodeMessage(fromBase64(msg));
      // An actor of the genesis, or one of those that the scenario makes.
      const code = (await view.actor(to))?.code ?? (made === undefined ? null : cidOfText(prefix + made));
      if (code === null) continue;
      try {
        checked += check(code, to, method, params);
      } catch (error) {
        // A call that failed may have had no such method, or values that the host does not show.
        if (exit === 0) throw error;
      }
    }
    return checked;
  };

  test.each(names)("%s: parameters that the actors read become the same bytes again", async (name) => {
    const file = await readFixtureJson<ScenarioFile>(`actors/${name}.json.gz`);
    const store = new MemoryStore();
    store.writeNow({ blocks: readCar(await gunzip(fromBase64(file.car), 64 << 20)).blocks });
    let checked = 0;
    for (const scenario of file.scenarios) checked += await play(store, scenario);
    expect(checked).toBeGreaterThan(100);
  });

  test("no method with parameters was left out", () => {
    const missing = ACTORS.flatMap((actor) =>
      actor.methods
        .filter(
          ({ params, since = 0, until = 2 }) =>
            params !== undefined && since <= actorsVersion && actorsVersion <= until,
        )
        .map(({ number }) => `${actor.name} ${number}`)
        .filter((one) => !seen.has(one) && !INSIDE.test(one)),
    );
    expect(missing).toEqual([]);
  });
});

test("integers that no JavaScript number holds keep their digits", () => {
  const context = { module: (ACTORS[0] as (typeof ACTORS)[number]).module, actorsVersion: 2, prefix: "f" } as const;
  const around = [0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n];
  for (const value of [...around, 2n ** 64n - 1n]) {
    const json = cborToJson({ kind: "u64" }, dagCbor.encode(value), context);
    expect(json).toEqual(value < 2n ** 53n ? Number(value) : `${value}`);
    expect(dagCbor.decode<number | bigint>(jsonToCbor({ kind: "u64" }, json, context)).toString()).toBe(`${value}`);
  }
  for (const value of around)
    expect(cborToJson({ kind: "i64" }, dagCbor.encode(-value), context)).toEqual(
      value < 2n ** 53n ? -Number(value) + 0 : `-${value}`,
    );
  expect(() => cborToJson({ kind: "i64" }, dagCbor.encode(2n ** 63n), context)).toThrow(/i64/);
  expect(() => cborToJson({ kind: "u64" }, dagCbor.encode(-1), context)).toThrow(/u64/);
  for (const json of [-1, 1.5, 2 ** 53, "1e3", "18446744073709551616", ""])
    expect(() => jsonToCbor({ kind: "u64" }, json, context), `${json}`).toThrow();
});
