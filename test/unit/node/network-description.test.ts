/** Descriptions of networks from elsewhere: every number has the bound that the option has. */
import { expect, test } from "vitest";
import { parseDescription } from "../../../src/node/network-description.ts";

const miner = (address: string) => ({ address, sectors: 2, sectorBytes: 2048, node: 0 });
const GOOD = {
  network: "localnet",
  chainId: 31_415_926,
  epochSeconds: 3600,
  genesis: { cid: "bafy2bzaceaq4n", time: 4_294_967_295 },
  beacon: {
    schemeID: "bls-unchained-g1-rfc9380",
    public_key: "00".repeat(96),
    period: 3600,
    genesis_time: 4_294_967_295,
    hash: "00".repeat(32),
  },
  seed: "s",
  proofs: "attested",
  rpc: [],
  multiaddrs: [],
  miners: [miner("t0121"), miner("t0122")],
  accounts: [{ name: "alice" }],
};
const refusal = (over: object): string => {
  try {
    parseDescription(JSON.stringify({ ...GOOD, ...over }));
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("what is within the bounds is read", () => {
  expect(refusal({})).toBe("");
  expect(refusal({ miners: [] })).toBe("");
  expect(refusal({ miners: [{ ...miner("t0121"), sectorBytes: 8 << 20 }] })).toBe("");
});

test.each([
  ["epochSeconds", { epochSeconds: 3601 }, /epochSeconds .*a whole number from 1 to 3600/],
  ["epochSeconds", { epochSeconds: 2 ** 53 - 1 }, /epochSeconds/],
  ["genesis.time", { genesis: { ...GOOD.genesis, time: 4_294_967_296 } }, /time .*4294967295/],
  ["beacon.period", { beacon: { ...GOOD.beacon, period: 2 ** 40 } }, /beacon.period/],
  ["beacon.genesis_time", { beacon: { ...GOOD.beacon, genesis_time: 2 ** 40 } }, /beacon.genesis_time/],
  ["chainId", { chainId: 314 }, /chainId .*31415926 is that of "localnet", and 314 stands there/],
  ["sectorBytes", { miners: [{ ...miner("t0121"), sectorBytes: 2 ** 40 }] }, /sectorBytes .*2048/],
  ["no size", { miners: [{ ...miner("t0121"), sectorBytes: 4096 }] }, /of one size .*t0121/],
  ["two sizes", { miners: [miner("t0121"), { ...miner("t0122"), sectorBytes: 8 << 20 }] }, /of one size .*t0122/],
  ["node", { miners: [{ ...miner("t0121"), node: 32 }] }, /node .*0 to 31/],
  ["too many miners", { miners: Array.from({ length: 17 }, (_, i) => miner(`t0${121 + i}`)) }, /at most 16/],
  ["too many accounts", { accounts: Array.from({ length: 101 }, () => ({})) }, /at most 100/],
  ["a key's address", { miners: [miner("t1d2xrzcslx7xlbbylc5c3d5lvandqw4iwl6epxba")] }, /an ID address such as t01000/],
  ["no address", { miners: [miner("t0x")] }, /an ID address such as t01000/],
  ["one miner twice", { miners: [miner("t0121"), miner("t0121")] }, /t0121 follows t0121/],
  ["other sectors", { miners: [miner("t0121"), { ...miner("t0122"), sectors: 3 }] }, /as many sectors/],
])("refused by name: %s", (_, over, why) => {
  expect(refusal(over)).toMatch(why);
});

test("of a network with upgrades it is said why no node joins, not that the file is wrong", () => {
  const refused = refusal({ upgrades: [{ epoch: 3, networkVersion: 17 }] });
  expect(refused).toMatch(/network with upgrades is of one process: a node cannot join/);
  expect(refused).not.toMatch(/missing|wrong/);
});

test("what is missing is told apart from what is wrong", () => {
  expect(refusal({ chainId: undefined })).toMatch(/: chainId is missing/);
  expect(refusal({ miners: undefined })).toMatch(/: miners is missing/);
  expect(refusal({ chainId: -1 })).toMatch(/: chainId is wrong \(a whole number/);
});
