/**
 * An upgrade on the way: every actor gets the code of the next version, and nothing else of it changes. Where no bundles are at hand
 * this says so and skips.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, test } from "vitest";
import { fromBase64 } from "../../src/base/bytes.ts";
import type { Bundle } from "../../src/exec/bundle.ts";
import { RpcChain } from "../../src/miner/chain-side/rpc-chain.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { actorsToCome } from "../../src/node/devnet-chain.ts";
import { actorOfCode } from "../../src/params/actor-codes.ts";
import { devnetAt } from "../../src/params/networks.ts";
import type { ActorEntry } from "../../src/state/state-view.ts";
import { Address } from "../../src/types/address.ts";
import type { CID } from "../../src/types/cid.ts";
import { DATACAP, EAM } from "../../src/types/singletons.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

const bundles = givenBundles();
const [v17, v18] = await Promise.all([17, 18].map((version) => bundles.find("devnet", version)));
const [v8, v9, v10] = await Promise.all([8, 9, 10].map((version) => bundles.find("devnet", version)));
const isHere = v17 !== undefined && v18 !== undefined;
const FIRST = 4;

describe.skipIf(!isHere)(`from version 27 to 28${isHere ? "" : ` (${HOW})`}`, () => {
  const open = (upgrade: { readonly bundle?: Bundle }) =>
    Devnet.open({
      ...{
        ...TEST_OPTIONS,
        retention: 1900,
        networkVersion: 27,
        upgrades: [{ networkVersion: 28, epoch: FIRST, ...upgrade }],
      },
      ...(v17 === undefined ? {} : { bundle: v17 }),
    });

  test("all actors are the later ones from its epoch on, with the states that they had, and work", async () => {
    const net = await open(v18 === undefined ? {} : { bundle: v18 });
    try {
      // A fault that is reported may be a finality old, and its miner's worker is that of a finality before.
      expect(net.node.collector).toMatchObject({ keep: 1900 });
      const actors = async (): Promise<Map<string, ActorEntry>> => {
        const view = await net.node.states.stateAfter(net.head);
        const all = new Map<string, ActorEntry>();
        for await (const [id, entry] of view.entries()) all.set(`${id}`, entry);
        return all;
      };
      await net.clock.mine(FIRST - 1);
      const before = await actors();
      expect(await net.request("StateNetworkVersion", [])).toBe(27);
      // What is made now is executed by the later actors.
      const chain = new RpcChain({
        ...{ miner: Address.id(1000), prefix: "t", pollMs: 1000, isRefusal: () => false },
        request: (method, ...params) => net.request(method, ...params),
      });
      expect(await chain.head()).toMatchObject({ height: FIRST - 1, networkVersion: 28 });
      const from = `${net.accounts[0]?.secp256k1}`;
      const create = await net.request("MsigCreate", 1, [from], 0, "0", from, "0");
      const [code] = dagCbor.decode<[CID]>(fromBase64(`${create.Message.Params}`));
      expect(`${code}`).toBe(`${v18?.codes.get("multisig")}`);
      await net.clock.mine(1);
      expect(await net.request("StateNetworkVersion", [])).toBe(28);
      const after = await actors();
      expect([...after.keys()]).toEqual([...before.keys()]);
      for (const [id, { code, head, nonce, balance }] of before) {
        const now = after.get(id);
        const was = actorOfCode(code);
        expect(now?.code.equals(v18?.codes.get(was?.name ?? "") as never)).toBe(true);
        // What epochs and rewards move, and the list of actors itself.
        if (["reward", "storageminer", "storagepower", "storagemarket", "system"].includes(was?.name ?? "")) continue;
        expect([`${now?.head}`, now?.nonce, now?.balance]).toEqual([`${head}`, nonce, balance]);
      }
      const { CID: sent } = await net.request(
        "MpoolPushMessage",
        { From: `${net.accounts[0]?.secp256k1}`, To: `${net.accounts[1]?.secp256k1}`, Value: "7" },
        null,
      );
      await net.clock.mine(2);
      expect((await net.request("StateSearchMsg", [], sent, -1, true)).Receipt.ExitCode).toBe(0);
    } finally {
      await net.close();
    }
  });

  test("without the later actors it does not begin", async () => {
    await expect(open({})).rejects.toThrow(/actors v18 of devnet are not at hand/);
  });

  test("actors that are given stay at hand: the head may have no result yet", () => {
    const upgrade = { networkVersion: 28, epoch: FIRST };
    const network = devnetAt(27, [upgrade]);
    const given = v18 === undefined ? upgrade : { ...upgrade, bundle: v18 };
    expect([...actorsToCome(network, FIRST, [given]).keys()]).toEqual([...(v18?.blocks.keys() ?? [])]);
    expect(actorsToCome(network, FIRST, [upgrade]).size).toBe(0);
  });

  test("actors that those of the state cannot become are refused", async () => {
    const own = v18 === undefined ? {} : { bundle: { ...v18, published: null } };
    await expect(open(own)).rejects.toThrow(/given are actors of devnet, then of nobody/);
  });
});

const ways = [
  { from: 16, given: v8, next: v9, added: DATACAP, name: "datacap" },
  { from: 17, given: v9, next: v10, added: EAM, name: "eam" },
];
for (const { from, given, next, added, name } of ways) {
  const isGiven = given !== undefined && next !== undefined;
  describe.skipIf(!isGiven)(`from version ${from} to ${from + 1}${isGiven ? "" : ` (${HOW})`}`, () => {
    test.each(["thread", "worker"] as const)(
      "the state has the actor that comes, executed in a %s",
      async (machine) => {
        const net = await Devnet.open({
          ...{ ...TEST_OPTIONS, networkVersion: from, machine, bundle: given as Bundle },
          upgrades: [{ networkVersion: from + 1, epoch: FIRST, bundle: next as Bundle }],
        });
        try {
          await net.clock.mine(FIRST + 2);
          // Executed on top of the upgrade.
          const view = await net.node.states.stateAfter(net.head);
          expect(actorOfCode((await view.requireActor(added)).code)?.name).toBe(name);
          expect(net.head.height).toBe(FIRST + 2);
        } finally {
          await net.close();
        }
      },
    );
  });
}

test("upgrades over several changes of actors, or that go back, are refused by name", async () => {
  const from = (networkVersion: number, to: number, epoch = 10) =>
    Devnet.open({ ...TEST_OPTIONS, networkVersion, upgrades: [{ networkVersion: to, epoch }] });
  await expect(from(16, 18)).rejects.toThrow(
    /from version 16 to 18 actors change 2 times, at 17, 18: each takes an upgrade of its own/,
  );
  await expect(from(22, 24)).rejects.toThrow(
    /from version 22 to 24 actors change 2 times, at 23, 24: each takes an upgrade of its own, at an epoch of its own/,
  );
  await expect(from(17, 28)).rejects.toThrow(/at 18, 19, 21, 22, 23, 24, 25, 27, 28: each takes an upgrade/);
  await expect(from(28, 27)).rejects.toThrow(/nothing follows on version 28/);
  await expect(from(5, 28)).rejects.toThrow(/version 5, .* has none: begin with 16 to 27/);
  await expect(from(27, 28, 0)).rejects.toThrow(/upgrades/);
});
