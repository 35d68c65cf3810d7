/** A share of what `npm run test:attack` does at length: wrong values in every place of every method's parameters. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fuzzMethods } from "../support/rpc-fuzz.ts";
import { openRpcNetwork, type RpcNetwork } from "../support/rpc-network.ts";

let on: RpcNetwork;
beforeAll(async () => {
  on = await openRpcNetwork();
});
afterAll(() => on.net.close());

test("a wrong value in any place of any method is answered with an error that says what is wrong", async () => {
  const { problems, places, calls } = await fuzzMethods(on, { perPlace: 2, seed: 11 });
  expect(problems).toEqual([]);
  expect(places).toBeGreaterThan(900);
  expect(calls).toBe(2 * places);
  expect(await on.net.request("StateNetworkName")).toBe("localnet");
}, 180_000);
