/** Errors of a local network name addresses as its other answers do, with t, whichever room they come from. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Devnet } from "../../../src/node/devnet.ts";
import { FIL } from "../../../src/types/amount.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, accounts: 2, balance: FIL });
});
afterAll(() => net.close());

test("an error that names an address spells it with t, in this process and as JSON-RPC", async () => {
  const [alice, bob] = net.accounts.map(({ secp256k1 }) => secp256k1.toString("t"));
  const asked: readonly (readonly [string, ...unknown[]])[] = [
    ["StateCall", { From: "t0999999", To: bob, Value: "0", Method: 0 }, null],
    ["PaychGet", alice, alice, "5", { OffChain: false }],
    ["PaychGet", alice, bob, "5", { OffChain: true }],
    ["StateAccountKey", "t01", null],
    ["StateMinerInfo", alice, null],
    ["ClientQueryAsk", "12D3KooWGBWx9gyUFTVQcKMTenQMSyE2ad9m7c9fpjS4NMjoDien", alice],
    ["WalletDelete", "f0999999"],
  ];
  for (const [method, ...params] of asked) {
    const { message } = await net.request(method, ...params).then(
      () => new Error("no error"),
      (thrown: Error) => thrown,
    );
    expect(message, method).toMatch(/\bt[01]/);
    expect(message, method).not.toMatch(/\bf[0-4][a-z0-9]+/);
  }
});
