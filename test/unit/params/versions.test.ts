/** The table of network versions: rows, rules, figures, codes of actors, upgrades of the public networks. */
import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, test } from "vitest";
import { EngineFault } from "../../../src/core/errors.ts";
import { Vm } from "../../../src/core/vm.ts";
import { actorBundles, actorCodes, actorOfCode, nativeCode } from "../../../src/params/actor-codes.ts";
import { CALIBRATIONNET, DEVNET, devnetAt, MAINNET, networkVersionAt } from "../../../src/params/networks.ts";
import { firstEpochIn, UPGRADES, versionUpgrades } from "../../../src/params/upgrades.ts";
import { addressProtocols, CHAIN_RULES, chainRule, signatureTypes } from "../../../src/schema/versions/chain-rules.ts";
import { FIGURES, figureAt } from "../../../src/schema/versions/figures.ts";
import { PRICE_LISTS } from "../../../src/schema/versions/prices.ts";
import { isExecutable, NETWORK_VERSIONS } from "../../../src/schema/versions/rows.ts";
import { holds, RULES, type Rule } from "../../../src/schema/versions/rules.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { contextOf, hostOf, makeState } from "../../support/plain-state.ts";

describe("rows", () => {
  test("are numbered without gaps, and neither actors nor state trees go back", () => {
    expect(NETWORK_VERSIONS.map(({ number }) => number)).toEqual(NETWORK_VERSIONS.map((_, i) => i));
    NETWORK_VERSIONS.slice(1).forEach((row, i) => {
      const before = NETWORK_VERSIONS[i] as (typeof NETWORK_VERSIONS)[number];
      expect(row.actors, row.name).toBeGreaterThanOrEqual(before.actors);
      expect(row.stateTree, row.name).toBeGreaterThanOrEqual(before.stateTree);
      expect(row.hamt, row.name).toBeGreaterThanOrEqual(before.hamt);
    });
  });

  test("actors of some versions, as the network has them", () => {
    const actors = [0, 3, 4, 9, 10, 12, 15, 16, 20, 21, 25, 26, 27, 28].map((at) => NETWORK_VERSIONS[at]?.actors);
    expect(actors).toEqual([0, 0, 2, 2, 3, 4, 7, 8, 11, 12, 16, 16, 17, 18]);
  });

  test("the core executes exactly the rows that say so, and names the version that it refuses", async () => {
    const state = makeState(5, 1);
    for (const { number } of [...NETWORK_VERSIONS, { number: NETWORK_VERSIONS.length }, { number: -1 }]) {
      const vm = await Vm.create(hostOf(state.store));
      const open = (): void => vm.open(contextOf(state.root, number));
      if (isExecutable(number)) expect(open).not.toThrow();
      else expect(open).toThrow(`network version ${number} `);
      if (isExecutable(number)) continue;
      vm.open(contextOf(state.root, 5));
      const advance = (): void => vm.advance(2000, number, 100n);
      expect(advance).toThrow(EngineFault);
      expect(advance).toThrow(`network version ${number} `);
    }
    expect(NETWORK_VERSIONS.filter(({ number }) => isExecutable(number)).map(({ number }) => number)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test("every row that the core executes has a price list", () => {
    const lists = new Set<string>(Object.keys(PRICE_LISTS));
    for (const { number, prices } of NETWORK_VERSIONS) if (isExecutable(number)) expect(lists).toContain(prices);
  });
});

describe("rules and figures", () => {
  const all = Object.entries<Rule>({ ...RULES, ...CHAIN_RULES });

  test.each(all)("%s holds under some versions and not under others", (_, rule) => {
    const held = NETWORK_VERSIONS.filter(({ number }) => holds(rule, number)).length;
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThan(NETWORK_VERSIONS.length);
    expect(rule.doc).toMatch(/\.$/);
  });

  test("bounds are included", () => {
    expect([4, 5, 6, 7].map((version) => holds({ doc: "", since: 5, until: 6 }, version))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test("figures change at their first versions", () => {
    expect([0, 3, 4, 28].map((version) => figureAt(FIGURES.consensusMinMiners, version))).toEqual([3, 3, 4, 4]);
    expect([4, 5].map((version) => figureAt(FIGURES.maxProveCommitBytes, version))).toEqual([1024, 10240]);
  });

  test("delegated addresses and signatures come with version 18", () => {
    expect([17, 18].map(addressProtocols)).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4],
    ]);
    expect([17, 18].map(signatureTypes)).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
    expect([27, 28].map((version) => chainRule("baseFeeFromPremiums", version))).toEqual([false, true]);
  });
});

describe("codes of actors", () => {
  test.each(actorBundles().map((bundle) => [`${bundle.name} v${bundle.actorsVersion}`, bundle] as const))(
    "the manifest of %s is made of its codes",
    (_, { codes, manifest }) => {
      const list = cidOfBlock(dagCbor.encode([...codes].map(([name, cid]) => [name, cid])));
      expect(`${cidOfBlock(dagCbor.encode([1, list]))}`).toBe(`${manifest}`);
    },
  );

  test("a code is known by its name and version", () => {
    expect(actorOfCode(nativeCode(5, "storageminer"))).toEqual({ name: "storageminer", actorsVersion: 2 });
    expect(actorOfCode(nativeCode(0, "account"))).toEqual({ name: "account", actorsVersion: 0 });
    for (const { number, actors } of NETWORK_VERSIONS)
      for (const [name, code] of actorCodes("mainnet", number) ?? [])
        if (name !== "placeholder") expect(actorOfCode(code)).toEqual({ name, actorsVersion: actors });
    expect(actorOfCode(cidOfBlock(Uint8Array.of(0)))).toBeNull();
  });

  test("every version has codes on every network", () => {
    for (const { number } of NETWORK_VERSIONS)
      for (const bundle of ["mainnet", "calibrationnet", "devnet"] as const)
        expect(actorCodes(bundle, number)?.size).toBeGreaterThanOrEqual(11);
    expect(() => nativeCode(16, "account")).toThrow("network version 16");
  });
});

describe("upgrades", () => {
  test("bring the versions of the table, in order, on both networks", () => {
    expect(versionUpgrades().map(({ networkVersion }) => networkVersion)).toEqual(
      NETWORK_VERSIONS.slice(1).map(({ number }) => number),
    );
    for (const network of [MAINNET, CALIBRATIONNET]) {
      const versions = network.upgrades.map(({ networkVersion }) => networkVersion);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      const epochs = network.upgrades.map(({ epoch }) => epoch);
      expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    }
    expect(UPGRADES.length).toBeGreaterThan(NETWORK_VERSIONS.length);
  });

  test("a version is in force from the epoch after its height", () => {
    expect([0, 41_280, 41_281, 148_888, 170_001].map((epoch) => networkVersionAt(MAINNET, epoch))).toEqual([
      0, 0, 1, 5, 6,
    ]);
    expect([6_052_800, 6_052_801].map((epoch) => networkVersionAt(MAINNET, epoch))).toEqual([27, 28]);
    // What the calibration network skipped before its genesis comes with the next version that it had.
    expect([30, 31, 61].map((epoch) => networkVersionAt(CALIBRATIONNET, epoch))).toEqual([0, 4, 5]);
    expect([3_694_534, 3_694_535].map((epoch) => networkVersionAt(CALIBRATIONNET, epoch))).toEqual([27, 28]);
  });

  test("a local network has behind it what led to its version", () => {
    expect([...DEVNET.upgradeHeights.keys()]).toEqual(["Breeze", "Smoke", "Ignition", "Assembly", "Tape"]);
    expect(MAINNET.upgradeHeights.get("Thunder")).toBe(2_870_280);
    // As a node tells of them: a version, or the one that comes without it.
    const told = (network: typeof DEVNET) =>
      Object.fromEntries([...network.upgradeHeights].map(([name, height]) => [`Upgrade${name}Height`, height]));
    expect(firstEpochIn(told(MAINNET), 20)).toBe(2_870_281);
    expect(
      [22, 23, 24].map((version) => firstEpochIn(told(devnetAt(21, [{ epoch: 50, networkVersion: 23 }])), version)),
    ).toEqual([50, 50, null]);
    expect(firstEpochIn(told(devnetAt(21)), 21)).toBe(0);
    expect(firstEpochIn({}, 23)).toBeNull();
  });
});
