/**
 * A fixture for vitest: a network of its own for every test that asks for `net`, in memory and in the same process.
 *
 * @example
 * import { test } from "filigree/vitest";
 * test("a head", async ({ net, expect }) => {
 *   expect(await net.request("ChainHead")).toMatchObject({ Height: 0 });
 * });
 */
import { test as base, type TestAPI } from "vitest";
import { Devnet, type DevnetOptions } from "./node/devnet.ts";
import { Lab, type LabSteps } from "./scenario/lab.ts";
import type { NodesSteps } from "./scenario/nodes-lab.ts";

export type NetworkFixtures = {
  /** Options of the network; set them with `test.override` or `test.extend`, or in `testWith`. */
  readonly netOptions: Partial<DevnetOptions>;
  /** A new network, closed when the test ends. It makes a tipset whenever a message arrives, unless told otherwise. */
  readonly net: Devnet;
  /**
   * The steps of scenarios on that network, by their verbs: `await lab.send({ from: "alice", to: "bob", value: "1 FIL" })`.
   * For a test that asks for it epochs pass on call alone.
   */
  readonly lab: LabSteps;
  /** What `nodes` is: seed, number of nodes (default 3) and of accounts; set them with `test.override` or `test.extend`. */
  readonly nodesOptions: { readonly seed?: string; readonly nodes?: number; readonly accounts?: number };
  /** The steps of scenarios on a simulated network of several nodes: `await nodes.part([[0], [1, 2]])`. */
  readonly nodes: NodesSteps;
};

/** `test` with a network of the given options. */
export function testWith(options: Partial<DevnetOptions>): TestAPI<NetworkFixtures> {
  return base.extend<NetworkFixtures>({
    netOptions: options,
    net: async ({ netOptions }, use) => {
      const net = await Devnet.open(netOptions);
      try {
        await use(net);
      } finally {
        await net.close();
      }
    },
    lab: async ({ net }, use) => use((await Lab.open(net)).steps),
    nodesOptions: {},
    nodes: async ({ nodesOptions }, use) => {
      // Few tests need the simulator.
      const { NodesLab } = await import("./scenario/nodes-lab.ts");
      await use((await NodesLab.open(nodesOptions)).steps);
    },
  });
}

export const test = testWith({});
