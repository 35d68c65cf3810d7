/** The circulating supply against the formula in plain bigints. Source: lotus v1.0.0 chain/stmgr/stmgr.go. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { EngineFault } from "../../../src/core/errors.ts";
import { type GenesisSupply, Vm } from "../../../src/core/vm.ts";
import { bigToBytes } from "../../../src/types/amount.ts";
import { contextOf, hostOf, makeState, type PlainState, RICH } from "../../support/plain-state.ts";

const MINED = 5_000n;
const PLEDGE = 700n;
const DEAL_LOCKS = [10n, 20n, 30n] as const;
const RESERVE = 9_000n;
const BURNT = 40n;

/** A state tuple with amounts at some positions. */
const tuple = (size: number, amounts: Readonly<Record<number, bigint>>): unknown[] =>
  Array.from({ length: size }, (_, i) => (amounts[i] === undefined ? 0 : bigToBytes(amounts[i])));

let state: PlainState;
let vm: Vm;
beforeAll(async () => {
  state = makeState(5, 2, [
    { id: 2, code: "reward", state: tuple(11, { 8: MINED }) },
    { id: 4, code: "storagepower", state: tuple(15, { 4: PLEDGE }) },
    { id: 5, code: "storagemarket", state: tuple(11, { 8: DEAL_LOCKS[0], 9: DEAL_LOCKS[1], 10: DEAL_LOCKS[2] }) },
    { id: 90, code: "account", state: [], balance: RESERVE },
    { id: 99, code: "account", state: [], balance: BURNT },
  ]);
  vm = await Vm.create(hostOf(state.store));
});

function supplyAt(epoch: number, circulatingSupply: bigint | GenesisSupply): bigint {
  vm.open({ ...contextOf(state.root, 5), epoch, circulatingSupply });
  return vm.circulatingSupply();
}

const genesis: GenesisSupply = {
  earlyVestings: [{ amount: 1_000_003n, duration: 1000, start: 0 }],
  lateVestings: [{ amount: 2_000_003n, duration: 1000, start: 500 }],
  ignitionEpoch: 600,
  secondActorsEpoch: 800,
  genesisPledge: 11n,
  genesisMarketFunds: 13n,
  initialReserve: 10_000n,
  accounts: [{ id: 100n, balance: RICH + 77n }],
};

function formula(epoch: number): bigint {
  const table = epoch <= genesis.ignitionEpoch ? genesis.earlyVestings : genesis.lateVestings;
  let sum = 77n + MINED;
  for (const { amount, duration, start } of table) {
    const passed = epoch - start;
    const locked =
      passed >= duration ? 0n : passed < 0 ? amount : (amount / BigInt(duration)) * BigInt(duration - passed);
    sum += amount - locked;
  }
  if (epoch <= genesis.secondActorsEpoch) sum += genesis.genesisPledge + genesis.genesisMarketFunds;
  else sum += genesis.initialReserve - RESERVE;
  sum -= BURNT + PLEDGE + DEAL_LOCKS[0] + DEAL_LOCKS[1] + DEAL_LOCKS[2];
  return sum < 0n ? 0n : sum;
}

describe("circulating supply", () => {
  test("a fixed amount is what it is at every epoch", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 28n), (amount) => {
        expect(supplyAt(7, amount)).toBe(amount);
      }),
    );
  });

  test("computed from the state and the genesis it follows the formula at every epoch", () => {
    const edges = [0, 1, 499, 500, 501, 600, 601, 799, 800, 801, 999, 1000, 1001, 1499, 1500, 9999];
    for (const epoch of edges) expect(supplyAt(epoch, genesis)).toBe(formula(epoch));
    fc.assert(
      fc.property(fc.nat(3000), (epoch) => {
        expect(supplyAt(epoch, genesis)).toBe(formula(epoch));
      }),
    );
  });

  test("it is never below zero", async () => {
    const bare = { ...genesis, earlyVestings: [], accounts: [], genesisPledge: 0n, genesisMarketFunds: 0n };
    const poor = makeState(5, 1, [
      { id: 2, code: "reward", state: tuple(11, { 8: 0n }) },
      { id: 4, code: "storagepower", state: tuple(15, { 4: PLEDGE }) },
      { id: 5, code: "storagemarket", state: tuple(11, { 8: 0n, 9: 0n, 10: 0n }) },
    ]);
    const other = await Vm.create(hostOf(poor.store));
    other.open({ ...contextOf(poor.root, 5), epoch: 1, circulatingSupply: bare });
    expect(other.circulatingSupply()).toBe(0n);
  });

  test("without the actors that it needs there is no supply, but a fault", async () => {
    const none = makeState(5, 1);
    const other = await Vm.create(hostOf(none.store));
    other.open({ ...contextOf(none.root, 5), epoch: 1, circulatingSupply: { ...genesis, accounts: [] } });
    expect(() => other.circulatingSupply()).toThrow(EngineFault);
  });
});
