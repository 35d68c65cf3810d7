/** A fork of a network whose actors are a bundle of nobody's: their code is the other node's to give, and is told of if it does not. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Devnet } from "../../../src/node/devnet.ts";
import { RemoteChain } from "../../../src/node/fork/remote-chain.ts";
import { testBundle } from "../../support/fvm-bundle.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are JSON of as many shapes as there are methods
type Change = (method: string, params: any, answer: any) => unknown;

/** CIDs of raw blocks, with blake2b-256. */
const CODES = /^bafk2bz/;

let net: Devnet;
let url: string;
let change: Change = () => undefined;
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", async () => {
    const { method, params } = JSON.parse(`${Buffer.concat(parts)}`);
    let answer: unknown;
    try {
      const result = await net.request(method, ...params);
      answer = { result: change(method, params, result) ?? result };
    } catch (error) {
      answer = { error: { code: 1, message: `${error}` } };
    }
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...(answer as object) }));
  });
});

beforeAll(async () => {
  net = await Devnet.open({ accounts: 2, seed: "actors", networkVersion: 23, bundle: await testBundle() });
  net.clock.setAutomine(false);
  await net.clock.mine(3);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc/v1`;
});
afterAll(async () => {
  server.close();
  await net.close();
});

/** Forks while the other node answers otherwise. */
async function forkWith(how: Change): Promise<Devnet> {
  change = how;
  try {
    return await Devnet.fork(url);
  } finally {
    change = () => undefined;
  }
}

const refused = (how: Change, code: string, message: string | RegExp) =>
  expect(forkWith(how)).rejects.toMatchObject({ data: { code }, message: expect.stringMatching(message) });

test("the code comes from the other node, and blocks are made with it", async () => {
  const fork = await forkWith(() => undefined);
  try {
    expect(fork.head.key.map(String)).toEqual(net.head.key.map(String));
    expect(await fork.request("StateNetworkVersion", [])).toBe(23);
    await fork.clock.mine(2);
    const theirs = await fork.node.states.result(await fork.node.chain.tipset(net.head.key));
    expect(theirs).toEqual(await net.node.states.result(net.head));
  } finally {
    await fork.close();
  }
  for (const given of [{ networkVersion: 23 }, { predeploy: true }])
    await expect(Devnet.fork(url, given)).rejects.toThrow("leave it out");
});

test("code that is not given, a schedule that does not fit and versions that are not known are told by name", async () => {
  const wrong =
    (field: object): Change =>
    (method, _, answer) =>
      method.endsWith("StateGetNetworkParams") ? { ...answer, ...field } : undefined;
  const heights = (await net.request("StateGetNetworkParams")).ForkUpgradeParams;
  await refused(wrong({ BlockDelaySecs: "1" }), "BAD_ANSWER", "StateGetNetworkParams");
  await refused(wrong({ ForkUpgradeParams: null }), "BAD_ANSWER", "StateGetNetworkParams");
  await refused(
    wrong({ ForkUpgradeParams: { ...heights, UpgradeWaffleHeight: 1.5 } }),
    "BAD_ANSWER",
    "StateGetNetworkParams",
  );
  const late = { ...heights, UpgradeWaffleHeight: 50 };
  await refused(
    wrong({ ForkUpgradeParams: late }),
    "BAD_ANSWER",
    "no schedule of versions that comes to 23 at epoch 3",
  );
  await refused(wrong({ ForkUpgradeParams: {} }), "CODE_NOT_AT_HAND", "which began with 0: a fork can be of");
  const both = { ...heights, UpgradeTuktukHeight: 50, UpgradeTeepHeight: 40 };
  await refused(wrong({ ForkUpgradeParams: both }), "BAD_ANSWER", "no schedule of versions");
  const version =
    (told: number): Change =>
    (method) =>
      method.endsWith("StateNetworkVersion") ? told : undefined;
  await refused(version(99), "CODE_NOT_AT_HAND", "of version 99, which is not known here");
  const constants = vi.spyOn(RemoteChain.prototype, "constants");
  constants.mockResolvedValue({ versions: [{ epoch: 0, networkVersion: 5 }], blockDelay: 30 });
  await refused(version(5), "BAD_ANSWER", "its state has unknown actors, and .* network version 5, which runs v2");
  constants.mockRestore();
  const { ParentStateRoot: state } = (await net.request("ChainHead")).Blocks[0];
  const stateless: Change = (method, params) => {
    if (method.endsWith("ChainReadObj") && params[0]["/"] === state["/"]) throw new Error("not found");
  };
  await refused(stateless, "BAD_ANSWER", "does not give its chain: its state cannot be used: ");
  const without: Change = (method, params) => {
    if (method.endsWith("ChainReadObj") && CODES.test(params[0]["/"])) throw new Error("not found");
  };
  await refused(
    without,
    "CODE_NOT_AT_HAND",
    /of network version 23 is not here, and http.* does not have it; .* nobody published/,
  );
});
